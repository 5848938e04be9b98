// An invitation to act for a family member: accept it, or leave it.
const page = require('../../utils/page')
const api = require('../../utils/api')
const people = require('../../utils/people')

page({
  data: {
    loading: false,
    code: '',
    given: false, // it came with the link, nobody needs to type it
    relation: '',
    relations: people.RELATIONS.map(({ value, patient }) => ({
      value, text: value === 'self' ? '就是我自己（我换了微信）' : patient,
    })),
    faults: { code: '', relation: '' },
    fault: null,
    saving: false,
    person: null, // once accepted
    declined: false,
  },

  onLoad({ code = '' }) {
    this.accepting = api.deed()
    this.setData({ code, given: Boolean(code) })
  },

  type({ detail }) {
    this.setData({ code: detail.value.trim(), 'faults.code': '', fault: null })
  },

  pickRelation({ currentTarget }) {
    this.setData({ relation: currentTarget.dataset.value, 'faults.relation': '', fault: null })
  },

  accept() {
    const { code, relation, saving } = this.data
    const faults = {
      code: code ? '' : '请把家人发来的邀请码填在这里。',
      relation: relation ? '' : '请选一下，请您帮忙的人是您的谁。',
    }
    this.setData({ faults, fault: null })
    if (saving || faults.code || faults.relation) return undefined
    this.setData({ saving: true })
    return this.accepting('/carers', { code, relation }).then(
      (found) => this.setData({ saving: false, person: people.patient(found) }),
      (problem) => this.failed(problem),
    )
  },

  failed(problem) {
    this.setData({ saving: false })
    if (problem.field === 'relation') this.setData({ 'faults.relation': problem.detail })
    // A code from a link can't be mended by typing: another one has to be asked for.
    else if (problem.field === 'code' && !this.data.given) this.setData({ 'faults.code': problem.detail })
    else this.setData({ fault: problem.plain() })
  },

  decline() {
    this.setData({ declined: true })
  },

  reconsider() {
    this.setData({ declined: false })
  },

  typeAnother() {
    this.setData({ given: false, code: '', fault: null })
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
