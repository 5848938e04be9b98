// A doctor's days and times; without `id`, those of a department that have no doctor of their own.
const api = require('../../utils/api')
const page = require('../../utils/page')

page({
  data: { name: '', title: '', goodAt: '', places: [], place: '', alone: false, query: null, on: '' },

  onLoad({ id, department, on }) {
    this.id = id
    this.department = department
    this.setData({ on: on || '', alone: !id })
    return this.load()
  },

  onPullDownRefresh() {
    return this.refresh().finally(() => wx.stopPullDownRefresh())
  },

  // Back from a page where a place was taken or refused: what is free has changed.
  onShow() {
    return this.data.query ? this.refresh() : undefined
  },

  load() {
    return this.show(() => (this.id ? this.findDoctor() : this.findDepartment()))
  },

  async findDoctor() {
    const doctor = await api.get(`/practitioners/${this.id}`)
    const places = doctor.roles.map((role) => ({
      id: role.department_id, label: role.organization, note: role.department,
    }))
    const wanted = places.find(({ id }) => id === this.department) || places[0]
    const place = wanted ? wanted.id : ''
    return {
      name: doctor.name,
      title: doctor.title,
      goodAt: doctor.good_at,
      places,
      place,
      query: { practitioner: this.id, department: place },
    }
  },

  async findDepartment() {
    const found = await api.get(`/departments/${this.department}`)
    return {
      name: found.name,
      title: '不指定医生',
      places: [{ id: found.id, label: found.organization, note: found.location }],
      place: found.id,
      query: { department: found.id },
    }
  },

  refresh() {
    const times = this.selectComponent('#times')
    return times ? times.load() : this.load()
  },

  choosePlace(event) {
    const place = event.currentTarget.dataset.id
    if (place === this.data.place) return
    this.setData({ place, query: { practitioner: this.id, department: place } })
  },

  /** Everything of a schedule is taken: wait for what others give back. */
  wait(event) {
    const who = this.id ? `id=${this.id}&` : ''
    wx.navigateTo({ url: `/pages/waitlist-join/waitlist-join?${who}department=${this.data.place}&on=${event.detail.on}` })
  },

  pick(event) {
    const { schedule, slot } = event.detail
    wx.navigateTo({ url: `/pages/confirm/confirm?schedule=${schedule}&slot=${slot}` })
  },
})
