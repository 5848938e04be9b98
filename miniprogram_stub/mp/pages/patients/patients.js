// 就诊人: everyone in this account's care.
const page = require('../../utils/page')
const api = require('../../utils/api')
const people = require('../../utils/people')

page({
  data: { patients: [], leaving: null },

  // Also after somebody was added, changed or removed on another page.
  onShow() {
    return this.open()
  },

  open() {
    return this.show(() => api.get('/patients').then(({ items }) => ({ patients: items.map(people.patient) })))
  },

  onPullDownRefresh() {
    this.open().then(() => wx.stopPullDownRefresh())
  },

  withdraw({ currentTarget }) {
    this.setData({ leaving: currentTarget.dataset })
  },

  keep() {
    this.setData({ leaving: null })
  },

  /** Takes back a request that nobody has answered. */
  remove() {
    const { id } = this.data.leaving
    this.keep()
    return api.remove(`/patients/${id}`)
      .catch((problem) => wx.showToast({ title: problem.title, icon: 'none' }))
      .then(() => this.open())
  },
})
