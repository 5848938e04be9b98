// 评价就诊: one visit's questions on one page, named or not, sent once. Without an id: which visit.
const api = require('../../utils/api')
const format = require('../../utils/format')
const page = require('../../utils/page')
const ways = require('../../utils/ways')

const visitOf = (found) => {
  const doctor = found.practitioner
  const day = format.dayAgo(found.held_on)
  return {
    id: found.appointment_id,
    open: !found.answered,
    who: found.patient.name,
    place: `${found.organization} ${found.department}`,
    title: `${day} ${found.department}`,
    note: `${found.patient.name}，${found.organization}`,
    when: [`${day} ${format.clock(found.starts_at)}`, doctor ? `${doctor.name} ${doctor.title}`.trim() : ''].filter(Boolean).join('，'),
  }
}

const questionOf = (found, index) => ({
  id: found.id,
  heading: `${index + 1}. ${found.dimension}`,
  ask: found.ask,
  items: found.options.map(({ letter, label }) => ({ value: letter, text: label })),
  value: '',
  missed: false,
})

page({
  data: {
    stage: '', days: 0, note: '', visit: null, visits: [], questions: [], done: 0, more: {}, comment: '',
    anonymous: true, asking: false, busy: false, refusal: null,
  },

  onLoad({ id = '' }) {
    this.wanted = id
    this.send = api.deed()
    return this.load()
  },

  load() {
    return this.show(async () => {
      const { survey, visits } = await api.get('/surveys')
      this.found = visits.map(visitOf)
      this.survey = survey
      return Object.assign({
        days: survey.answer_days,
        more: survey.comment,
        note: survey.official && survey.reviewed ? '' : '这份问卷是示例，题目是我们自己写的，不是国家统一的问卷。',
      }, this.begin(this.wanted))
    })
  },

  /** What is shown first: the visit that was asked for, the only one, or which one. */
  begin(id) {
    const visits = this.found.filter(({ open }) => open)
    const visit = id ? this.found.find((one) => one.id === id) : visits.length === 1 ? visits[0] : null
    if (id && !visit) return { stage: 'closed' }
    if (visit && !visit.open) return { stage: 'answered', visits }
    if (!visit) return { stage: visits.length ? 'which' : 'none', visits }
    return {
      stage: 'form', visit, visits, questions: this.survey.questions.map(questionOf), done: 0, comment: '',
      anonymous: true, refusal: null,
    }
  },

  pick({ currentTarget }) {
    this.setData(this.begin(currentTarget.dataset.id))
  },

  choose({ currentTarget, detail }) {
    const { index } = currentTarget.dataset
    this.setData({ [`questions[${index}].value`]: detail.value, [`questions[${index}].missed`]: false })
    this.setData({ done: this.data.questions.filter(({ value }) => value).length })
  },

  type({ detail }) {
    this.setData({ comment: detail.value })
  },

  name({ currentTarget }) {
    this.setData({ anonymous: currentTarget.dataset.anonymous })
  },

  /** To the first question that is not answered; else whether it is meant. */
  ask() {
    const index = this.data.questions.findIndex(({ value }) => !value)
    if (index < 0) return this.setData({ asking: true, refusal: null })
    this.setData({ [`questions[${index}].missed`]: true })
    return this.reveal(`#q-${this.data.questions[index].id}`)
  },

  close() {
    this.setData({ asking: false })
  },

  submit() {
    const { visit, anonymous, questions, comment } = this.data
    const answers = {}
    questions.forEach(({ id, value }) => { answers[id] = value })
    return this.during('busy', async () => {
      await this.send('/survey-responses', { appointment_id: visit.id, anonymous, answers, comment: comment.trim() })
      this.finish('thanks')
    })
  },

  refuse(problem) {
    if (problem.code === 'already-answered') this.finish('answered')
    else this.setData({ refusal: ways.refusal(problem) })
  },

  finish(stage) {
    const { visit } = this.data
    this.found.find(({ id }) => id === visit.id).open = false
    // Nobody who picks up this phone reads them.
    this.setData({ stage, asking: false, questions: [], comment: '', visits: this.found.filter(({ open }) => open) })
    wx.pageScrollTo({ scrollTop: 0, duration: 0, fail() {} })
  },

  /** The next visit, or one's appointments. */
  goOn() {
    if (this.data.visits.length) return this.setData(this.begin(''))
    return wx.switchTab({ url: '/pages/appointments/appointments' })
  },
})
