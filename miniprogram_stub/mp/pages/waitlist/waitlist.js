// What one waits for: how many stand before, what is kept for one right now, and leaving.
const api = require('../../utils/api')
const format = require('../../utils/format')
const page = require('../../utils/page')
const ways = require('../../utils/ways')

const SHOWN = 2 // of what is accepted; the rest is counted

function shown(wait) {
  const all = wait.accepted.map(({ organization, department, practitioner }) => (
    `${organization.name} ${department.name}${practitioner ? ' ' + practitioner.name + '医生' : ''}`
  ))
  const same = wait.from_on === wait.to_on
  return {
    id: wait.id,
    who: wait.patient.name,
    says: wait.says,
    family: wait.group_size > 1,
    accepted: all.slice(0, SHOWN).join('；'),
    more: Math.max(0, all.length - SHOWN),
    days: same ? format.day(wait.from_on) : `${format.monthDay(wait.from_on)}到${format.monthDay(wait.to_on)}`,
    periods: wait.periods.length === 3 ? '' : wait.periods.map((one) => format.PERIODS[one]).join('、'),
    over: wait.state !== 'waiting' && wait.state !== 'offered',
    offer: wait.offer ? Object.assign({ until: format.moment(wait.offer.held_until), end: Date.parse(wait.offer.held_until) }, format.visit(wait.offer)) : null,
    booked: wait.booked_id || '',
  }
}

page({
  data: { items: [], left: {}, leaving: null, busy: '', refusal: null },

  onLoad() {
    this.deeds = new Map() // of each offer, by address
  },

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
      const { items } = await api.get('/waitlist', { limit: 20 })
      const all = items.map(shown)
      this.countDown(all.filter(({ offer }) => offer))
      return { items: all.filter(({ over }) => !over).concat(all.filter(({ over }) => over)) }
    })
  },

  /** What is left of each offer's time; over, the service says what became of it. */
  countDown(offered) {
    clearInterval(this.ticking)
    const tick = () => {
      const left = {}
      offered.forEach(({ id, offer }) => { left[id] = format.countdown(Math.max(0, Math.round((offer.end - Date.now()) / 1000))) })
      this.setData({ left })
      if (offered.some(({ offer }) => offer.end <= Date.now())) {
        clearInterval(this.ticking)
        this.load()
      }
    }
    const fresh = offered.filter(({ offer }) => offer.end > Date.now()) // else a phone that is fast
    if (fresh.length !== offered.length || !offered.length) return
    this.ticking = setInterval(tick, 1000)
    tick()
  },

  confirm(event) {
    return this.answer(event.currentTarget.dataset.id, 'confirm')
  },

  decline(event) {
    return this.answer(event.currentTarget.dataset.id, 'cancel', { reason: '' })
  },

  answer(appointmentId, verb, body) {
    const path = `/appointments/${appointmentId}/${verb}`
    if (!this.deeds.has(path)) this.deeds.set(path, api.deed())
    return this.during('busy', async () => {
      await this.deeds.get(path)(path, body)
      if (verb === 'confirm') return wx.redirectTo({ url: `/pages/appointment/appointment?id=${appointmentId}` })
      return this.load()
    }, appointmentId)
  },

  askLeave(event) {
    const { id } = event.currentTarget.dataset
    this.setData({ leaving: this.data.items.find((one) => one.id === id), refusal: null })
  },

  closeLeave() {
    this.setData({ leaving: null })
  },

  leave() {
    const { id } = this.data.leaving
    return this.during('busy', async () => {
      await api.remove(`/waitlist/${id}`)
      this.setData({ leaving: null })
      await this.load()
    }, id)
  },

  refuse(problem) {
    this.setData({ refusal: ways.refusal(problem), leaving: null }, () => this.reveal('#refusal'))
  },

  goOn() {
    this.setData({ refusal: null })
    return this.load()
  },

  find() {
    wx.switchTab({ url: '/pages/find/find' })
  },
})
