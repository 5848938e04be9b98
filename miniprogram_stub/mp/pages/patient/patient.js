// One 就诊人: what may be changed, how they stand with the booking rules, and who may act for them.
const page = require('../../utils/page')
const api = require('../../utils/api')
const call = require('../../utils/call')
const documents = require('../../utils/documents')
const format = require('../../utils/format')
const people = require('../../utils/people')

const RIGHT = { scope: 'book', lasting: '', ends: null } // what a helping child needs, and no more

page({
  data: {
    id: '', person: null, standing: null, carers: [], asking: [], invitations: [],
    relations: people.RELATIONS.map(({ value, patient }) => ({ value, text: patient })),
    scopes: people.SCOPES,
    lastings: people.LASTING,
    sheet: '', // phone, relation, right, invite, ask
    question: null,
    heading: '',
    phone: '', fault: '', saving: false,
    right: RIGHT, whose: null, custom: false, invitation: null,
  },

  onLoad({ id = '' }) {
    this.invite = api.deed()
    this.consent = api.deed()
    this.setData({ id })
    return this.open()
  },

  open() {
    return this.show(() => api.get(`/patients/${this.data.id}`).then((found) => {
      const person = people.patient(found)
      return Promise.all([this.standing(), person.manages ? this.carers() : {}])
        .then(([standing, carers]) => Object.assign({ person, standing }, carers))
    }))
  },

  standing() {
    return api.get(`/patients/${this.data.id}/standing`).then((found) => ({
      noShows: found.no_shows_most ? `${found.no_shows} 次` : '',
      cancellations: found.cancellations_most ? `${found.cancellations} 次` : '',
      barred: found.barred_until ? people.dated(format.dateOf(found.barred_until)) : '',
      rules: found.rules,
    }))
  },

  carers() {
    const of = (what) => api.get(`/patients/${this.data.id}/${what}`).then(({ items }) => items)
    return Promise.all([of('carers'), of('invitations')]).then(([items, unused]) => ({
      asking: items.filter(({ state }) => state === 'requested').map(people.carer),
      carers: items.filter(({ state }) => state === 'active').map(people.carer),
      invitations: unused.map(people.invitation),
    }))
  },

  onPullDownRefresh() {
    this.open().then(() => wx.stopPullDownRefresh())
  },

  list() {
    wx.redirectTo({ url: '/pages/patients/patients' })
  },

  callDoctor() {
    const { phone } = this.data.person.doctor
    if (phone) call(phone)
  },

  // --- what may be changed ---

  editPhone() {
    this.setData({ sheet: 'phone', heading: '联系电话', phone: '', fault: '' })
  },

  editRelation() {
    this.setData({ sheet: 'relation', heading: `${this.data.person.name}是您的`, fault: '' })
  },

  close() {
    this.setData({ sheet: '', invitation: null })
  },

  typePhone({ detail }) {
    this.setData({ phone: detail.value.trim(), fault: '' })
  },

  savePhone() {
    const { phone } = this.data
    if (!documents.PHONE.test(phone)) {
      this.setData({ fault: '手机号要 11 位，座机请带区号，比如 05008600001。' })
      return undefined
    }
    return this.save({ phone })
  },

  dropPhone() {
    return this.save({ phone: null })
  },

  pickRelation({ currentTarget }) {
    return this.save({ relation: currentTarget.dataset.value })
  },

  toggleDefault() {
    return this.save({ is_default: !this.data.person.isDefault })
  },

  save(wanted) {
    if (this.data.saving) return undefined
    this.setData({ saving: true, fault: '' })
    return api.change(`/patients/${this.data.id}`, wanted).then(
      (found) => {
        this.setData({ person: people.patient(found), sheet: '', saving: false })
        wx.showToast({ title: '改好了' })
      },
      (problem) => this.failed(problem),
    )
  },

  failed(problem) {
    this.setData({ saving: false, fault: problem.detail })
    if (!this.data.sheet) this.ask({ heading: problem.title, text: problem.detail, no: '知道了' })
  },

  // --- carers ---

  /** Let in somebody who asks, or change what a carer may do. */
  editRight({ currentTarget }) {
    const { id, asks } = currentTarget.dataset
    const whose = this.data.carers.concat(this.data.asking).find((one) => one.id === id)
    this.setData({
      sheet: 'right', fault: '', whose,
      heading: asks ? `让${whose.called}帮忙？` : `改${whose.who}能办的事`,
      right: asks ? RIGHT : { scope: whose.value, lasting: whose.ends ? 'same' : '', ends: whose.ends },
      lastings: whose.ends ? [{ value: 'same', text: `不变（${whose.until}）` }].concat(people.LASTING) : people.LASTING,
    })
  },

  startInvitation() {
    this.setData({ sheet: 'invite', heading: '请家人帮忙', fault: '', right: RIGHT, lastings: people.LASTING, custom: false, invitation: null })
  },

  customise() {
    this.setData({ custom: true })
  },

  pickScope({ currentTarget }) {
    this.setData({ 'right.scope': currentTarget.dataset.value })
  },

  // Reckoned once, so that a repeated request is the very same.
  pickLasting({ detail }) {
    const ends = detail.value === 'same' ? this.data.whose.ends : people.endsIn(detail.value)
    this.setData({ 'right.lasting': detail.value, 'right.ends': ends })
  },

  grant() {
    const { id, whose, right } = this.data
    return this.settle(
      this.consent(`/patients/${id}/carers/${whose.id}/consent`, { scope: right.scope, expires_at: right.ends }),
      () => { this.close(); wx.showToast({ title: '已同意' }) },
    )
  },

  makeInvitation() {
    const { id, right } = this.data
    return this.settle(
      this.invite(`/patients/${id}/carers`, { scope: right.scope, expires_at: right.ends }),
      ({ code, expires_at: ends }) => this.setData({ invitation: { code, until: format.moment(ends) } }),
    )
  },

  /** Shows how a deed ended, and what stands now. */
  settle(deed, done) {
    this.setData({ saving: true, fault: '' })
    return deed.then((answer) => {
      this.setData({ saving: false })
      done(answer)
      return this.open()
    }, (problem) => this.failed(problem))
  },

  copyCode() {
    wx.setClipboardData({ data: this.data.invitation.code })
  },

  // No name goes out with it: whoever sees the chat learns nothing about the patient.
  onShareAppMessage() {
    const { invitation } = this.data
    return {
      title: '请您帮忙预约看病，48 小时内点开',
      path: invitation ? `/pages/carer-invite/carer-invite?code=${invitation.code}` : '/pages/home/home',
    }
  },

  revoke({ currentTarget }) {
    const { id, asks } = currentTarget.dataset
    const { called } = this.data.carers.concat(this.data.asking).find((one) => one.id === id)
    this.ask(asks ? {
      heading: '不同意？', text: `${called}就不能替${this.data.person.name}办事，也看不到资料。`, yes: '不同意', no: '再想想',
    } : {
      heading: '不再请对方帮忙？', text: `${called}马上就看不到资料、不能预约了。已经约好的号不受影响。`, yes: '不再帮忙', no: '再想想',
    }, () => this.end(id))
  },

  takeBack({ currentTarget }) {
    this.ask({
      heading: '收回邀请？', text: '这个邀请码马上作废，谁点都没有用。以后可以再发新的。', yes: '收回', no: '先留着',
    }, () => this.drop(`/patients/${this.data.id}/invitations/${currentTarget.dataset.id}`))
  },

  end(id) {
    return this.drop(`/patients/${this.data.id}/carers/${id}`)
  },

  drop(path) {
    return this.settle(api.remove(path), () => { this.close(); wx.showToast({ title: '好了' }) })
  },

  // --- leaving ---

  leave() {
    this.ask({
      heading: `移除${this.data.person.name}？`,
      text: '只是从您的名单里去掉，就诊记录还在，别的家人照常能帮忙。以后要再加，可能要家人同意。',
      yes: '移除',
      no: '先留着',
    }, () => this.remove())
  },

  remove() {
    if (this.data.saving) return undefined
    this.setData({ saving: true, fault: '' })
    return api.remove(`/patients/${this.data.id}`).then(
      () => { this.close(); wx.navigateBack() },
      (problem) => {
        this.setData({ saving: false })
        if (problem.code !== 'has-appointments') return this.failed(problem)
        return this.ask({ heading: problem.title, text: problem.detail, yes: '看预约', no: '知道了', mild: true },
          () => wx.switchTab({ url: '/pages/appointments/appointments' }))
      },
    )
  },

  // --- what is asked before it is done ---

  ask(question, deed) {
    this.asked = deed
    this.setData({ sheet: 'ask', heading: question.heading, question, fault: '' })
  },

  answerYes() {
    return this.asked()
  },
})
