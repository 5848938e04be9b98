// Add a 就诊人 with their real name. One form; in elder mode one question at a time.
const page = require('../../utils/page')
const api = require('../../utils/api')
const documents = require('../../utils/documents')
const format = require('../../utils/format')
const people = require('../../utils/people')
const registration = require('../../utils/registration')

const STEPS = [['relation'], ['name'], ['id_number', 'birth_on'], ['phone', 'agreed']]

/** What the patient may be to the account's owner, who is there once. */
const relations = (selfIsThere) => people.RELATIONS.map(({ value, patient }) => {
  const taken = selfIsThere && value === 'self'
  return { value, text: patient, disabled: taken, note: taken ? '已添加' : '' }
})

page({
  data: {
    form: registration.EMPTY,
    faults: {},
    fault: null, // of the whole form
    missing: '',
    relations: relations(false),
    kinds: documents.KINDS.map(({ value, text }) => ({ value, text })),
    kind: documents.kindOf('resident_id'),
    sexes: Object.keys(people.SEXES).map((value) => ({ value, text: people.SEXES[value] })),
    otherKinds: false,
    self: 'none',
    owner: '', // what the number says, for comparing with the card
    minor: false,
    today: format.today(),
    step: 0,
    steps: STEPS.length,
    saving: false,
    waiting: null, // the person who is known already: somebody must consent first
  },

  onLoad({ relation = '' }) {
    this.add = api.deed()
    if (people.RELATIONS.some(({ value }) => value === relation)) this.setData({ 'form.relation': relation })
  },

  // Also after one's own person was added on the way to a child's.
  onShow() {
    return this.open()
  },

  open() {
    this.opened = this.show(() => api.get('/patients').then(({ items }) => {
      const mine = items.find(({ relation, state }) => relation === 'self' && state === 'active')
      return {
        self: mine ? (mine.minor ? 'minor' : 'adult') : 'none',
        relations: relations(items.some(({ relation }) => relation === 'self')),
        'faults.relation': '', missing: '',
      }
    }))
    return this.opened
  },

  // --- filling in ---

  type({ detail }) {
    this.change(detail.name, detail.value)
  },

  pickRelation({ currentTarget, detail }) {
    this.change('relation', currentTarget.dataset.value || detail.value)
  },

  pickKind({ currentTarget }) {
    const { value } = currentTarget.dataset
    this.setData({ kind: documents.kindOf(value) })
    this.change('id_kind', value)
  },

  pickBirth({ detail }) {
    this.change('birth_on', detail.value)
  },

  pickSex({ detail }) {
    this.change('sex', detail.value)
  },

  toggleAgreed() {
    this.change('agreed', !this.data.form.agreed)
  },

  showKinds() {
    this.setData({ otherKinds: true })
  },

  /** Keeps what was typed; a fault goes away as soon as its field is touched. */
  change(field, value) {
    const form = Object.assign({}, this.data.form, { [field]: value })
    const faults = Object.assign({}, this.data.faults, { [field]: '' })
    if (field === 'id_number' || field === 'id_kind') faults.id_number = this.early(form)
    const known = registration.owner(form, this.data.today)
    this.setData({
      form, faults, fault: null, missing: '',
      owner: known ? this.says(known) : '',
      minor: Boolean(known) && documents.isMinor(known.birthOn, this.data.today),
    })
  },

  /** A resident number is judged as soon as it is complete, not while it is being typed. */
  early(form) {
    const complete = form.id_kind === 'resident_id' && documents.plain(form.id_number).length >= 18
    return complete ? documents.faultOfNumber(form.id_kind, form.id_number, this.data.today) : ''
  },

  says({ birthOn, sex }) {
    const age = documents.ageOn(birthOn, this.data.today)
    return [`${people.dated(birthOn)}出生`, people.SEXES[sex], `${age} 岁`].filter(Boolean).join('，')
  },

  // --- one question at a time ---

  // A birth date may tell that an earlier answer will not do.
  next() {
    const faults = this.check(this.data.step)
    if (!Object.keys(faults).length) this.goTo(this.data.step + 1)
  },

  back() {
    this.goTo(this.data.step - 1)
  },

  goTo(step) {
    this.setData({ step, missing: '' })
    wx.pageScrollTo({ scrollTop: 0, duration: 0 })
  },

  /** Shows what is wrong up to a step, and returns it. */
  check(step) {
    const { form, self, today } = this.data
    const found = registration.faults(form, self, today)
    const faults = STEPS.slice(0, step + 1).reduce((fields, some) => fields.concat(some), [])
      .filter((field) => found[field])
      .reduce((kept, field) => Object.assign(kept, { [field]: found[field] }), {})
    this.complain(faults)
    return faults
  },

  complain(faults) {
    const fields = Object.keys(faults)
    const step = STEPS.findIndex((some) => some.some((field) => faults[field]))
    this.setData({
      faults,
      missing: fields.length ? `还要改：${fields.map((field) => registration.NAMES[field]).join('、')}` : '',
      step: step < 0 ? this.data.step : step,
    }, () => { if (fields.length) this.reveal(`#${fields[0]}`) })
  },

  // --- sending ---

  /** Not before it is known whether oneself is there: whoever has just been added would be asked for. */
  async submit() {
    if (this.data.saving) return undefined
    this.setData({ saving: true, fault: null })
    await this.opened
    if (Object.keys(this.check(STEPS.length)).length) {
      this.setData({ saving: false })
      return undefined
    }
    return this.add('/patients', registration.body(this.data.form)).then(
      (found) => this.added(found),
      (problem) => this.failed(problem),
    )
  },

  added(found) {
    this.setData({ saving: false })
    if (found.state === 'requested') {
      this.setData({ waiting: people.patient(found) })
      return
    }
    wx.showToast({ title: '添加好了' })
    this.leave()
  },

  failed(problem) {
    this.setData({ saving: false })
    if (registration.NAMES[problem.field]) this.complain({ [problem.field]: problem.detail })
    else this.setData({ fault: problem.plain() })
  },

  /** Back to whoever wanted a person; opened by itself, to the list. */
  leave() {
    if (getCurrentPages().length > 1) wx.navigateBack()
    else wx.redirectTo({ url: '/pages/patients/patients' })
  },

  addSelf() {
    wx.navigateTo({ url: '/pages/patient-new/patient-new?relation=self' })
  },
})
