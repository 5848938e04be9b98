// A voice note: WeChat's one recorder, started and stopped by a tap. A phone makes a small mp3; where
// the recorder has no mp3, a wav of telephone quality.
const LONGEST_MS = 60000
const FORMATS = [
  { format: 'mp3', sampleRate: 16000, numberOfChannels: 1, encodeBitRate: 32000 },
  { format: 'wav', sampleRate: 8000, numberOfChannels: 1 },
]
const DENIED = '没有用上麦克风。请在手机设置里允许微信用麦克风，或者打字。'
const SHORT = '说得太短了，请再说一次。'

/** `seconds(n)` each second, then `done({path, seconds})` or `failed(words)`; nothing after `drop`. */
function start({ seconds, done, failed }) {
  const machine = wx.getRecorderManager()
  let tries = 0
  let dropped = false
  let ticking = null
  let began = 0

  const end = () => clearInterval(ticking)
  const begin = () => machine.start(Object.assign({ duration: LONGEST_MS }, FORMATS[tries]))

  machine.onStart(() => {
    if (dropped) return machine.stop()
    began = Date.now()
    seconds(0)
    ticking = setInterval(() => seconds(Math.round((Date.now() - began) / 1000)), 1000)
  })
  machine.onStop(({ tempFilePath: path, duration }) => {
    end()
    if (dropped) return
    if (duration < 1000) failed(SHORT)
    else done({ path, seconds: Math.round(duration / 1000) })
  })
  machine.onError(({ errMsg = '' }) => {
    if (/format/.test(errMsg) && tries + 1 < FORMATS.length) {
      tries += 1
      return begin()
    }
    end()
    if (!dropped) failed(/too short/.test(errMsg) ? SHORT : DENIED)
  })
  begin()
  return {
    stop: () => machine.stop(),
    drop() {
      dropped = true
      end()
      machine.stop()
    },
  }
}

module.exports = { start }
