// 用药计划 of one 就诊人: what is taken now, what was, and the way to write, change or end one; and
// when a doctor looks again.
const api = require('../../utils/api')
const format = require('../../utils/format')
const page = require('../../utils/page')
const people = require('../../utils/people')

const REASONS = [
  { value: 'finished', text: '疗程结束，吃完了' }, { value: 'stopped', text: '医生让停' },
  { value: 'replaced', text: '换了别的药' }, { value: 'unwell', text: '吃了不舒服' },
  { value: 'mistake', text: '写错了' },
]

function shown({ id, state, written_by: by, dosage, ended_at: at, ended_for: why }) {
  return {
    id, over: state === 'over', own: by === 'self', version: dosage.version, medicine: dosage.medicine, words: dosage.words, span: dosage.span,
    note: dosage.note, by: dosage.doctor ? `${dosage.doctor}医生写的` : '自己或家人写的，没有核对过',
    ended: at ? `${format.dayAgo(format.dateOf(at))}停用：${why}` : '',
  }
}

page({
  data: {
    people: [], patient: '', able: false, now: [], ended: [], looks: [], reminders: '', unsaid: '', reasons: REASONS, about: null, reason: '', fault: '', saving: false,
    told: false,
  },

  // `id`: the patient too, where a message of the inbox leads here.
  onLoad({ patient = '', id = '' }) {
    this.wanted = patient || id
    this.end = api.deed()
    return this.load()
  },

  // Back from writing one, or from adding somebody.
  onShow() {
    return this.data.loading ? undefined : this.load()
  },

  onPullDownRefresh() {
    return this.load().finally(() => wx.stopPullDownRefresh())
  },

  load() {
    return this.show(async () => {
      const { items } = await api.get('/patients')
      const active = items.filter(({ state }) => state === 'active')
      const wanted = this.data.patient || this.wanted
      const one = active.find(({ id }) => id === wanted) || active.find(({ is_default }) => is_default) || active[0]
      const known = active.map(({ id, name, relation, sex }) => ({ value: id, text: `${people.patientIs(relation, sex)} ${name}` }))
      if (!one) return { people: known, patient: '', now: [], ended: [], looks: [] }
      const [found, followed] = await Promise.all([api.get(`/patients/${one.id}/medication-plans`), api.get(`/patients/${one.id}/follow-ups`)])
      return {
        people: known,
        patient: one.id,
        able: one.scope !== 'view',
        now: found.items.filter(({ state }) => state !== 'ended').map(shown),
        ended: found.items.filter(({ state }) => state === 'ended').map(shown),
        reminders: found.reminders,
        unsaid: followed.reminders,
        looks: followed.items.map(({ id, about, due_on: on, days_late: late }) => ({ id, about, day: format.day(on), late })),
      }
    })
  },

  pick({ detail }) {
    this.setData({ patient: detail.value, told: false })
    return this.load()
  },

  write() {
    wx.navigateTo({ url: `/pages/medicine/medicine?patient=${this.data.patient}` })
  },

  // --- ending one ---

  ask({ currentTarget }) {
    const about = this.data.now.find(({ id }) => id === currentTarget.dataset.id)
    this.setData({ about, reason: '', fault: '', told: false })
  },

  close() {
    this.setData({ about: null })
  },

  pickReason({ currentTarget }) {
    this.setData({ reason: currentTarget.dataset.value, fault: '' })
  },

  stop() {
    const { about, reason } = this.data
    if (!reason) return this.setData({ fault: '请选为什么停用。' })
    this.setData({ fault: '' })
    return this.during('saving', async () => {
      await this.end(`/medication-plans/${about.id}/end`, { reason, version: about.version })
      this.setData({ about: null, told: reason === 'unwell' })
      wx.showToast({ title: '停用了' })
      await this.load()
    })
  },

  /** Whoever was quicker has changed or ended it: what stands there now is asked about. */
  async refuse(problem) {
    if (!problem.code) throw problem
    this.setData({ fault: problem.detail })
    if (!['plan-changed', 'plan-ended'].includes(problem.code)) return
    await this.load()
    if (!this.data.about) return // closed meanwhile
    const about = this.data.now.find(({ id }) => id === this.data.about.id) || null
    this.setData({ about, fault: about ? `刚被别人改过，现在写的是：${about.words}。还要停用，再点一次。` : '' })
    if (!about) wx.showToast({ title: '已经停用了' })
  },
})
