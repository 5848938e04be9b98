// One institution: where it is, when it is open, whom to call, and its departments.
const page = require('../../utils/page')
const api = require('../../utils/api')
const format = require('../../utils/format')
const call = require('../../utils/call')

const KINDS = { tcm: '中医' }

page({
  data: { id: '', organization: null, parent: null, departments: [], done: true, adding: false },

  onLoad({ id = '' }) {
    this.setData({ id })
    return this.open()
  },

  open() {
    const { id } = this.data
    const departments = (this.departments = api.list('/departments', { organization: id, limit: 50 }))
    return this.show(() => Promise.all([api.get(`/organizations/${id}`), departments.more()])
      .then(([organization, found]) => this.parentOf(organization).then((parent) => {
        wx.setNavigationBarTitle({ title: organization.name })
        return {
          organization: view(organization),
          parent,
          departments: found.map(department),
          done: departments.done,
        }
      })))
  },

  /** Whom a clinic belongs to and refers to; only a help, so the page shows without it too. */
  parentOf(organization) {
    if (!organization.parent_id) return Promise.resolve(null)
    return api.get(`/organizations/${organization.parent_id}`).then(({ id, name }) => ({ id, name }), () => null)
  },

  more() {
    if (this.data.adding) return undefined
    this.setData({ adding: true })
    return this.departments.more().then(
      (found) => this.setData({ departments: this.data.departments.concat(found.map(department)), done: this.departments.done }),
      (problem) => wx.showToast({ title: problem.title, icon: 'none' }),
    ).then(() => this.setData({ adding: false }))
  },

  onPullDownRefresh() {
    this.open().then(() => wx.stopPullDownRefresh())
  },

  find() {
    wx.switchTab({ url: '/pages/find/find' })
  },

  call() {
    call(this.data.organization.phone)
  },

  map() {
    const { latitude, longitude, name, address } = this.data.organization
    wx.openLocation({ latitude, longitude, name, address, fail() {} })
  },
})

function view({ name, tier, kind, address, hours, phone, latitude, longitude }) {
  return { name, tier: format.TIERS[tier], kind: KINDS[kind] || '', address, hours: format.hours(hours), phone, latitude, longitude }
}

function department({ id, name, location, keywords }) {
  return {
    id,
    name,
    note: [location, keywords.length ? `常看：${keywords.slice(0, 5).join('、')}` : ''].filter(Boolean).join(' · '),
    url: `/pages/department/department?id=${id}`,
  }
}
