// The days and times that can be chosen, from the service's schedules and slots.
const format = require('./format')

const NOTES = { open: '有号', not_open: '未放号', full: '约满', closed: '已截止', suspended: '停诊' }
const RANK = ['open', 'not_open', 'full', 'closed', 'suspended'] // what a day is worth, best first

/** The days of `schedules` for `date-bar`, in order; each is worth its best schedule. */
function days(schedules) {
  const best = new Map()
  schedules.forEach(({ held_on: on, state }) => {
    if (!best.has(on) || RANK.indexOf(state) < RANK.indexOf(best.get(on))) best.set(on, state)
  })
  return Array.from(best.keys()).sort().map((on) => ({
    on,
    near: format.near(on),
    date: format.monthDay(on),
    note: NOTES[best.get(on)],
    open: best.get(on) === 'open',
  }))
}

/** The day to begin with: `wanted` if it is there, else the first with free places, else the first. */
function firstDay(found, wanted) {
  const day = found.find(({ on }) => on === wanted) || found.find(({ open }) => open) || found[0]
  return day ? day.on : ''
}

/** A schedule as pages show it. */
function shift(schedule) {
  const places = format.places(schedule)
  const { clinic } = schedule
  const doctor = clinic.practitioner
  const points = schedule.rules.split('。').filter(Boolean).map((point) => point + '。')
  return {
    id: schedule.id,
    on: schedule.held_on,
    day: format.day(schedule.held_on),
    period: format.PERIODS[schedule.period],
    span: format.span(schedule.starts_at, schedule.ends_at),
    kind: format.KINDS[schedule.kind],
    fee: schedule.fee,
    deadline: points[0],
    points,
    open: schedule.state === 'open',
    full: schedule.state === 'full',
    draw: schedule.release === 'draw',
    places: places.text,
    tone: places.tone,
    doctor: doctor ? doctor.name : '',
    title: doctor ? doctor.title : '',
    practitionerId: doctor ? doctor.id : '',
    departmentId: clinic.department.id,
    department: clinic.department.name,
    organization: clinic.organization.name,
    location: clinic.location,
  }
}

/** A slot as pages show it; the one with id `mine` is where the appointment is already. */
function time(slot, mine) {
  const places = format.places(slot)
  const current = slot.id === mine
  return {
    id: slot.id,
    span: format.span(slot.starts_at, slot.ends_at),
    open: slot.state === 'open' && !current,
    note: current ? '现在的时间' : slot.state === 'open' ? `余号 ${slot.free}` : places.text,
    tone: places.tone,
  }
}

module.exports = { days, firstDay, shift, time }
