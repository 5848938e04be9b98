// What seeing a doctor costs (价格公示): of one institution, or first the choice of one.
const page = require('../../utils/page')
const api = require('../../utils/api')
const format = require('../../utils/format')
const place = require('../../utils/place')
const call = require('../../utils/call')

const ORDER = ['general', 'expert', 'disease', 'outreach']
const SAYS = {
  general: '不指定专家，看常见病',
  expert: '副主任医师、主任医师看',
  disease: '专门看一种病',
  outreach: '县里专家定期来这里看',
}

/** Rows by 号别, the everyday one first. */
function grouped(fees) {
  return ORDER.map((kind) => ({
    kind,
    name: format.KINDS[kind],
    says: SAYS[kind],
    fees: fees.filter((fee) => fee.kind === kind).map(({ title, amount, item, basis }) => ({
      title: title || format.KINDS[kind], amount, item, basis,
    })),
  })).filter(({ fees: rows }) => rows.length)
}

page({
  data: {
    id: '', name: '', phone: '', groups: [],
    tiers: format.LEVELS, tier: 'county', organizations: [], done: true, adding: false,
  },

  onLoad({ organization = '' }) {
    this.setData({ id: organization })
    return this.open()
  },

  open() {
    return this.show(() => (this.data.id ? this.prices() : this.choose()))
  },

  prices() {
    const { id } = this.data
    return Promise.all([api.get(`/organizations/${id}`), api.get(`/organizations/${id}/fees`).then(({ items }) => items, none)])
      .then(([{ name, phone }, fees]) => ({ name, phone, groups: grouped(fees) }))
  },

  choose() {
    this.list = api.list('/organizations', { tier: this.data.tier, near: place.current(), limit: 20 })
    const { list } = this
    return list.more().then((found) => ({ organizations: found.map(organization), done: list.done }))
  },

  pickTier({ detail }) {
    this.setData({ tier: detail.value, organizations: [], loading: true })
    return this.open()
  },

  more() {
    if (this.data.adding) return undefined
    const { list } = this
    this.setData({ adding: true })
    return list.more().then((found) => {
      if (list !== this.list) return
      this.setData({ organizations: this.data.organizations.concat(found.map(organization)), done: list.done })
    }, (problem) => wx.showToast({ title: problem.title, icon: 'none' }))
      .then(() => this.setData({ adding: false }))
  },

  onPullDownRefresh() {
    this.open().then(() => wx.stopPullDownRefresh())
  },

  call() {
    call(this.data.phone)
  },
})

/** An institution that publishes no prices here has none to show: that is an answer, not a fault. */
function none(problem) {
  if (problem.code !== 'not-found') throw problem
  return []
}

function organization({ id, name, address, distance_km: km }) {
  return {
    id,
    name,
    note: [format.distance(km), address].filter(Boolean).join(' · '),
    url: `/pages/prices/prices?organization=${id}`,
  }
}
