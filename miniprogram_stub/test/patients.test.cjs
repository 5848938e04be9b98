const { phone, open, problem, tap, mp } = require('./phone.cjs')

const GRANDMA = {
  id: 'p-1', state: 'active', name: '王*兰', relation: 'child', scope: 'manage', is_default: true,
  id_kind: 'resident_id', id_number: '3****************5', phone: '138****1234', birth_on: '1954-03-12',
  sex: 'female', minor: false, expires_at: null,
}
const ASKED = {
  id: 'p-2', state: 'requested', name: '李*', relation: 'other', scope: 'book', is_default: false,
  id_kind: null, id_number: null, phone: null, birth_on: null, sex: null, minor: false, expires_at: null,
}
const STANDING = {
  cancellations: 1, cancellations_most: 3, no_shows: 0, no_shows_most: 3, barred_until: null, rules: '规则',
}
const carer = (id, facts) => Object.assign({
  id, state: 'active', relation: 'child', scope: 'book', mine: false, created_at: '2026-11-01T16:30:00Z', expires_at: null,
}, facts)
const CARERS = [
  carer('c-own', { relation: 'self', scope: 'manage' }),
  carer('c-me', { mine: true, scope: 'manage' }),
  carer('c-son', { expires_at: '2027-01-01T00:00:00Z' }),
  carer('c-asks', { state: 'requested', relation: 'sibling', name: '李*' }),
]

const UNUSED = { id: 'i-1', mine: true, scope: 'view', care_expires_at: null, created_at: '2026-11-22T04:00:00Z', expires_at: '2026-11-24T04:00:00Z' }
const OFFER = { patient: '王*兰', inviter: '李*', inviter_relation: 'child', scope: 'book', care_expires_at: null, expires_at: '2026-11-24T04:00:00Z' }

const answers = (more) => Object.assign({
  'GET /patients': { items: [GRANDMA, ASKED] },
  'GET /patients/p-1': GRANDMA,
  'GET /patients/p-1/standing': STANDING,
  'GET /patients/p-1/carers': { items: CARERS },
  'GET /patients/p-1/invitations': { items: [UNUSED] },
}, more)
const sent = (device, method) => device.requests.filter((request) => request.method === method)

describe('words for who is who', () => {
  test('what the account is to the patient becomes what the patient is to the account', () => {
    phone()
    const people = mp('utils/people')
    expect(people.patientIs('child', 'female')).toBe('母亲')
    expect(people.patientIs('child', null)).toBe('父亲或母亲')
    expect(people.patientIs('parent', 'male')).toBe('儿子')
    expect(people.patientIs('grandchild', 'male')).toBe('爷爷奶奶、外公外婆')
    expect(people.carerIs('child')).toBe('子女')
  })

  test('an end is said by the day in China', () => {
    phone()
    const { patient } = mp('utils/people')
    expect(patient(Object.assign({}, GRANDMA, { expires_at: '2026-12-31T17:00:00Z' })).until).toBe('到 2027年1月1日为止')
  })
})

describe('the list', () => {
  test('people as the service masks them, and those who have not consented yet', async () => {
    phone({ answers: answers() })
    const { data } = await open('patients')
    expect(data.patients.map(({ name, relation, active, number }) => [name, relation, active, number])).toEqual([
      ['王*兰', '母亲', true, '3****5'], ['李*', '其他亲友', false, ''],
    ])
  })

  test('a request can be taken back', async () => {
    const device = phone({ answers: answers({ 'DELETE /patients/p-2': { status: 204 } }) })
    const page = await open('patients')
    page.withdraw(tap({ id: 'p-2', name: '李*' }))
    expect(sent(device, 'DELETE')).toEqual([])
    await page.remove()
    expect(page.data.leaving).toBe(null)
    expect(sent(device, 'DELETE').map(({ path }) => path)).toEqual(['/patients/p-2'])
  })

  test('without an agreement the way to it is shown, and nothing is sent', async () => {
    const device = phone({ answers: answers(), storage: { 'privacy-agreed': '' } })
    const { data } = await open('patients')
    expect(data.problem.code).toBe('privacy-needed')
    expect(device.requests).toEqual([])
  })
})

describe('one person', () => {
  test('carers who ask stand apart; only others than the person and oneself can be shown out', async () => {
    phone({ answers: answers() })
    const { data } = await open('patient', { id: 'p-1' })
    expect(data.asking.map(({ id, name, who }) => [id, name, who])).toEqual([['c-asks', '李*', '兄弟姐妹']])
    expect(data.carers.filter(({ mine, own }) => !mine && !own).map(({ id }) => id)).toEqual(['c-son'])
    expect(data.carers[0].since).toBe('11月2日')
  })

  test('the family doctor is one tap away, where there is one', async () => {
    const doctor = { name: '李建国', organization: '青石镇卫生院', phone: '0500-8600001' }
    const device = phone({ answers: answers({ 'GET /patients/p-1': Object.assign({}, GRANDMA, { family_doctor: doctor }) }) })
    const page = await open('patient', { id: 'p-1' })
    expect(page.data.person.doctor).toEqual(doctor)
    page.callDoctor()
    expect(device.called('makePhoneCall').map(({ phoneNumber }) => phoneNumber)).toEqual(['0500-8600001'])
    phone({ answers: answers() })
    expect((await open('patient', { id: 'p-1' })).data.person.doctor).toBe(null)
  })

  test('who may not manage sees no carers and asks for none', async () => {
    const device = phone({ answers: answers({ 'GET /patients/p-1': Object.assign({}, GRANDMA, { scope: 'book' }) }) })
    const { data } = await open('patient', { id: 'p-1' })
    expect(data.carers).toEqual([])
    expect(device.requests.map(({ path }) => path)).not.toContain('/patients/p-1/carers')
  })

  test('a wrong phone stays on the phone, a right one is kept', async () => {
    const device = phone({ answers: answers({ 'PUT /patients/p-1': ({ body }) => Object.assign({}, GRANDMA, { phone: body.phone && '139****4321' }) }) })
    const page = await open('patient', { id: 'p-1' })
    page.editPhone()
    page.typePhone({ detail: { value: '139' } })
    await page.savePhone()
    expect(page.data.fault).toContain('11 位')
    page.typePhone({ detail: { value: '13900004321 ' } })
    await page.savePhone()
    expect(sent(device, 'PUT')[0].body).toEqual({ phone: '13900004321' })
    expect(page.data.person.phone).toBe('139****4321')
    expect(page.data.sheet).toBe('')
    await page.dropPhone()
    expect(sent(device, 'PUT')[1].body).toEqual({ phone: null })
  })

  test('a refused relation is said in the sheet', async () => {
    phone({ answers: answers({ 'PUT /patients/p-1': problem(409, 'self-already-added') }) })
    const page = await open('patient', { id: 'p-1' })
    page.editRelation()
    await page.pickRelation(tap({ value: 'self' }))
    expect(page.data.fault).toBe('详情 self-already-added')
    expect(page.data.sheet).toBe('relation')
    expect(page.data.saving).toBe(false)
  })

  test('consent gives what is needed for booking, unless more is chosen', async () => {
    const device = phone({ answers: answers({ 'POST /patients/p-1/carers/c-asks/consent': carer('c-asks') }) })
    const page = await open('patient', { id: 'p-1' })
    page.editRight(tap({ id: 'c-asks', asks: true }))
    expect(page.data.heading).toBe('让李*帮忙？')
    await page.grant()
    page.editRight(tap({ id: 'c-asks', asks: true }))
    page.pickScope(tap({ value: 'view' }))
    page.pickLasting({ detail: { value: '30' } })
    await page.grant()
    const [first, second] = sent(device, 'POST')
    expect(first.body).toEqual({ scope: 'book', expires_at: null })
    expect(second.body.scope).toBe('view')
    expect(Date.parse(second.body.expires_at) - Date.now()).toBeGreaterThan(29.9 * 86400e3)
    expect(second.key).not.toBe(first.key)
  })

  test('changing what a carer may do leaves the end as it was', async () => {
    const device = phone({ answers: answers({ 'POST /patients/p-1/carers/c-son/consent': carer('c-son') }) })
    const page = await open('patient', { id: 'p-1' })
    page.editRight(tap({ id: 'c-son' }))
    page.pickScope(tap({ value: 'manage' }))
    await page.grant()
    expect(sent(device, 'POST')[0].body).toEqual({ scope: 'manage', expires_at: '2027-01-01T00:00:00Z' })
  })

  test('an invitation that was lost on the way is asked for again under the same key', async () => {
    let lost = true
    const device = phone({ answers: answers({ 'POST /patients/p-1/carers': () => (lost ? problem(500, 'internal') : { status: 201, data: { code: 'CODE', expires_at: '2026-11-24T00:00:00Z' } }) }) })
    const page = await open('patient', { id: 'p-1' })
    page.startInvitation()
    page.pickLasting({ detail: { value: '180' } })
    await page.makeInvitation()
    expect(page.data.fault).toBe('详情 internal')
    lost = false
    await page.makeInvitation()
    const [first, second] = sent(device, 'POST')
    expect(second.key).toBe(first.key)
    expect(second.body).toEqual(first.body)
    expect(page.data.invitation.code).toBe('CODE')
  })

  test('what is shared names nobody', async () => {
    phone({ answers: answers({ 'POST /patients/p-1/carers': { status: 201, data: { code: 'CODE', expires_at: '2026-11-24T00:00:00Z' } } }) })
    const page = await open('patient', { id: 'p-1' })
    page.startInvitation()
    await page.makeInvitation()
    const { title, path } = page.onShareAppMessage()
    expect(path).toBe('/pages/carer-invite/carer-invite?code=CODE')
    expect(title + path).not.toContain('王')
  })

  test('showing a carer out is asked first', async () => {
    const device = phone({ answers: answers({ 'DELETE /patients/p-1/carers/c-son': { status: 204 } }) })
    const page = await open('patient', { id: 'p-1' })
    page.revoke(tap({ id: 'c-son' }))
    expect(page.data.question.heading).toContain('不再请对方帮忙')
    expect(sent(device, 'DELETE')).toEqual([])
    await page.answerYes()
    expect(sent(device, 'DELETE').map(({ path }) => path)).toEqual(['/patients/p-1/carers/c-son'])
    expect(page.data.sheet).toBe('')
  })

  test('an invitation that nobody has used is taken back, when asked twice', async () => {
    let unused = [UNUSED]
    const gone = () => { unused = []; return { status: 204 } }
    const device = phone({ answers: answers({ 'GET /patients/p-1/invitations': () => ({ items: unused }), 'DELETE /patients/p-1/invitations/i-1': gone }) })
    const page = await open('patient', { id: 'p-1' })
    expect(page.data.invitations.map(({ id, scope }) => [id, scope])).toEqual([['i-1', '只能看']])
    page.takeBack(tap({ id: 'i-1' }))
    expect(page.data.question.heading).toBe('收回邀请？')
    expect(sent(device, 'DELETE')).toEqual([])
    await page.answerYes()
    expect(sent(device, 'DELETE').map(({ path }) => path)).toEqual(['/patients/p-1/invitations/i-1'])
    expect([page.data.sheet, page.data.invitations]).toEqual(['', []])
  })

  test('who has appointments is led to them', async () => {
    const device = phone({ answers: answers({ 'DELETE /patients/p-1': problem(409, 'has-appointments') }) })
    const page = await open('patient', { id: 'p-1' })
    page.leave()
    await page.answerYes()
    expect(page.data.question.heading).toBe('has-appointments')
    await page.answerYes()
    expect(device.called('switchTab')).toEqual([{ url: '/pages/appointments/appointments' }])
    expect(device.called('navigateBack')).toEqual([])
  })
})

describe('adding a person', () => {
  const fill = (page, facts = {}) => {
    const form = Object.assign({ name: '王桂兰', id_number: '330000195403120285' }, facts)
    Object.keys(form).forEach((name) => page.type({ detail: { name, value: form[name] } }))
    page.pickRelation(tap({ value: facts.relation || 'child' }))
    if (!page.data.form.agreed) page.toggleAgreed()
  }
  const made = { status: 201, data: GRANDMA }

  test('the number is read back as soon as it is whole, and judged no earlier', async () => {
    phone({ answers: answers() })
    const page = await open('patient-new')
    page.type({ detail: { name: 'id_number', value: '33000019540312028' } })
    expect(page.data.faults.id_number).toBe('')
    page.type({ detail: { name: 'id_number', value: '330000195403120286' } })
    expect(page.data.faults.id_number).toContain('有一位不对')
    page.type({ detail: { name: 'id_number', value: '330000195403120285' } })
    expect(page.data.faults.id_number).toBe('')
    expect(page.data.owner).toMatch(/^1954年3月12日出生，女，\d+ 岁$/)
  })

  test('a form with gaps is not sent, and says where they are', async () => {
    const device = phone({ answers: answers() })
    const page = await open('patient-new')
    await page.submit()
    expect(page.data.missing).toBe('还要改：是您的谁、姓名、证件号码、同意说明')
    expect(device.called('pageScrollTo').map(({ selector }) => selector)).toEqual(['#relation'])
    expect(sent(device, 'POST')).toEqual([])
  })

  test('oneself can not be chosen twice, be it consented to or only asked for', async () => {
    const taken = (page) => page.data.relations.filter(({ disabled }) => disabled).map(({ value, note }) => [value, note])
    phone({ answers: answers() })
    expect(taken(await open('patient-new'))).toEqual([])
    for (const mine of [{ ...GRANDMA, relation: 'self' }, { ...ASKED, relation: 'self' }]) {
      phone({ answers: answers({ 'GET /patients': { items: [mine] } }) })
      expect(taken(await open('patient-new'))).toEqual([['self', '已添加']])
    }
  })

  test('a whole form is sent once for two taps', async () => {
    const device = phone({ answers: answers({ 'POST /patients': made }) })
    const page = await open('patient-new')
    fill(page)
    await Promise.all([page.submit(), page.submit()])
    expect(sent(device, 'POST')).toHaveLength(1)
    expect(device.called('navigateBack')).toHaveLength(1)
  })

  test('somebody who is known already: who must consent, and how, is said', async () => {
    const device = phone({ answers: answers({ 'POST /patients': { status: 201, data: ASKED } }) })
    const page = await open('patient-new')
    fill(page)
    await page.submit()
    expect(page.data.waiting.name).toBe('李*')
    expect(device.called('navigateBack')).toEqual([])
  })

  test('a refusal stands at its field', async () => {
    phone({ answers: answers({ 'POST /patients': problem(422, 'identity-mismatch', { field: 'name' }) }) })
    const page = await open('patient-new')
    fill(page)
    await page.submit()
    expect(page.data.faults).toEqual({ name: '详情 identity-mismatch' })
    expect(page.data.fault).toBe(null)
    expect(page.data.step).toBe(1)
  })

  test('a refusal without a field stands above the button', async () => {
    phone({ answers: answers({ 'POST /patients': problem(409, 'too-many-patients', { most: 5 }) }) })
    const page = await open('patient-new')
    fill(page)
    await page.submit()
    expect(page.data.fault.code).toBe('too-many-patients')
    expect(page.data.saving).toBe(false)
  })

  test('one question at a time, and not on with a wrong answer', async () => {
    phone({ answers: answers() })
    const page = await open('patient-new')
    page.next()
    expect([page.data.step, page.data.faults.relation]).toEqual([0, '请选一下，要看病的人是您的谁。'])
    page.pickRelation(tap({ value: 'child' }))
    page.next()
    expect(page.data.step).toBe(1)
    page.type({ detail: { name: 'name', value: '王桂兰' } })
    page.next()
    page.next()
    expect([page.data.step, Boolean(page.data.faults.id_number)]).toEqual([2, true])
    page.back()
    expect(page.data.step).toBe(1)
  })

  test('a child\'s number leads back to the question that it changes', async () => {
    phone({ answers: answers({ 'GET /patients': { items: [] } }) })
    const page = await open('patient-new')
    fill(page, { relation: 'parent' })
    page.setData({ step: 2 })
    page.pickKind(tap({ value: 'passport' }))
    page.type({ detail: { name: 'id_number', value: 'E12345678' } })
    page.pickBirth({ detail: { value: '2020-01-02' } })
    page.next()
    expect(page.data.step).toBe(0)
    expect(page.data.faults.relation).toContain('先添加您本人')
    expect(page.data.minor).toBe(true)
  })

  test('once oneself is added, the child is not refused any longer', async () => {
    let mine = []
    phone({ answers: answers({ 'GET /patients': () => ({ items: mine }) }) })
    const page = await open('patient-new')
    page.setData({ 'faults.relation': '添加孩子之前，请先添加您本人。', missing: '还要改' })
    mine = [Object.assign({}, GRANDMA, { relation: 'self' })]
    await page.onShow()
    expect([page.data.self, page.data.faults.relation, page.data.missing]).toEqual(['adult', '', ''])
  })

  test('who taps before it is known that oneself is there now is not refused for it', async () => {
    let mine = []
    const device = phone({ answers: answers({ 'GET /patients': () => ({ items: mine }), 'POST /patients': made }) })
    const page = await open('patient-new')
    fill(page, { id_number: '330000202002030791', relation: 'parent' })
    mine = [Object.assign({}, GRANDMA, { relation: 'self' })]
    page.onShow()
    await page.submit()
    expect(sent(device, 'POST')).toHaveLength(1)
    expect(page.data.missing).toBe('')
  })
})

describe('an invitation', () => {
  const open_ = { 'POST /carers/invitation': OFFER }

  test('from a link: whose it is comes first, then it needs only the relation', async () => {
    const device = phone({ answers: Object.assign({ 'POST /carers': { status: 201, data: GRANDMA } }, open_) })
    const page = await open('carer-invite', { code: 'CODE' })
    expect(sent(device, 'POST').map(({ path, body }) => [path, body])).toEqual([['/carers/invitation', { code: 'CODE' }]])
    expect([page.data.offer.patient, page.data.offer.inviter]).toEqual(['王*兰', '李*（王*兰的子女）'])
    await page.accept()
    expect(page.data.faults.relation).toBe('请选一下，王*兰是您的谁。')
    page.pickRelation(tap({ value: 'child' }))
    await page.accept()
    expect(sent(device, 'POST')[1].body).toEqual({ code: 'CODE', relation: 'child' })
    expect(page.data.person.name).toBe('王*兰')
  })

  test('an inviter is told by name and by what they are to the patient', () => {
    phone()
    const { offer } = mp('utils/people')
    const by = (facts) => offer(Object.assign({}, OFFER, facts)).inviter
    expect(by({ inviter: null })).toBe('王*兰的子女')
    expect(by({ inviter: '王*兰', inviter_relation: 'self' })).toBe('王*兰（本人）')
  })

  test.each([
    ['child', 'manage', true], ['child', 'book', false], ['self', 'manage', false],
  ])('to be the patient oneself is offered only where it is possible: by %s, %s', async (inviter_relation, scope, own) => {
    phone({ answers: { 'POST /carers/invitation': Object.assign({}, OFFER, { inviter_relation, scope }) } })
    const { data } = await open('carer-invite', { code: 'CODE' })
    expect(data.relations.some(({ value }) => value === 'self')).toBe(own)
  })

  test('declined, nothing is accepted', async () => {
    const device = phone({ answers: open_ })
    const page = await open('carer-invite', { code: 'CODE' })
    page.decline()
    expect(page.data.declined).toBe(true)
    expect(device.requests.map(({ path }) => path)).toEqual(['/carers/invitation'])
  })

  test('typed, it is looked at once for two taps', async () => {
    const device = phone({ answers: open_ })
    const page = await open('carer-invite')
    await page.lookAt()
    expect(page.data.faults.code).toContain('填在这里')
    page.type({ detail: { value: ' CODE ' } })
    await Promise.all([page.lookAt(), page.lookAt()])
    expect(device.requests.map(({ body }) => body)).toEqual([{ code: 'CODE' }])
    expect([page.data.offer.patient, page.data.saving]).toEqual(['王*兰', false])
  })

  test('a used one: at the field when it was typed, otherwise with a way to type another', async () => {
    const refused = { 'POST /carers/invitation': problem(422, 'invitation-wrong', { field: 'code' }) }
    phone({ answers: refused })
    const typed = await open('carer-invite')
    typed.type({ detail: { value: 'CODE' } })
    await typed.lookAt()
    expect(typed.data.faults.code).toBe('详情 invitation-wrong')
    phone({ answers: refused })
    const linked = await open('carer-invite', { code: 'CODE' })
    expect([linked.data.fault.code, linked.data.problem, linked.data.offer]).toEqual(['invitation-wrong', null, null])
    linked.typeAnother()
    expect([linked.data.given, linked.data.code, linked.data.fault]).toEqual([false, '', null])
  })

  test('used by somebody else just now, another one can be typed', async () => {
    phone({ answers: Object.assign({ 'POST /carers': problem(422, 'invitation-wrong', { field: 'code' }) }, open_) })
    const page = await open('carer-invite', { code: 'CODE' })
    page.pickRelation(tap({ value: 'child' }))
    await page.accept()
    expect(page.data.fault.code).toBe('invitation-wrong')
  })

  test('whoever has not agreed yet sees it after coming back from the terms', async () => {
    const device = phone({ answers: open_, storage: { 'privacy-agreed': '' } })
    const page = await open('carer-invite', { code: 'CODE' })
    expect([page.data.problem.code, device.requests]).toEqual(['privacy-needed', []])
    device.kept['privacy-agreed'] = '2026-11'
    await page.onShow()
    expect([page.data.problem, page.data.offer.patient]).toEqual([null, '王*兰'])
  })
})
