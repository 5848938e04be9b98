// Move an appointment: another time of the same doctor, or of the same clinic without one.
const api = require('../../utils/api')
const format = require('../../utils/format')
const page = require('../../utils/page')
const times = require('../../utils/times')
const ways = require('../../utils/ways')

page({
  data: { visit: null, query: null, alone: false, mine: '', on: '', wanted: null, busy: false, refusal: null },

  onLoad({ id }) {
    this.id = id
    this.move = api.deed()
    return this.load()
  },

  onPullDownRefresh() {
    return this.selectComponent('#times').load().finally(() => wx.stopPullDownRefresh())
  },

  load() {
    return this.show(async () => {
      const found = await api.get(`/appointments/${this.id}`)
      const { practitioner, department, slot_id: mine } = found
      return {
        visit: format.visit(found),
        mine,
        on: found.held_on,
        alone: !practitioner,
        query: { department: department.id, practitioner: practitioner ? practitioner.id : '' },
      }
    })
  },

  /** Say what would change, before it does. */
  async pick(event) {
    const { schedule, slot } = event.detail
    this.setData({ refusal: null })
    try {
      const [found, { items }] = await Promise.all([
        api.get(`/schedules/${schedule}`),
        api.get('/slots', { schedule }),
      ])
      const shift = times.shift(found)
      const time = items.find(({ id }) => id === slot)
      this.setData({
        wanted: {
          slot,
          day: shift.day,
          span: time ? format.span(time.starts_at, time.ends_at) : shift.span,
          fee: shift.fee,
          dearer: shift.fee !== this.data.visit.fee,
          deadline: shift.deadline,
        },
      })
    } catch (problem) {
      this.refuse(problem)
    }
  },

  close() {
    this.setData({ wanted: null, refusal: null })
  },

  confirm() {
    return this.during('busy', async () => {
      await this.move(`/appointments/${this.id}/reschedule`, { slot_id: this.data.wanted.slot })
      wx.showToast({ title: '已改好' })
      this.back()
    })
  },

  goOn() {
    const { to } = this.data.refusal.way
    this.close()
    if (to === 'times' || to === 'reload') return this.selectComponent('#times').load()
    if (to === 'back' || to === 'department') return this.back()
    return ways.go(to)
  },

  back() {
    if (getCurrentPages().length > 1) wx.navigateBack()
    else wx.redirectTo({ url: `/pages/appointment/appointment?id=${this.id}` })
  },
})
