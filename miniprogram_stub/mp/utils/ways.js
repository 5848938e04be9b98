// After a refusal, where to go on. A way is {text, to}: `to` is what the page does, or an address.
const format = require('./format')

const WAYS = {
  'slot-full': { text: '看看其他时间', to: 'times' },
  'booking-closed': { text: '看看其他时间', to: 'times' },
  'booking-not-open': { text: '看看其他时间', to: 'times' },
  'same-slot': { text: '选另一个时间', to: 'times' },
  'still-free': { text: '去预约', to: 'times' },
  'waits-already': { text: '看我的候补', to: '/pages/waitlist/waitlist' },
  'waits-limit': { text: '看我的候补', to: '/pages/waitlist/waitlist' },
  'hold-expired': { text: '重新选时间', to: 'times' },
  'day-limit': { text: '看我的预约', to: '/pages/appointments/appointments' },
  'department-limit': { text: '看我的预约', to: '/pages/appointments/appointments' },
  'expert-restricted': { text: '改约普通号', to: 'department' },
  'moves-limit': { text: '回到预约', to: 'back' },
  'too-late-to-move': { text: '回到预约', to: 'back' },
  'not-possible-now': { text: '看最新情况', to: 'reload' },
  'not-found': { text: '刷新', to: 'reload' },
}

/** The way on after a problem of booking, moving or cancelling. Whatever is unclear is repeated. */
function way(problem) {
  if (problem.code === 'already-booked') {
    return { text: '看这个预约', to: `/pages/appointment/appointment?id=${problem.appointment_id}` }
  }
  if (problem.code === 'privacy-needed') return { text: '看隐私协议', to: '/pages/privacy/privacy' }
  return WAYS[problem.code] || { text: '再试一次', to: 'again' }
}

/** A refusal as pages show it: what happened, the way on, and seconds to wait before it. */
function refusal(problem) {
  if (!problem.code) throw problem // not the service's: a fault of ours
  const until = problem.until && `可以再约专家号的时间：${format.moment(problem.until)}。`
  const opens = problem.opens_at && `放号时间：${format.moment(problem.opens_at)}。`
  const why = problem.patient_id && `/pages/standing/standing?id=${problem.patient_id}`
  return {
    why,
    title: problem.title,
    text: [problem.detail, until, opens].filter(Boolean).join(''),
    way: way(problem),
    wait: problem.retryAfter || 0,
    again: way(problem).to === 'again',
  }
}

/** Follow an address, also to a page of the tab bar. */
function go(url) {
  if (url.startsWith('/pages/appointments/')) wx.switchTab({ url })
  else wx.redirectTo({ url })
}

module.exports = { refusal, go }
