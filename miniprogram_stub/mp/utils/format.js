// Times, fees and places in words. Clocks are read in China, whatever the phone's own zone.
const CHINA_MS = 8 * 3600 * 1000
const DAY_MS = 24 * 3600 * 1000
const WEEKDAYS = ['周日', '周一', '周二', '周三', '周四', '周五', '周六']
const NEAR = ['今天', '明天', '后天']

const KINDS = { general: '普通号', expert: '专家号', disease: '专病号', outreach: '专家下沉号' }
const PERIODS = { am: '上午', pm: '下午', night: '夜间' }
const TIERS = { county: '县级医院', township: '乡镇卫生院', village: '村卫生室' }
const LEVELS = [{ value: 'county', text: '县医院' }, { value: 'township', text: '卫生院' }, { value: 'village', text: '卫生室' }]
const STATUSES = {
  pending: '待确认', booked: '已预约', checked_in: '已签到', called: '已叫号',
  fulfilled: '已就诊', cancelled: '已取消', no_show: '爽约', excused: '已豁免',
}
const TONES = {
  pending: 'wait', booked: 'good', checked_in: 'good', called: 'wait', no_show: 'bad',
}

const ALIVE = ['pending', 'booked', 'checked_in', 'called']

const two = (number) => (number < 10 ? '0' : '') + number

// The wall clock in China, read by the UTC getters.
const wall = (instant) => new Date(new Date(instant).getTime() + CHINA_MS)

/** The date in China: `2026-11-22`. */
const dateOf = (instant) => wall(instant).toISOString().slice(0, 10)

const today = () => dateOf(Date.now())

/** `14:30` */
function clock(instant) {
  const at = wall(instant)
  return `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}`
}

const span = (from, to) => `${clock(from)}–${clock(to)}`

function daysFrom(date, from = today()) {
  return Math.round((Date.parse(date) - Date.parse(from)) / DAY_MS)
}

const weekday = (date) => WEEKDAYS[new Date(date).getUTCDay()]

/** `今天` `明天` `后天`, and after that `周四`. */
const near = (date) => NEAR[daysFrom(date)] || weekday(date)

/** `11月22日` */
function monthDay(date) {
  const [, month, day] = date.split('-')
  return `${Number(month)}月${Number(day)}日`
}

/** `明天 11月22日 周日`; another year is said. */
function day(date) {
  const year = date.slice(0, 4) === today().slice(0, 4) ? '' : `${date.slice(0, 4)}年`
  const word = NEAR[daysFrom(date)]
  return `${word ? word + ' ' : ''}${year}${monthDay(date)} ${weekday(date)}`
}

/** `明天 11月22日 14:30` of an instant. */
function moment(instant) {
  const date = dateOf(instant)
  const word = NEAR[daysFrom(date)]
  return `${word ? word + ' ' : ''}${monthDay(date)} ${clock(instant)}`
}

/** A day that has been, or is: `今天` `昨天` `11月20日`; another year is said. */
function dayAgo(date) {
  const ago = daysFrom(today(), date)
  if (ago === 0) return '今天'
  if (ago === 1) return '昨天'
  return `${date.slice(0, 4) === today().slice(0, 4) ? '' : `${date.slice(0, 4)}年`}${monthDay(date)}`
}

/** `昨天 14:30` of an instant. */
const ago = (instant) => `${dayAgo(dateOf(instant))} ${clock(instant)}`

/** `9分05秒` of seconds; from an hour on `23小时05分`. */
const countdown = (seconds) => (seconds < 3600
  ? `${Math.floor(seconds / 60)}分${two(seconds % 60)}秒`
  : `${Math.floor(seconds / 3600)}小时${two(Math.floor((seconds % 3600) / 60))}分`)

/** `08:00–11:30` of a county's own `08:00-11:30`, and no line ends within it. */
const hours = (text) => (text || '').replace(/(\d)\s*[-~—–]\s*(?=\d)/g, '$1\u2060–\u2060')

/** What may still be had: `{text, tone}`; never colour alone. `what` is a schedule or a slot. */
function places(what) {
  if (what.state === 'open') {
    return what.free <= 3 ? { text: `仅剩 ${what.free} 个号`, tone: 'wait' } : { text: `余号 ${what.free}`, tone: 'good' }
  }
  if (what.release === 'draw') return { text: '摇号', tone: 'wait' }
  if (what.state === 'not_open') {
    return { text: what.opens_at ? `${moment(what.opens_at)} 放号` : '还没放号', tone: 'plain' }
  }
  return { text: { full: '约满', closed: '已停止预约', suspended: '停诊' }[what.state], tone: 'plain' }
}

const distance = (km) => (km === null || km === undefined ? '' : km < 1 ? `约 ${Math.max(100, Math.round(km * 10) * 100)} 米` : `约 ${km.toFixed(1)} 公里`)

/** An appointment as the component `visit` shows it. */
function visit(found) {
  const doctor = found.practitioner ? `${found.practitioner.name} ${found.practitioner.title}` : ''
  return {
    id: found.id,
    day: day(found.held_on),
    time: span(found.starts_at, found.ends_at),
    who: found.patient.name,
    organization: found.organization.name,
    organizationId: found.organization.id,
    department: found.department.name,
    doctor,
    kind: KINDS[found.kind],
    place: found.location,
    fee: found.fee,
    status: STATUSES[found.status],
    tone: TONES[found.status] || 'plain',
    pending: found.status === 'pending',
    alive: ALIVE.indexOf(found.status) >= 0,
    departmentId: found.department.id,
  }
}

/** Kept for somebody who did not tap for it: from the waiting list, or after a 停诊. */
const isOffer = ({ status, origin }) => status === 'pending' && (origin === 'waitlist' || origin === 'suspension')

module.exports = {
  KINDS, PERIODS, TIERS, LEVELS, STATUSES, ALIVE,
  dateOf, today, clock, span, daysFrom, weekday, near, monthDay, day, dayAgo, moment, ago, countdown, hours, places, distance, visit, isOffer,
}
