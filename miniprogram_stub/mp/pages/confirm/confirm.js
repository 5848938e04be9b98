// Book a time: for whom, what it costs, the rules; hold the place, then confirm within its time.
// Elder mode books with one tap.
const api = require('../../utils/api')
const format = require('../../utils/format')
const page = require('../../utils/page')
const people = require('../../utils/people')
const subscriptions = require('../../utils/subscriptions')
const times = require('../../utils/times')
const ways = require('../../utils/ways')

const FAMILY_MOST = 5
const TWICE_MS = 1000 // between the taps of a double tap, by a slow hand on a slow phone
const OTHERS_MOST = 4

function person(patient) {
  const waiting = patient.state !== 'active'
  const looking = patient.scope === 'view'
  const reason = waiting ? '等家人同意后才能预约' : looking ? '您只能看，不能替这位预约' : ''
  return {
    id: patient.id,
    name: patient.name,
    note: reason || `${people.patientIs(patient.relation, patient.sex)}${patient.id_number ? ' · ' + people.shortened(patient.id_number) : ''}`,
    able: !reason,
    main: patient.is_default,
  }
}

page({
  data: {
    step: 'choose', shift: null, slot: null, others: [], people: [], chosen: {}, count: 0,
    many: false, canMany: false, choosing: false, held: [], until: '', left: '', busy: false, fresh: false, refusal: null, wait: 0,
    prompts: null, reminders: '',
  },

  onLoad({ schedule, slot }) {
    this.scheduleId = schedule
    this.slotId = slot
    this.book = api.deed()
    this.deeds = new Map() // of each held appointment, by address
    this.settled = new Map() // address → answer: of several, those that need not be sent again
    return this.load()
  },

  // Back from adding a person, or from the privacy terms.
  onShow() {
    if (!this.data.loading && this.data.step === 'choose') return this.load()
    return undefined
  },

  // What is held does not change; what is free does.
  onPullDownRefresh() {
    const again = this.data.step === 'choose' ? this.load() : Promise.resolve()
    return again.finally(() => wx.stopPullDownRefresh())
  },

  onUnload() {
    clearInterval(this.ticking)
    clearInterval(this.waiting)
  },

  load() {
    return this.show(async () => {
      const [schedule, { items: slots }, { items: patients }, prompts] = await Promise.all([
        api.get(`/schedules/${this.scheduleId}`),
        api.get('/slots', { schedule: this.scheduleId }),
        api.get('/patients'),
        subscriptions.find(),
      ])
      const all = slots.map((slot) => times.time(slot))
      const people = patients.map(person)
      return Object.assign({
        shift: times.shift(schedule),
        slot: all.find(({ id }) => id === this.slotId) || null,
        others: all.filter(({ id, open }) => open && id !== this.slotId).slice(0, OTHERS_MOST),
        people,
        canMany: people.filter(({ able }) => able).length > 1,
        prompts,
      }, this.chosen(people, this.data.chosen))
    })
  },

  /** Who is chosen: as before, as far as that is still possible; at first the default person. */
  chosen(people, before) {
    const able = people.filter((one) => one.able)
    const kept = able.filter(({ id }) => before[id])
    const first = able.find(({ main }) => main) || able[0]
    const who = kept.length ? kept : first ? [first] : []
    const chosen = {}
    who.forEach(({ id }) => { chosen[id] = true })
    return { chosen, count: who.length, who: who.map(({ name }) => name).join('、') }
  },

  choose(event) {
    const { id } = event.currentTarget.dataset
    const chosen = this.data.many ? Object.assign({}, this.data.chosen, { [id]: !this.data.chosen[id] }) : { [id]: true }
    const names = this.data.people.filter((one) => chosen[one.id]).map(({ name }) => name)
    if (!names.length || names.length > FAMILY_MOST) return
    this.setData({ chosen, count: names.length, who: names.join('、'), choosing: false, refusal: null })
  },

  toggleMany() {
    const many = !this.data.many
    this.setData(Object.assign({ many }, many ? {} : this.chosen(this.data.people, {})))
  },

  showPeople() {
    this.setData({ choosing: true })
  },

  // The place went to somebody else: one of the others that are still free.
  chooseTime(event) {
    this.slotId = event.currentTarget.dataset.id
    this.setData({ refusal: null })
    return this.load()
  },

  /** Hold the place, so that it is theirs while they read. */
  hold() {
    return this.take(false)
  },

  bookNow() {
    return this.take(true)
  },

  take(confirm) {
    const who = Object.keys(this.data.chosen).filter((id) => this.data.chosen[id])
    const bookings = who.map((patient) => ({ slot_id: this.slotId, patient_id: patient }))
    return this.during('busy', async () => {
      if (confirm) await this.askOnce()
      const { items } = bookings.length > 1
        ? await this.book('/appointments/family', { bookings, confirm })
        : { items: [await this.book('/appointments', Object.assign({ confirm }, bookings[0]))] }
      if (confirm) this.finish(items)
      else this.keep(items)
    })
  },

  /** Show what is held and for how long: by the service's clock, not the phone's. */
  keep(items) {
    const until = items.map((one) => one.held_until).sort()[0]
    const length = Date.parse(until) - Date.parse(items[0].created_at)
    const end = Date.now() + length
    this.ids = items.map(({ id }) => id)
    wx.pageScrollTo({ scrollTop: 0, duration: 0 })
    // The button that confirms comes where the one that held was: a double tap must not tap it too.
    this.setData({ step: 'held', fresh: true, until: format.clock(until), held: items.map(format.visit) })
    setTimeout(() => this.setData({ fresh: false }), TWICE_MS)
    const tick = () => {
      const seconds = Math.max(0, Math.round((end - Date.now()) / 1000))
      this.setData({ left: format.countdown(seconds) })
      if (!seconds) this.expire()
    }
    clearInterval(this.ticking)
    this.ticking = setInterval(tick, 1000)
    tick()
  },

  expire() {
    clearInterval(this.ticking)
    if (this.data.step !== 'held' || this.data.busy) return
    this.setData({ step: 'choose', held: [] })
    this.refuse(new api.Problem({ status: 409, code: 'hold-expired', title: '保留时间已过', detail: '号已经放回去了，请重新选时间。' }))
    this.load()
  },

  confirm() {
    return this.during('busy', async () => {
      await this.askOnce()
      this.finish(await this.each('confirm'))
    })
  },

  /** WeChat asks on the tap that books; trying that tap again is no new question. */
  async askOnce() {
    if (this.reported) return
    const answers = await subscriptions.ask(this.data.prompts)
    this.reported = subscriptions.report(answers)
  },

  /** Give back what is held: nobody is counted anything for that. */
  release() {
    return this.during('busy', async () => {
      await this.each('cancel', { reason: '' })
      clearInterval(this.ticking)
      this.setData({ step: 'choose', held: [] })
      await this.load()
    })
  },

  /** One deed for each that is held; tried again, only for those that have not had it. */
  each(verb, body) {
    return Promise.all(this.ids.map((id) => this.settle(`/appointments/${id}/${verb}`, body)))
  },

  async settle(path, body) {
    if (!this.deeds.has(path)) this.deeds.set(path, api.deed())
    if (!this.settled.has(path)) this.settled.set(path, await this.deeds.get(path)(path, body))
    return this.settled.get(path)
  },

  finish(items) {
    clearInterval(this.ticking)
    this.setData({ step: 'done', held: items.map(format.visit) })
    wx.pageScrollTo({ scrollTop: 0, duration: 0 })
    this.reported.then((reminders) => this.setData({ reminders }))
  },

  /** What everybody is shown of a slot may be a second old; this refusal is newer. */
  async offerOthers() {
    await this.load()
    if (this.data.slot) this.setData({ 'slot.open': false })
  },

  refuse(problem) {
    const refusal = ways.refusal(problem)
    const one = problem.index === undefined ? null : this.data.people.filter(({ id }) => this.data.chosen[id])[problem.index]
    if (one) refusal.text = `${one.name}：${refusal.text}`
    this.setData({ refusal, wait: refusal.wait }, () => this.reveal('#refusal'))
    clearInterval(this.waiting)
    if (refusal.wait) {
      this.waiting = setInterval(() => {
        this.setData({ wait: this.data.wait - 1 })
        if (this.data.wait <= 0) clearInterval(this.waiting)
      }, 1000)
    }
    return problem.code === 'slot-full' ? this.offerOthers() : undefined
  },

  /** Where the refusal leads. */
  goOn() {
    const { to } = this.data.refusal.way
    const { shift } = this.data
    // What was held is held no more: given back, or confirmed, on another phone.
    if (to === 'reload' && this.data.step === 'held') {
      return ways.go(this.ids.length === 1 ? `/pages/appointment/appointment?id=${this.ids[0]}` : '/pages/appointments/appointments')
    }
    if (to === 'reload') {
      this.setData({ refusal: null })
      return this.load()
    }
    if (to === 'times') return this.toTimes()
    if (to === 'department') return wx.redirectTo({ url: `/pages/department/department?id=${shift.departmentId}` })
    return ways.go(to)
  },

  /** The other times of this doctor, where one of them may have come from. */
  toTimes() {
    const { shift } = this.data
    const pages = getCurrentPages()
    const before = pages[pages.length - 2]
    if (before && before.route === 'pages/doctor/doctor') return wx.navigateBack()
    const who = shift.practitionerId ? `id=${shift.practitionerId}&` : ''
    return wx.redirectTo({ url: `/pages/doctor/doctor?${who}department=${shift.departmentId}&on=${shift.on}` })
  },

  home() {
    wx.switchTab({ url: '/pages/home/home' })
  },

  list() {
    wx.switchTab({ url: '/pages/appointments/appointments' })
  },
})
