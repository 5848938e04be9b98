// An invitation to act for a family member: see whose it is, then accept it or leave it.
const page = require('../../utils/page')
const api = require('../../utils/api')
const people = require('../../utils/people')

/** What the patient may be to oneself; the patient's own account is one, and may do everything. */
function relations({ scope, inviter_relation: inviter }) {
  const own = scope === 'manage' && inviter !== 'self'
  return people.RELATIONS.filter(({ value }) => own || value !== 'self').map(({ value, patient }) => ({
    value, text: value === 'self' ? '就是我自己（我换了微信）' : patient,
  }))
}

page({
  data: {
    loading: false,
    code: '',
    given: false, // it came with the link, nobody needs to type it
    offer: null, // once the code was looked at
    relation: '',
    relations: [],
    faults: { code: '', relation: '' },
    fault: null,
    saving: false,
    person: null, // once accepted
    declined: false,
  },

  onLoad({ code = '' }) {
    this.accepting = api.deed()
    this.setData({ code, given: Boolean(code), loading: Boolean(code) })
    return code ? this.look() : undefined
  },

  // Whoever was sent to the privacy terms first comes back to the invitation.
  onShow() {
    const { problem } = this.data
    return problem && problem.code === 'privacy-needed' ? this.look() : undefined
  },

  onPullDownRefresh() {
    const { offer, given, person } = this.data
    const again = !person && (offer || given) ? this.look() : Promise.resolve()
    return again.finally(() => wx.stopPullDownRefresh())
  },

  /** Who invites, and for whom: it uses nothing up. */
  look() {
    return this.show(() => api.post('/carers/invitation', { code: this.data.code })
      .then((found) => ({ offer: people.offer(found), relations: relations(found) }), (problem) => this.refused(problem)))
  },

  /** A wrong code is said on the page; anything else is the page's problem. */
  refused(problem) {
    if (problem.code !== 'invitation-wrong') throw problem
    return this.data.given ? { fault: problem.plain() } : { 'faults.code': problem.detail }
  },

  type({ detail }) {
    this.setData({ code: detail.value.trim(), 'faults.code': '', fault: null })
  },

  async lookAt() {
    if (this.data.saving) return
    if (!this.data.code) {
      this.setData({ 'faults.code': '请把家人发来的邀请码填在这里。' })
      return
    }
    this.setData({ saving: true })
    await this.look()
    this.setData({ saving: false })
  },

  pickRelation({ currentTarget }) {
    this.setData({ relation: currentTarget.dataset.value, 'faults.relation': '', fault: null })
  },

  accept() {
    const { code, relation, saving, offer } = this.data
    if (saving) return undefined
    this.setData({ 'faults.relation': relation ? '' : `请选一下，${offer.patient}是您的谁。`, fault: null })
    if (!relation) return undefined
    this.setData({ saving: true })
    return this.accepting('/carers', { code, relation }).then(
      (found) => this.setData({ saving: false, person: people.patient(found) }),
      (problem) => this.failed(problem),
    )
  },

  failed(problem) {
    this.setData({ saving: false })
    if (problem.field === 'relation') this.setData({ 'faults.relation': problem.detail })
    // The code was good a moment ago: another one has to be asked for.
    else this.setData({ fault: problem.plain() })
  },

  decline() {
    this.setData({ declined: true })
  },

  reconsider() {
    this.setData({ declined: false })
  },

  typeAnother() {
    this.setData({ given: false, offer: null, code: '', relation: '', faults: { code: '', relation: '' }, fault: null })
  },

  list() {
    wx.redirectTo({ url: '/pages/patients/patients' })
  },

  home() {
    wx.switchTab({ url: '/pages/home/home' })
  },

  find() {
    wx.switchTab({ url: '/pages/find/find' })
  },
})
