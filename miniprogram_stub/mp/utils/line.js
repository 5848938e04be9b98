// One's place in the line: in plain words, and watched for as long as its page is open.
const api = require('./api')
const format = require('./format')
const { site } = require('./config')

const POLL_MS = 10000 // without a socket
const AGAIN_MS = 30000 // until another try at one

/** How long it may take: nobody knows better than from–to. */
function minutes(wait) {
  if (!wait) return ''
  return wait.least ? `大约等 ${wait.least}–${wait.most} 分钟` : `大约 ${wait.most} 分钟以内`
}

const OVER = {
  done: ['看完了', '今天的就诊已结束。'],
  left: ['已离开', '您已离开候诊。还要看病，请到窗口说一声。'],
  over: ['不用签到', '这个预约已经结束或取消。'],
}

/** `{big, title, text, tone, number}` of a place, `big` being what one reads from afar. */
function words(place, now = Date.now()) {
  const number = place.number ? `您是 ${place.number} 号` : ''
  if (place.state === 'waiting') {
    const big = place.ahead ? `前面 ${place.ahead} 人` : '下一个是您'
    return { big, title: number, text: minutes(place.wait), tone: place.late ? `${place.calls ? '过号后重新排队' : '来晚了一点'}，排在当前时段后面。` : '', near: place.ahead <= 2 }
  }
  if (place.state === 'called') {
    return { big: place.room ? `请到 ${place.room}` : '请进诊室', title: number, text: place.calls > 1 ? `已经叫了 ${place.calls} 次，请马上去。` : '轮到您了。', call: true }
  }
  if (place.state === 'in_room') return { big: '正在就诊', title: number, text: place.room || '' }
  if (place.state === 'skipped') return { big: '过号了', title: number, text: '叫到您时没有人应。请到窗口说一声，重新排队。' }
  if (place.state === 'expected') return expected(place, now)
  const [big, text] = OVER[place.state]
  return { big, title: number, text }
}

function expected(place, now) {
  if (place.stopped) return { big: '已停诊', title: '', text: '这个班次停诊了，请看消息，或打电话问医院。' }
  const opens = Date.parse(place.checkin_opens_at)
  if (now < opens) return { big: '还不用签到', title: '', text: `${format.moment(place.checkin_opens_at)} 起可以签到。` }
  if (now >= Date.parse(place.checkin_closes_at)) return { big: '已过时间', title: '', text: '这个班次已经结束，不能签到了。' }
  return { big: '还没签到', title: '', text: '到了医院再签到，签到后才会排队。', open: true }
}

/**
 * Watch a place: `tell` gets it whenever it may have changed. A socket says it at once; without one
 * the service is asked again and again, and one answer that is lost is no news. `stop` ends it.
 */
function watch(id, tell) {
  let socket = null
  let live = false
  let stopped = false
  const ask = () => api.get(`/appointments/${id}/queue`).then(
    (place) => { if (!stopped) tell(place) },
    () => {},
  )
  const lost = () => {
    live = false
    socket = null
  }
  const open = () => {
    if (stopped || socket) return
    socket = {} // on its way
    api.post('/queue/tickets', { appointment_id: id }).then(({ ticket }) => {
      if (stopped) return
      const url = `${site.replace(/^http/, 'ws')}/api/v1/queue/live?ticket=${ticket}`
      socket = wx.connectSocket({ url, fail: lost })
      socket.onOpen(() => { live = true })
      socket.onMessage(({ data }) => { if (!stopped) tell(JSON.parse(data)) })
      socket.onClose(lost)
      socket.onError(lost)
    }, lost)
  }
  const polling = setInterval(() => { if (!live) ask() }, POLL_MS)
  const trying = setInterval(open, AGAIN_MS)
  open()
  return {
    stop() {
      stopped = true
      clearInterval(polling)
      clearInterval(trying)
      if (socket && socket.close) socket.close({})
    },
  }
}

module.exports = { words, watch }
