// One department: who sees patients there, and when. Elder mode begins with the earliest times.
const api = require('../../utils/api')
const page = require('../../utils/page')
const times = require('../../utils/times')

const EARLIEST_MOST = 3

page({
  data: { department: null, days: [], day: '', shifts: [], doctors: [], earliest: [], all: false },

  onLoad({ id }) {
    this.id = id
    return this.load()
  },

  onPullDownRefresh() {
    return this.load().finally(() => wx.stopPullDownRefresh())
  },

  load() {
    return this.show(async () => {
      const [department, schedules, { items: doctors }] = await Promise.all([
        api.get(`/departments/${this.id}`),
        api.all('/schedules', { department: this.id }),
        api.get('/practitioners', { department: this.id, limit: 100 }),
      ])
      this.schedules = schedules
      const days = times.days(schedules)
      return Object.assign({
        department,
        doctors,
        days,
        earliest: schedules.filter(({ state }) => state === 'open').slice(0, EARLIEST_MOST).map(times.shift),
      }, this.on(times.firstDay(days, this.data.day)))
    })
  },

  on(day) {
    return { day, shifts: this.schedules.filter(({ held_on: on }) => on === day).map(times.shift) }
  },

  chooseDay(event) {
    this.setData(this.on(event.detail.value))
  },

  showAll() {
    this.setData({ all: true })
  },

  /** The first free time of a shift, ready to be confirmed: one choice less in elder mode. */
  async take(event) {
    const { schedule } = event.currentTarget.dataset
    const slot = await api.get('/slots', { schedule })
      .then(({ items }) => items.find(({ state }) => state === 'open'), () => null)
    if (slot) wx.navigateTo({ url: `/pages/confirm/confirm?schedule=${schedule}&slot=${slot.id}` })
    else this.open(event)
  },

  openOrganization() {
    wx.navigateTo({ url: `/pages/organization/organization?id=${this.data.department.organization_id}` })
  },

  open(event) {
    const { doctor, day } = event.currentTarget.dataset
    const who = doctor ? `id=${doctor}&` : ''
    wx.navigateTo({ url: `/pages/doctor/doctor?${who}department=${this.id}&on=${day}` })
  },
})
