// What the account was told: the latest first, and what is new stands out by word and mark.
const api = require('../../utils/api')
const messages = require('../../utils/messages')
const page = require('../../utils/page')

page({
  data: { items: [], unread: 0, done: false, fetching: false, saving: false },

  onLoad() {
    return this.load()
  },

  // Back from a message: it was read. The list stays where it was.
  onShow() {
    if (!this.opened) return
    const at = this.data.items.findIndex(({ id, read }) => id === this.opened && !read)
    this.opened = ''
    if (at >= 0) this.setData({ [`items[${at}].read`]: true, unread: Math.max(0, this.data.unread - 1) })
  },

  onPullDownRefresh() {
    return this.load().finally(() => wx.stopPullDownRefresh())
  },

  onReachBottom() {
    return this.more()
  },

  load() {
    return this.show(async () => {
      const list = api.list('/inbox')
      const [items, { unread }] = await Promise.all([list.more(), api.get('/inbox/unread')])
      this.list = list
      return { items: items.map(messages.shown), unread, done: list.done }
    })
  },

  async more() {
    if (this.data.fetching || this.data.done || this.data.loading) return
    const { list } = this
    this.setData({ fetching: true })
    try {
      const items = await list.more()
      if (list === this.list) this.setData({ items: this.data.items.concat(items.map(messages.shown)), done: list.done })
    } catch (problem) {
      if (!problem.code) throw problem
      wx.showToast({ title: problem.detail, icon: 'none' })
    } finally {
      this.setData({ fetching: false })
    }
  },

  open(event) {
    const { id } = event.currentTarget.dataset
    this.opened = id
    wx.navigateTo({ url: `/pages/message/message?id=${id}` })
  },

  async readAll() {
    if (this.data.saving) return
    this.setData({ saving: true })
    try {
      await api.change('/inbox/read')
      this.setData({ unread: 0, items: this.data.items.map((item) => Object.assign({}, item, { read: true })) })
    } catch (problem) {
      if (!problem.code) throw problem
      wx.showToast({ title: problem.detail, icon: 'none' })
    } finally {
      this.setData({ saving: false })
    }
  },

  book() {
    wx.switchTab({ url: '/pages/find/find' })
  },
})
