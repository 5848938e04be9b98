// One message, whole; also where WeChat's own messages lead. Seeing it is reading it.
const api = require('../../utils/api')
const messages = require('../../utils/messages')
const page = require('../../utils/page')

page({
  data: { id: '', message: null },

  onLoad({ id = '' }) {
    this.setData({ id })
    return this.load()
  },

  onPullDownRefresh() {
    return this.load().finally(() => wx.stopPullDownRefresh())
  },

  load() {
    const { id } = this.data
    return this.show(async () => {
      const found = await api.get(`/inbox/${id}`)
      // Nobody waits for it; if it is lost, the message stays unread.
      if (!found.read) api.change(`/inbox/${id}/read`).catch(() => undefined)
      return { message: messages.shown(found) }
    })
  },

  follow() {
    wx.navigateTo({ url: this.data.message.url })
  },
})
