// My appointments: those to come, and the earlier ones; of everyone in my care or of one person.
const api = require('../../utils/api')
const format = require('../../utils/format')
const page = require('../../utils/page')

/** Whether it is on the other list: not over, and still to come. */
function isToCome(found) {
  return format.ALIVE.indexOf(found.status) >= 0 && Date.parse(found.starts_at) > Date.now()
}

// Of the earlier ones, those of one kind.
const KINDS = [
  { value: '', text: '全部' },
  { value: 'fulfilled', text: format.STATUSES.fulfilled },
  { value: 'cancelled', text: format.STATUSES.cancelled },
  { value: 'no_show', text: format.STATUSES.no_show },
]

page({
  data: {
    kinds: KINDS, kind: '', past: false, items: [], done: false, fetching: false, people: [], patient: '',
    patientName: '', choosing: false,
  },

  onShow() {
    return this.load()
  },

  onPullDownRefresh() {
    return this.load().finally(() => wx.stopPullDownRefresh())
  },

  onReachBottom() {
    return this.more()
  },

  load() {
    return this.show(async () => {
      const list = this.newList()
      const [first, { items: people }] = await Promise.all([this.next(list), api.get('/patients')])
      this.list = list
      const able = people.filter(({ state }) => state === 'active')
      return { items: first, done: list.done, people: able.map(({ id, name }) => ({ id, name })) }
    })
  },

  newList() {
    const { past, kind, patient } = this.data
    return api.list('/appointments', { status: past ? kind : 'upcoming', patient })
  },

  /** The next that belong here; pages that hold nothing of it are passed over. */
  async next(list) {
    let found = []
    while (!found.length && !list.done) {
      const items = await list.more()
      found = this.data.past ? items.filter((one) => !isToCome(one)) : items
    }
    return found.map(format.visit)
  },

  async more() {
    if (this.data.fetching || this.data.done || this.data.loading) return
    const { list } = this
    this.setData({ fetching: true })
    try {
      const found = await this.next(list)
      if (list === this.list) this.setData({ items: this.data.items.concat(found), done: list.done })
    } catch (problem) {
      if (!problem.code) throw problem
      wx.showToast({ title: problem.detail, icon: 'none' })
    } finally {
      this.setData({ fetching: false })
    }
  },

  switchTo(event) {
    const past = event.currentTarget.dataset.past === 'yes'
    if (past === this.data.past) return undefined
    return this.restart({ past })
  },

  chooseKind(event) {
    return this.restart({ kind: event.detail.value })
  },

  restart(change) {
    this.setData(Object.assign({ items: [], loading: true }, change))
    return this.load()
  },

  askPerson() {
    this.setData({ choosing: true })
  },

  closePeople() {
    this.setData({ choosing: false })
  },

  choosePerson(event) {
    const { id = '', name = '' } = event.currentTarget.dataset
    return this.restart({ patient: id, patientName: name, choosing: false })
  },

  find() {
    wx.switchTab({ url: '/pages/find/find' })
  },
})
