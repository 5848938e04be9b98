// Write a 用药计划 from the box or the prescription: for `patient`, or change the one of `id`.
const api = require('../../utils/api')
const format = require('../../utils/format')
const page = require('../../utils/page')

const DAYS_MOST = 84 // the service's: a long-term prescription
const DAYS = 28
const WHEN = [
  ['ACM', '早饭前'], ['PCM', '早饭后'], ['ACD', '午饭前'], ['PCD', '午饭后'], ['ACV', '晚饭前'], ['PCV', '晚饭后'], ['HS', '睡前'],
].map(([value, text]) => ({ value, text }))
const HOWS = [{ value: 'meals', text: '按三餐和睡前' }, { value: 'times', text: '按钟点' }, { value: 'needed', text: '需要时才用' }]
const EVERY = [{ value: '1', text: '每天' }, { value: '2', text: '隔一天' }, { value: 'week', text: '只在星期几' }]
const WEEKDAYS = ['一', '二', '三', '四', '五', '六', '日'].map((day, at) => ({ value: String(at + 1), text: `星期${day}` }))
const FIELDS = ['medicine', 'amount', 'when', 'times', 'every_days', 'weekdays', 'from_on', 'to_on', 'at_most', 'note']

const later = (on, days) => new Date(Date.parse(on) + days * 86400000).toISOString().slice(0, 10)
const readTimes = (text) => text.replace(/：/g, ':').split(/[\s，、,;；]+/).filter(Boolean).map((one) => (/^\d:/.test(one) ? '0' + one : one))

/** The form of what the service keeps. */
function filled(dosage) {
  const form = {
    medicine: dosage.medicine, amount: dosage.amount, times: dosage.times.join(' '), from_on: dosage.from_on, to_on: dosage.to_on,
    at_most: dosage.at_most, note: dosage.note,
  }
  const how = dosage.as_needed ? 'needed' : dosage.times.length ? 'times' : 'meals'
  const every = dosage.weekdays.length ? 'week' : String(dosage.every_days)
  return { form, how, every, when: on(dosage.when), weekdays: on(dosage.weekdays) }
}

const on = (codes) => codes.reduce((chosen, code) => Object.assign(chosen, { [code]: true }), {})
const chosen = (marks) => Object.keys(marks).filter((code) => marks[code])

page({
  data: {
    form: { medicine: '', amount: '', times: '', from_on: '', to_on: '', at_most: '', note: '' },
    how: 'meals', every: '1', when: {}, weekdays: {}, hows: HOWS, everies: EVERY, whens: WHEN, days: WEEKDAYS,
    changing: false, doctor: '', before: [], reminders: '', faults: {}, refusal: null, saving: false, first: '', last: '',
  },

  onLoad({ id = '', patient = '' }) {
    this.id = id
    this.patient = patient
    this.send = api.deed()
    return this.load()
  },

  load() {
    return this.show(async () => {
      const today = format.today()
      const bounds = { first: later(today, -DAYS_MOST), last: later(today, 2 * DAYS_MOST) }
      if (!this.id) {
        const form = Object.assign({}, this.data.form, { from_on: today, to_on: later(today, DAYS - 1) })
        const { reminders } = await api.get(`/patients/${this.patient}/medication-plans`)
        return Object.assign(bounds, { form, reminders })
      }
      const { plan, before, reminders } = await api.get(`/medication-plans/${this.id}`)
      this.patient = plan.patient_id
      this.version = plan.dosage.version
      const now = filled(plan.dosage)
      const others = EVERY.some(({ value }) => value === now.every) ? [] : [{ value: now.every, text: `每 ${now.every} 天一回` }]
      return Object.assign(bounds, now, {
        changing: true, reminders, doctor: plan.dosage.doctor, everies: EVERY.concat(others),
        before: before.map((one) => ({ version: one.version, when: `${format.dayAgo(format.dateOf(one.at))}起`, words: `${one.medicine}，${one.words}` })),
      })
    })
  },

  // --- filling in ---

  type({ detail }) {
    this.put(detail.name, detail.value)
  },

  pickDay({ currentTarget, detail }) {
    this.put(currentTarget.dataset.name, detail.value)
  },

  put(field, value) {
    const faults = Object.assign({}, this.data.faults, { [field]: '' })
    this.setData({ form: Object.assign({}, this.data.form, { [field]: value }), faults, refusal: null })
  },

  pickHow({ detail }) {
    this.setData({ how: detail.value, faults: {}, refusal: null })
  },

  pickEvery({ detail }) {
    this.setData({ every: detail.value, faults: {}, refusal: null })
  },

  toggle({ currentTarget }) {
    const { name, value } = currentTarget.dataset
    const marks = Object.assign({}, this.data[name], { [value]: !this.data[name][value] })
    this.setData({ [name]: marks, [`faults.${name}`]: '', refusal: null })
  },

  // --- sending ---

  /** What the service is asked to keep. */
  wish() {
    const { form, how, every, when, weekdays } = this.data
    const needed = how === 'needed'
    const wish = { medicine: form.medicine.trim(), amount: form.amount.trim(), from_on: form.from_on, to_on: form.to_on, note: form.note.trim() }
    if (needed) return Object.assign(wish, { as_needed: true, at_most: form.at_most.trim() })
    if (how === 'times') wish.times = readTimes(form.times)
    else wish.when = chosen(when)
    if (every === 'week') wish.weekdays = chosen(weekdays).map(Number)
    else wish.every_days = Number(every)
    return wish
  },

  /** What can be seen here already; the service judges the rest. */
  early(wish) {
    const faults = {}
    if (!wish.medicine) faults.medicine = '请照处方或药盒写药名。'
    if (!wish.amount) faults.amount = '请照处方写每次用多少。'
    if (wish.when && !wish.when.length) faults.when = '请选什么时候吃。'
    if (wish.times && !(wish.times.length && wish.times.every((one) => /^([01]\d|2[0-3]):[0-5]\d$/.test(one)))) faults.times = '写成 08:00 这样，几个之间空一格。'
    if (wish.as_needed && !wish.at_most) faults.at_most = '请写一天最多多少、隔多久才能再用。'
    if (wish.weekdays && !wish.weekdays.length) faults.weekdays = '请选星期几吃。'
    return faults
  },

  submit() {
    const wish = this.wish()
    const faults = this.early(wish)
    this.setData({ faults, refusal: null })
    if (Object.keys(faults).length) return this.reveal(`#${Object.keys(faults)[0]}`)
    return this.during('saving', async () => {
      if (this.id) await this.send(`/medication-plans/${this.id}/change`, Object.assign(wish, { version: this.version }))
      else await this.send(`/patients/${this.patient}/medication-plans`, wish)
      wx.showToast({ title: '写好了' })
      this.leave()
    })
  },

  refuse(problem) {
    if (!problem.code) throw problem
    if (FIELDS.includes(problem.field)) {
      this.setData({ faults: { [problem.field]: problem.detail } }, () => this.reveal(`#${problem.field}`))
      return
    }
    const refusal = problem.plain()
    if (problem.code === 'plan-changed') {
      this.version = problem.version // whoever has read it may write over it
      refusal.detail = `现在写的是：${problem.current.medicine}，${problem.current.how}。还要改成您写的这样，再点一次。`
    }
    this.setData({ refusal }, () => this.reveal('#refusal'))
  },

  leave() {
    if (getCurrentPages().length > 1) wx.navigateBack()
    else wx.redirectTo({ url: `/pages/medicines/medicines?patient=${this.patient}` })
  },
})
