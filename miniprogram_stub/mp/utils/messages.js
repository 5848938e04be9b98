// A message of the inbox as pages show it: its sign, its time, and where it leads.
const format = require('./format')

const SIGNS = {
  booked: 'check', moved: 'swap', cancelled: 'cross', stopped: 'cross', restored: 'check', offered: 'clock', hold_expired: 'clock', offer_lapsed: 'clock', wait_missed: 'clock', wait_over: 'clock', appeal_granted: 'check', appeal_refused: 'cross', device_added: 'mobile', plan_written: 'paper', plan_stopped: 'paper', plan_follow_up: 'calendar',
}
const ACTS = {
  'pages/appointment/appointment': '看这个预约',
  'pages/patient/patient': '看这位就诊人',
  'pages/my-data/my-data': '看登录的手机',
  'pages/waitlist/waitlist': '看我的候补',
  'pages/standing/standing': '看约号记录',
  'pages/draw/draw': '看这次摇号',
  'pages/medicines/medicines': '看用药和随访',
}
const ASKING = '去同意或拒绝'

function shown(found) {
  const { link } = found
  return {
    id: found.id,
    title: found.title,
    text: found.text,
    time: format.ago(found.at),
    read: found.read,
    sign: SIGNS[found.kind] || 'people',
    act: link ? (found.kind === 'carer_asks' ? ASKING : ACTS[link.page] || '看一看') : '',
    url: link ? address(found.kind, link) : '',
    label: `${found.read ? '' : '没看过，'}${found.title}，${format.ago(found.at)}，${found.text}`,
  }
}

function address(kind, { page, id }) {
  if (kind === 'device_added') return `/${page}?part=devices`
  return id ? `/${page}?id=${id}` : `/${page}`
}

module.exports = { shown }
