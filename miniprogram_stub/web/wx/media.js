// Pictures and sound: chosen or recorded here, a temporary file as WeChat gives it, played again.
import { call, news, Refusal } from '../call.js'
import { inTap } from '../events.js'
import { addressOf, fileAt, keepFile } from './network.js'
import { needScope } from './open.js'
import { needPrivacy } from './privacy.js'

const PICTURES_MOST = 20
const RECORDING_MOST_MS = 600000
const RATES = [8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000]
const WAV_HEAD = 44

const temporary = (blob) => {
  const path = `http://tmp/${crypto.randomUUID()}.${blob.type.split('/').pop()}`
  keepFile(path, blob)
  return path
}

/** The browser's own question for files. Throws a Refusal when nothing was picked. */
const pickFiles = (accept, multiple, capture) => new Promise((resolve, reject) => {
  const input = Object.assign(document.createElement('input'), { type: 'file', accept, multiple })
  if (capture) input.setAttribute('capture', 'environment')
  input.onchange = () => (input.files.length ? resolve([...input.files]) : reject(new Refusal('cancel')))
  input.oncancel = () => reject(new Refusal('cancel'))
  input.click()
})

async function chooseMedia({ count = 9, mediaType = ['image', 'video'], sourceType = ['album', 'camera'] }) {
  if (!mediaType.includes('image')) throw new Refusal('only pictures can be chosen here')
  if (!inTap()) throw new Refusal('can only be invoked by user TAP gesture.')
  await needPrivacy('chooseMedia')
  const most = Math.min(count, PICTURES_MOST)
  const files = (await pickFiles('image/*', most > 1, !sourceType.includes('album'))).slice(0, most)
  return { type: 'image', tempFiles: files.map((file) => ({ tempFilePath: temporary(file), size: file.size, fileType: 'image' })) }
}

/** `quality` 0–100, the longer side at most `compressedWidth` or `compressedHeight`; always a JPEG. */
async function compressImage({ src, quality = 80, compressedWidth, compressedHeight }) {
  const blob = fileAt(src)
  if (!blob) throw new Refusal("file doesn't exist")
  const picture = await createImageBitmap(blob).catch(() => { throw new Refusal('decode image fail') })
  const scale = Math.min(1, (compressedWidth ?? Infinity) / picture.width, (compressedHeight ?? Infinity) / picture.height)
  const canvas = new OffscreenCanvas(Math.max(1, Math.round(picture.width * scale)), Math.max(1, Math.round(picture.height * scale)))
  const brush = canvas.getContext('2d')
  brush.fillStyle = '#fff'
  brush.fillRect(0, 0, canvas.width, canvas.height)
  brush.drawImage(picture, 0, 0, canvas.width, canvas.height)
  return { tempFilePath: temporary(await canvas.convertToBlob({ type: 'image/jpeg', quality: quality / 100 })) }
}

/** One channel, 16 bits: what WeChat calls wav, and the one of its formats that any browser can make. */
function wav(samples, rate) {
  const view = new DataView(new ArrayBuffer(WAV_HEAD + samples.length * 2))
  const text = (at, words) => [...words].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)))
  text(0, 'RIFF')
  view.setUint32(4, view.byteLength - 8, true)
  text(8, 'WAVEfmt ')
  ;[[16, 16, 4], [20, 1, 2], [22, 1, 2], [24, rate, 4], [28, rate * 2, 4], [32, 2, 2], [34, 16, 2]].forEach(([at, value, bytes]) => (
    bytes === 4 ? view.setUint32(at, value, true) : view.setUint16(at, value, true)))
  text(36, 'data')
  view.setUint32(40, samples.length * 2, true)
  samples.forEach((sample, i) => view.setInt16(WAV_HEAD + i * 2, Math.max(-1, Math.min(1, sample)) * 0x7fff, true))
  return new Blob([view], { type: 'audio/wav' })
}

async function asWav(blob, rate) {
  const sound = await new OfflineAudioContext(1, 1, rate).decodeAudioData(await blob.arrayBuffer())
  return wav(sound.getChannelData(0), rate)
}

/** WeChat has one recorder. The browser records as it can, and what comes out is a wav. */
const recorder = (() => {
  const told = { start: news(), stop: news(), error: news() }
  let running = null
  const fail = (why) => told.error.tell({ errMsg: `operateRecorder:fail ${why}` })
  const finish = async ({ pieces, began, rate, stream }) => {
    stream.getTracks().forEach((track) => track.stop())
    const duration = Date.now() - began
    try {
      const blob = await asWav(new Blob(pieces), rate)
      told.stop.tell({ tempFilePath: temporary(blob), duration, fileSize: blob.size })
    } catch {
      fail('record too short')
    }
  }
  const start = async ({ duration = 60000, sampleRate = 8000, format = 'aac' } = {}) => {
    if (running) return fail('is recording or paused')
    if (format !== 'wav') return fail('format not supported')
    if (!RATES.includes(sampleRate) || duration > RECORDING_MOST_MS) return fail('invalid parameter')
    running = {}
    try {
      await needPrivacy('getRecorderManager')
      await needScope('scope.record')
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true })
      const machine = new MediaRecorder(stream)
      running = { machine, stream, pieces: [], began: Date.now(), rate: sampleRate }
      const mine = running
      machine.ondataavailable = ({ data }) => mine.pieces.push(data)
      machine.onstop = () => { clearTimeout(mine.end); running = null; finish(mine) }
      mine.end = setTimeout(() => machine.stop(), duration)
      machine.start()
      told.start.tell({})
    } catch (error) {
      running = null
      fail(error instanceof Refusal ? error.message : 'auth deny')
    }
  }
  return {
    start: (options) => { start(options) },
    stop: () => { if (running?.machine?.state === 'recording') running.machine.stop() },
    onStart: told.start.on, offStart: told.start.off, onStop: told.stop.on, offStop: told.stop.off, onError: told.error.on, offError: told.error.off,
  }
})()

/** Something that plays one sound. `src`: a temporary file, or an address of the county's. */
function createInnerAudioContext() {
  const sound = new Audio()
  const told = { play: news(), pause: news(), stop: news(), ended: news(), error: news(), timeUpdate: news() }
  let src = ''
  const listen = (event, name) => { sound[event] = () => told[name].tell({}) }
  listen('onplay', 'play')
  listen('onpause', 'pause')
  listen('onended', 'ended')
  listen('ontimeupdate', 'timeUpdate')
  sound.onerror = () => sound.hasAttribute('src') && told.error.tell({ errMsg: 'createInnerAudioContext:fail', errCode: 10001 })
  const ons = Object.entries(told).flatMap(([name, { on, off }]) => {
    const title = name[0].toUpperCase() + name.slice(1)
    return [['on' + title, on], ['off' + title, off]]
  })
  return Object.defineProperties({
    ...Object.fromEntries(ons),
    play: () => { sound.play().catch(() => told.error.tell({ errMsg: 'createInnerAudioContext:fail', errCode: 10001 })) },
    pause: () => sound.pause(),
    stop: () => { sound.pause(); sound.currentTime = 0; told.stop.tell({}) },
    destroy: () => { sound.pause(); sound.removeAttribute('src') },
  }, {
    src: { get: () => src, set: (value) => { src = value; sound.src = addressOf(value) } },
    currentTime: { get: () => sound.currentTime },
    duration: { get: () => (Number.isFinite(sound.duration) ? sound.duration : 0) },
    paused: { get: () => sound.paused },
  })
}

export const media = {
  chooseMedia: call('chooseMedia', chooseMedia),
  compressImage: call('compressImage', compressImage),
  getRecorderManager: () => recorder,
  createInnerAudioContext,
}
