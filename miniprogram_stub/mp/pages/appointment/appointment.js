// One appointment: where and when, confirm while held, move, cancel with its consequence, papers.
const api = require('../../utils/api')
const call = require('../../utils/call')
const format = require('../../utils/format')
const page = require('../../utils/page')
const subscriptions = require('../../utils/subscriptions')
const ways = require('../../utils/ways')

const REASONS = ['好多了', '时间不合适', '在别处看过了', '约错了']

/** `12:10`; of another day `明天 11月24日 20:00`. */
const heldUntil = (at) => (format.dateOf(at) === format.today() ? format.clock(at) : format.moment(at))

/** What is kept for somebody whose visit was stopped: to take while it is, to look at once taken. */
function keptFor(found) {
  const visit = format.visit(found)
  if (!visit.alive) return null
  if (!visit.pending) return visit
  const left = Math.max(0, Math.round((Date.parse(found.held_until) - Date.now()) / 1000))
  return Object.assign({ until: heldUntil(found.held_until), left: format.countdown(left) }, visit)
}

page({
  data: {
    visit: null, address: '', phone: '', cancelling: null, canMove: false, today: false, survey: '', why: '', reasons: REASONS,
    reason: '', asking: false, busy: false, refusal: null, until: '', left: '', papers: null,
    prompts: null, reminders: '', offered: false, kept: null,
  },

  onLoad({ id }) {
    this.id = id
    this.sendConfirm = api.deed()
    this.sendCancel = api.deed()
    this.takeKept = api.deed()
  },

  // Also back from moving it.
  onShow() {
    return this.load()
  },

  onPullDownRefresh() {
    return this.load().finally(() => wx.stopPullDownRefresh())
  },

  onUnload() {
    clearInterval(this.ticking)
  },

  load() {
    return this.show(async () => {
      const found = await api.get(`/appointments/${this.id}`)
      const [prompts, kept] = await Promise.all([
        found.status === 'pending' ? subscriptions.find() : null,
        found.replacement ? api.get(`/appointments/${found.replacement}`) : null,
      ])
      return Object.assign({ prompts, kept: kept && keptFor(kept) }, this.seen(found))
    })
  },

  /** What the page shows of an appointment as the service knows it now. */
  seen(found) {
    this.found = found
    clearInterval(this.ticking)
    if (found.status === 'pending') this.countDown(Date.parse(found.held_until))
    const today = found.held_on === format.today() && ['booked', 'checked_in', 'called'].indexOf(found.status) >= 0
    return {
      visit: format.visit(found),
      address: found.address,
      phone: found.phone,
      cancelling: found.cancelling,
      canMove: found.status === 'booked' && Date.parse(found.cancelling.free_until) > Date.now(),
      freeUntil: format.moment(found.cancelling.free_until),
      offered: format.isOffer(found),
      until: found.held_until ? heldUntil(found.held_until) : '',
      today,
      why: this.why(found),
      survey: today ? '' : found.survey || '', // not of who still waits
    }
  },

  why(found) {
    if (found.status !== 'cancelled') return ''
    const by = { patient: '您或家人取消', provider: '医院停诊', system: '系统取消' }[found.cancelled_by] || '已取消'
    return found.reason ? `${by}：${found.reason}` : by
  },

  countDown(end) {
    const tick = () => {
      const seconds = Math.max(0, Math.round((end - Date.now()) / 1000))
      this.setData({ left: format.countdown(seconds) })
      if (!seconds) {
        clearInterval(this.ticking)
        this.load()
      }
    }
    if (end <= Date.now()) return // by a phone that is fast: the service knows better
    this.ticking = setInterval(tick, 1000)
    tick()
  },

  confirm() {
    return this.during('busy', async () => {
      const answers = await subscriptions.ask(this.data.prompts)
      this.setData({ prompts: null }) // asked; trying again is no new question
      subscriptions.report(answers).then((reminders) => this.setData({ reminders }))
      this.setData(this.seen(await this.sendConfirm(`/appointments/${this.id}/confirm`)))
    })
  },

  /** Takes what is kept instead of a stopped visit, and goes there. */
  async takeOffer() {
    let taken = false
    await this.during('busy', async () => {
      await this.takeKept(`/appointments/${this.data.kept.id}/confirm`)
      taken = true
    })
    if (taken) wx.redirectTo({ url: `/pages/appointment/appointment?id=${this.data.kept.id}` })
  },

  // What cancelling means changes with the hours: asked for anew before it is said.
  askCancel() {
    return this.during('busy', async () => {
      this.setData(Object.assign({ asking: true, reason: '' }, this.seen(await api.get(`/appointments/${this.id}`))))
    })
  },

  closeCancel() {
    this.setData({ asking: false })
  },

  chooseReason(event) {
    const { reason } = event.currentTarget.dataset
    this.setData({ reason: reason === this.data.reason ? '' : reason })
  },

  cancel() {
    return this.during('busy', async () => {
      const found = await this.sendCancel(`/appointments/${this.id}/cancel`, { reason: this.data.reason })
      this.setData(Object.assign({ asking: false }, this.seen(found)))
      wx.showToast({ title: '已取消' })
    })
  },

  refuse(problem) {
    this.setData({ refusal: ways.refusal(problem) }, () => {
      if (!this.data.asking) this.reveal('#refusal')
    })
  },

  goOn() {
    this.setData({ refusal: null, asking: false })
    return this.load()
  },

  callHospital() {
    call(this.data.phone)
  },

  /** Into the phone's own calendar: where and when, not why, as calendars are seen by others. */
  addToCalendar() {
    const { starts_at: from, ends_at: to, organization, address } = this.found
    wx.addPhoneCalendar({
      title: `就诊：${organization.name}`,
      startTime: Math.floor(Date.parse(from) / 1000),
      endTime: String(Math.floor(Date.parse(to) / 1000)),
      location: [organization.name, address].filter(Boolean).join(' '),
      alarmOffset: 7200,
      success: () => wx.showToast({ title: '已加到日历' }),
      fail: ({ errMsg }) => {
        if (!/cancel/.test(errMsg)) this.setData({ refusal: { title: '没有加到日历', text: '手机没有允许写日历。可以用下面的“日历文件”。', again: true } })
      },
    })
  },

  /** Addresses that open in any browser for ten minutes: to print, or for another phone. */
  showPapers() {
    return this.during('busy', async () => {
      const { slip, ics, expires_at: until } = await api.get(`/appointments/${this.id}/links`)
      this.setData({ papers: { slip, ics, until: format.clock(until) } })
    })
  },

  closePapers() {
    this.setData({ papers: null })
  },

  copyLink(event) {
    wx.setClipboardData({ data: this.data.papers[event.currentTarget.dataset.what] })
  },
})
