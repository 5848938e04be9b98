// Myself: phone, family, data, and how things look.
const api = require('../../utils/api')
const mode = require('../../utils/mode')
const page = require('../../utils/page')
const session = require('../../utils/session')

const SIZE_NAMES = ['标准', '大', '更大']

page({
  data: {
    agreed: false, phone: '', people: 0, busy: false, notice: null,
    sizes: mode.SIZES.map((size, index) => ({ size, name: SIZE_NAMES[index] })),
  },

  onShow() {
    return this.load()
  },

  onPullDownRefresh() {
    return Promise.resolve(this.load()).finally(() => wx.stopPullDownRefresh())
  },

  load() {
    const agreed = session.hasAgreed()
    this.setData({ agreed })
    if (!agreed) return undefined
    return this.show(async () => {
      const { account, patients } = await api.get('/me')
      return { phone: account.phone || '', people: patients.length }
    })
  },

  /** WeChat's button gives a code; the number itself only the service gets to see. */
  async keepPhone(event) {
    const { code } = event.detail
    if (!code || this.data.busy) return
    this.setData({ busy: true, notice: null })
    try {
      const { phone } = await api.post('/me/phone', { code })
      this.setData({ phone, notice: { kind: 'good', text: '手机号已保存。' } })
    } catch (problem) {
      if (!problem.code) throw problem
      this.setData({ notice: { kind: 'bad', text: problem.detail } })
    } finally {
      this.setData({ busy: false })
    }
  },

  switchMode() {
    mode.setElder(!this.data.elder)
  },

  chooseSize(event) {
    mode.setSize(event.currentTarget.dataset.size)
  },
})
