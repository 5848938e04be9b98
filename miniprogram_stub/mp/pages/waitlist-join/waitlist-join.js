// Wait for a place where all are taken: what is accepted, on which days, for whom. `department`,
// and `id` where it is one doctor's; `on` is the day that was looked at.
const api = require('../../utils/api')
const format = require('../../utils/format')
const page = require('../../utils/page')
const people = require('../../utils/people')
const ways = require('../../utils/ways')

const FAMILY_MOST = 5
const NEARBY_KM = 30
const WEEK_DAYS = 7
const PERIODS = [{ value: 'all', text: '都行' }, { value: 'am', text: '上午' }, { value: 'pm', text: '下午' }]

/** `2026-11-25` and so many days on. */
const later = (on, days) => new Date(Date.parse(on) + days * 86400000).toISOString().slice(0, 10)

page({
  data: {
    what: [], accept: '', days: [], span: '', periods: PERIODS, period: 'all', people: [], chosen: {},
    count: 0, busy: false, refusal: null, where: '',
  },

  onLoad({ id, department, on }) {
    this.doctor = id
    this.department = department
    this.on = on || format.today()
    this.join = api.deed()
    return this.load()
  },

  // Back from adding a person.
  onShow() {
    return this.data.loading ? undefined : this.load()
  },

  load() {
    return this.show(async () => {
      const [found, doctor, { items: patients }] = await Promise.all([
        api.get(`/departments/${this.department}`),
        this.doctor ? api.get(`/practitioners/${this.doctor}`) : null,
        api.get('/patients'),
      ])
      const able = patients.filter(({ state, scope }) => state === 'active' && scope !== 'view')
      const what = this.choices(found, doctor)
      const days = this.spans()
      const chosen = this.kept(able)
      return {
        where: `${found.organization} · ${found.name}`,
        what,
        accept: this.data.accept || what[0].value,
        days,
        span: this.data.span || days[0].value,
        people: able.map(({ id, name, relation, sex }) => ({ id, name, note: people.patientIs(relation, sex) })),
        chosen,
        count: Object.keys(chosen).length,
      }
    })
  },

  choices(found, doctor) {
    const all = [
      { value: 'department', label: doctor ? '这个科室哪位医生都行' : `${found.name}，哪位医生都行` },
      { value: 'nearby', label: '附近乡镇、村里的也行', note: `${NEARBY_KM} 公里以内的同一科室，等得快一些` },
    ]
    return doctor ? [{ value: 'doctor', label: `只等${doctor.name}医生` }].concat(all) : all
  },

  /** The day that was looked at, or a week from there. */
  spans() {
    const last = later(this.on, WEEK_DAYS)
    return [
      { value: 'day', label: `只要 ${format.day(this.on)}`, to: this.on },
      { value: 'week', label: `到 ${format.day(last)} 为止，哪天都行`, to: last },
    ]
  },

  /** Who is chosen, as far as that is still possible; at first the default person. */
  kept(able) {
    const before = able.filter(({ id }) => this.data.chosen[id])
    const first = able.find((one) => one.is_default) || able[0]
    const chosen = {}
    const who = before.length ? before : first ? [first] : []
    who.forEach(({ id }) => { chosen[id] = true })
    return chosen
  },

  chooseWhat(event) {
    this.setData({ accept: event.currentTarget.dataset.value, refusal: null })
  },

  chooseSpan(event) {
    this.setData({ span: event.currentTarget.dataset.value, refusal: null })
  },

  choosePeriod(event) {
    this.setData({ period: event.detail.value, refusal: null })
  },

  choose(event) {
    const { id } = event.currentTarget.dataset
    const chosen = Object.assign({}, this.data.chosen)
    if (chosen[id]) delete chosen[id]
    else chosen[id] = true
    const count = Object.keys(chosen).length
    if (count <= FAMILY_MOST) this.setData({ chosen, count, refusal: null })
  },

  /** What the service is asked for. */
  wish() {
    const { accept, period, span, days, chosen } = this.data
    const wish = {
      patient_ids: this.data.people.filter(({ id }) => chosen[id]).map(({ id }) => id),
      department_id: this.department,
      from_on: this.on,
      to_on: days.find(({ value }) => value === span).to,
    }
    if (period !== 'all') wish.periods = [period]
    if (accept === 'doctor') wish.practitioner_id = this.doctor
    if (accept === 'nearby') wish.nearby = { within_km: NEARBY_KM, tiers: ['township', 'village'] }
    return wish
  },

  submit() {
    if (!this.data.count) return undefined
    return this.during('busy', async () => {
      await this.join('/waitlist', this.wish())
      wx.redirectTo({ url: '/pages/waitlist/waitlist' })
    })
  },

  refuse(problem) {
    const refusal = ways.refusal(problem)
    const one = problem.index === undefined ? null : this.data.people.filter(({ id }) => this.data.chosen[id])[problem.index]
    if (one) refusal.text = `${one.name}：${refusal.text}`
    this.setData({ refusal }, () => this.reveal('#refusal'))
  },

  goOn() {
    const { to } = this.data.refusal.way
    if (to === 'times') return wx.navigateBack()
    if (to === 'reload') {
      this.setData({ refusal: null })
      return this.load()
    }
    return ways.go(to)
  },
})
