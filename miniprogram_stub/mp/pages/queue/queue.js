// The day at the clinic: check in by the clinic's code or with one's own, then see the line move.
const api = require('../../utils/api')
const format = require('../../utils/format')
const line = require('../../utils/line')
const page = require('../../utils/page')
const ways = require('../../utils/ways')

page({
  data: { visit: null, words: null, mine: null, busy: false, refusal: null },

  onLoad({ id }) {
    this.id = id
    this.checkIn = api.deed()
    return this.load()
  },

  load() {
    return this.show(async () => {
      const [found, place] = await Promise.all([api.get(`/appointments/${this.id}`), api.get(`/appointments/${this.id}/queue`)])
      return { visit: format.visit(found), words: this.said(place) }
    })
  },

  onShow() {
    if (this.watching) this.watching.stop()
    if (this.data.words) this.load() // back from somewhere else
    this.watching = line.watch(this.id, (place) => {
      if (this.data.words) this.setData({ words: this.said(place) })
    })
  },

  onHide() {
    this.watching.stop()
  },

  onUnload() {
    if (this.watching) this.watching.stop()
  },

  onPullDownRefresh() {
    return this.load().finally(() => wx.stopPullDownRefresh())
  },

  said(place) {
    const words = line.words(place)
    if (words.call && !(this.data.words || {}).call) wx.vibrateShort({ type: 'heavy', fail() {} })
    return words
  },

  scan() {
    wx.scanCode({
      onlyFromCamera: true,
      scanType: ['qrCode'],
      success: ({ result }) => this.attempt(async () => {
        await this.checkIn(`/appointments/${this.id}/checkin`, { code: result })
        wx.showToast({ title: '签到成功' })
      }),
      fail: ({ errMsg }) => {
        if (!/cancel/.test(errMsg)) this.setData({ refusal: { title: '没有扫成', text: '手机没能打开相机。可以出示签到码，或到窗口签到。' } })
      },
    })
  },

  showMine() {
    return this.attempt(async () => {
      const { number, image } = await api.get(`/appointments/${this.id}/checkin-code`)
      this.setData({ mine: { image, number: `${number.slice(0, 4)} ${number.slice(4)}` } })
    })
  },

  closeMine() {
    this.setData({ mine: null })
    return this.load()
  },

  attempt(work) {
    return this.during('busy', async () => {
      await work()
      if (!this.data.mine) await this.load()
    })
  },

  async refuse(problem) {
    if (problem.code === 'already-checked-in') await this.load()
    else this.setData({ refusal: ways.refusal(problem) })
  },
})
