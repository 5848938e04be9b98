// 就诊人: everyone in this account's care.
const page = require('../../utils/page')
const api = require('../../utils/api')
const people = require('../../utils/people')

page({
  data: { patients: [] },

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

  /** Takes back a request that nobody has answered. */
  withdraw({ currentTarget }) {
    const { id, name } = currentTarget.dataset
    wx.showModal({
      title: '不再申请?',
      content: `撤回后,${name}不会出现在您的名单里。以后还可以再申请。`,
      confirmText: '撤回申请',
      cancelText: '先留着',
      success: ({ confirm }) => { if (confirm) this.remove(id) },
    })
  },

  remove(id) {
    return api.remove(`/patients/${id}`)
      .catch((problem) => wx.showToast({ title: problem.title, icon: 'none' }))
      .then(() => this.open())
  },
})
