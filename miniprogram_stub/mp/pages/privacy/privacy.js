// The terms, in plain words. Agreed to here, and nowhere else; kept by the service with the version.
const api = require('../../utils/api')
const format = require('../../utils/format')
const page = require('../../utils/page')
const session = require('../../utils/session')

const BRIEF = [
  '只用来帮您和家人预约看病，不做别的。',
  '证件号码、手机号加密保存，手机上只显示一部分。',
  '谁看过，您随时查；不想用了，随时撤回、注销。',
]

page({
  data: {
    brief: BRIEF, county: '', version: '', sections: [], agreed: false, since: '', changed: false, saving: false, fault: '',
  },

  onLoad() {
    this.decide = api.deed()
    return this.load()
  },

  onPullDownRefresh() {
    return this.load().finally(() => wx.stopPullDownRefresh())
  },

  load() {
    return this.show(async () => {
      const { version, county, sections } = await api.get('/terms')
      return Object.assign({ version, county, sections }, await this.standing(version))
    })
  },

  /** What the service knows about this account; without it, what this phone knows. */
  standing(version) {
    if (!session.hasAgreed()) return { agreed: false, changed: false, since: '' }
    return api.get('/me/consents', { limit: 1 }).then(({ agreement }) => {
      const agreed = agreement.granted !== false
      return {
        agreed: agreed && agreement.agreed_version === version,
        changed: Boolean(agreed && agreement.agreed_version && agreement.agreed_version !== version),
        since: agreement.at ? format.ago(agreement.at) : '',
      }
    }).catch((problem) => {
      if (!problem.code) throw problem
      return { agreed: true, changed: false, since: '' }
    })
  },

  /** Counts only when the service has written it down. */
  async agree() {
    if (this.data.saving) return
    const before = session.hasAgreed()
    this.setData({ saving: true, fault: '' })
    session.agree(this.data.version)
    try {
      await this.decide('/me/consents', { version: this.data.version, granted: true })
      this.goOn()
    } catch (problem) {
      if (!problem.code) throw problem
      if (!before) session.leave()
      if (problem.code === 'terms-changed') await this.load()
      this.setData({ fault: problem.detail })
    } finally {
      this.setData({ saving: false })
    }
  },

  goOn() {
    if (getCurrentPages().length > 1) wx.navigateBack()
    else wx.switchTab({ url: '/pages/home/home' })
  },

  decline() {
    wx.switchTab({ url: '/pages/find/find' })
  },
})
