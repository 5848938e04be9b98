// 约号记录 of one 就诊人: the rule first, then what counts, and the appeal against it.
const api = require('../../utils/api')
const format = require('../../utils/format')
const page = require('../../utils/page')

const KINDS = { no_show: '爽约（约了没来）', late_cancel: '取消晚了，按爽约计', cancellation: '取消了一次' }
const STATES = { open: '申诉中，等医院决定', granted: '申诉通过，不算了', refused: '申诉没有通过' }
const TONES = { open: 'wait', granted: 'good', refused: 'bad' }
const CAUSES = { no_shows: '爽约', cancellations: '取消' }

const day = (instant) => format.monthDay(format.dateOf(instant))

const line = (found) => ({
  id: found.appointment_id,
  kind: KINDS[found.kind],
  when: `${day(found.starts_at)} ${format.clock(found.starts_at)}`,
  where: `${found.organization}${found.department}`,
  until: found.appeal_until && day(found.appeal_until),
  state: STATES[found.appeal_state] || '',
  tone: TONES[found.appeal_state],
})

const appeal = (found) => ({
  id: found.id,
  what: `${day(found.starts_at)} ${found.organization}${found.department}`,
  reason: found.reason,
  state: STATES[found.state],
  tone: TONES[found.state],
  answer: found.state === 'open' ? `最晚 ${day(found.due_at)} 给您答复。` : `医院的答复：${found.decision}`,
})

page({
  data: { id: '', rules: [], lines: [], appeals: [], barred: '', why: '', about: null, reason: '', fault: '', saving: false },

  onLoad({ id = '' }) {
    this.send = api.deed()
    this.setData({ id })
    return this.load()
  },

  load() {
    const { id } = this.data
    return this.show(async () => {
      const [found, made] = await Promise.all([api.get(`/patients/${id}/standing`), api.get('/appeals')])
      const { restriction } = found
      return {
        rules: found.rule_lines,
        lines: found.counted.map(line),
        appeals: made.items.filter(({ patient }) => patient.id === id).map(appeal),
        barred: restriction ? format.monthDay(format.dateOf(restriction.until)) : '',
        why: restriction ? `因为${CAUSES[restriction.cause]}次数多了` : '',
      }
    })
  },

  onPullDownRefresh() {
    return this.load().then(() => wx.stopPullDownRefresh())
  },

  start({ currentTarget }) {
    const about = this.data.lines.find(({ id }) => id === currentTarget.dataset.id)
    this.setData({ about, reason: '', fault: '' })
  },

  close() {
    this.setData({ about: null })
  },

  type({ detail }) {
    this.setData({ reason: detail.value, fault: '' })
  },

  appeal() {
    const reason = this.data.reason.trim()
    if (reason.length < 2) return this.setData({ fault: '请写一下当时为什么没来，或为什么取消晚了。' })
    if (this.data.saving) return undefined
    this.setData({ saving: true, fault: '' })
    return this.send(`/appointments/${this.data.about.id}/appeal`, { reason }).then(() => {
      this.setData({ saving: false, about: null })
      wx.showToast({ title: '交上去了' })
      return this.load()
    }, (problem) => this.setData({ saving: false, fault: problem.detail }))
  },
})
