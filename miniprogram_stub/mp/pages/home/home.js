// What comes next, in one look; 120 and elder mode on top.
const api = require('../../utils/api')
const format = require('../../utils/format')
const mode = require('../../utils/mode')
const page = require('../../utils/page')
const session = require('../../utils/session')

const OFFERS = 5 // kept for the family at once
const SHOWN = 2 // upcoming appointments; the list has the others

page({
  data: {
    county: '', emergency: '120', announcements: [], opened: '', agreed: false, visits: [], offers: [], more: false,
    newcomer: false, unread: 0, outdated: false, newsProblem: null, calling: false, failed: false,
  },

  // Each time it is seen: a booking or a message may have come.
  onShow() {
    return this.load()
  },

  onPullDownRefresh() {
    return this.load().finally(() => wx.stopPullDownRefresh())
  },

  load() {
    return Promise.all([this.loadNews(), this.loadMine()])
  },

  async loadNews() {
    try {
      const { county, emergency_phone: emergency, terms_version: terms, items } = await api.get('/announcements')
      const outdated = Boolean(terms) && session.hasAgreed() && session.agreedVersion() !== terms
      this.setData({ county, emergency, outdated, announcements: items, newsProblem: null })
    } catch (problem) {
      if (!problem.code) throw problem
      this.setData({ newsProblem: problem.plain() })
    }
  },

  loadMine() {
    const agreed = session.hasAgreed()
    this.setData({ agreed })
    if (!agreed) return undefined
    return this.show(async () => {
      // All at once: on a slow network each turn taken one after the other is waited for.
      const [{ items, next }, { unread }, patients, { items: pending }] = await Promise.all([
        api.get('/appointments', { status: 'upcoming', limit: SHOWN }),
        api.get('/inbox/unread'),
        api.get('/patients'),
        api.get('/appointments', { status: 'pending', limit: OFFERS }),
      ])
      const offers = pending.filter(format.isOffer).map((one) => Object.assign({ until: format.moment(one.held_until) }, format.visit(one)))
      // Without anybody to book for, adding somebody comes first.
      return { visits: items.map(format.visit), more: Boolean(next), offers, unread, newcomer: !patients.items.length }
    })
  },

  switchMode() {
    mode.setElder(!this.data.elder)
  },

  openNews(event) {
    const { id } = event.currentTarget.dataset
    this.setData({ opened: this.data.opened === id ? '' : id })
  },

  find() {
    wx.switchTab({ url: '/pages/find/find' })
  },

  askEmergency() {
    this.setData({ calling: true, failed: false })
  },

  closeEmergency() {
    this.setData({ calling: false })
  },

  call() {
    wx.makePhoneCall({
      phoneNumber: this.data.emergency,
      success: () => this.setData({ calling: false }),
      // Cancelled in the phone's own question, or a phone that can't call.
      fail: ({ errMsg }) => this.setData({ failed: !/cancel/.test(errMsg) }),
    })
  },
})
