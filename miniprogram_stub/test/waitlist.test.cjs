const { phone, open, problem, tap } = require('./phone.cjs')

const DEPARTMENT = { id: 'd-1', name: '全科医疗科', organization: '青石镇卫生院', organization_id: 'o-1', location: '' }
const DOCTOR = { id: 'x-1', name: '李建国', title: '主治医师', good_at: '', roles: [] }
const ME = { id: 'p-1', name: '王*兰', relation: 'self', sex: 'female', state: 'active', scope: 'manage', is_default: true }
const SON = { id: 'p-2', name: '王*宝', relation: 'parent', sex: 'male', state: 'active', scope: 'book', is_default: false }
const SEEN = { id: 'p-3', name: '张*', relation: 'other', sex: 'male', state: 'active', scope: 'view', is_default: false }

const offer = () => ({
  id: 'a-1', status: 'pending', origin: 'waitlist', held_on: '2026-11-25', starts_at: '2026-11-25T01:00:00Z',
  ends_at: '2026-11-25T01:30:00Z', held_until: new Date(Date.now() + 600000).toISOString(), kind: 'general',
  patient: { id: 'p-1', name: '王*兰' }, organization: { id: 'o-1', name: '青石镇卫生院' },
  department: { id: 'd-1', name: '全科医疗科' }, practitioner: null, location: '', fee: '12.00 元',
})
const wait = (facts) => Object.assign({
  id: 'w-1', state: 'waiting', patient: { id: 'p-1', name: '王*兰' }, group_id: 'w-1', group_size: 1,
  from_on: '2026-11-25', to_on: '2026-11-28', periods: ['am', 'pm', 'night'], kind: null, ahead: 2,
  says: '前面还有 2 人。', offer: null, appointment_id: null, booked_id: null,
  accepted: ['一', '二', '三'].map((name) => ({ organization: { name }, department: { name: '全科' }, practitioner: null })),
}, facts)
const answers = (more) => Object.assign({
  'GET /departments/d-1': DEPARTMENT,
  'GET /practitioners/x-1': DOCTOR,
  'GET /patients': { items: [ME, SON, SEEN] },
  'POST /waitlist': ({ body }) => ({ status: 201, data: { items: body.patient_ids.map((id) => wait({ id })), next: null } }),
}, more)

describe('joining the line', () => {
  test('one doctor, for oneself, on the day that was looked at', async () => {
    const device = phone({ answers: answers() })
    const page = await open('waitlist-join', { id: 'x-1', department: 'd-1', on: '2026-11-25' })
    expect(page.data.what.map(({ value }) => value)).toEqual(['doctor', 'department', 'nearby'])
    expect(page.data.people.map(({ id }) => id)).toEqual(['p-1', 'p-2']) // who may only look is left out
    await page.submit()
    const { body, key } = device.requests.find(({ method }) => method === 'POST')
    expect(key).toBeTruthy()
    expect(body).toEqual({ patient_ids: ['p-1'], department_id: 'd-1', practitioner_id: 'x-1', from_on: '2026-11-25', to_on: '2026-11-25' })
    expect(device.called('redirectTo')[0].url).toBe('/pages/waitlist/waitlist')
  })

  test('nearby, a week, mornings, for the family', async () => {
    const device = phone({ answers: answers() })
    const page = await open('waitlist-join', { department: 'd-1', on: '2026-11-28' })
    page.chooseWhat(tap({ value: 'nearby' }))
    page.chooseSpan(tap({ value: 'week' }))
    page.choosePeriod({ detail: { value: 'am' } })
    page.choose(tap({ id: 'p-2' }))
    await page.submit()
    expect(device.requests.find(({ method }) => method === 'POST').body).toEqual({
      patient_ids: ['p-1', 'p-2'], department_id: 'd-1', from_on: '2026-11-28', to_on: '2026-12-05', periods: ['am'],
      nearby: { within_km: 30, tiers: ['township', 'village'] },
    })
  })

  test('a refusal says about whom, and where to go on', async () => {
    const device = phone({ answers: answers({ 'POST /waitlist': problem(409, 'waits-already', { index: 1 }) }) })
    const page = await open('waitlist-join', { department: 'd-1', on: '2026-11-28' })
    page.choose(tap({ id: 'p-2' }))
    await page.submit()
    expect(page.data.refusal.text).toMatch(/^王\*宝：/)
    page.goOn()
    expect(device.called('redirectTo')[0].url).toBe('/pages/waitlist/waitlist')
  })

  test('nobody chosen, nothing is sent', async () => {
    const device = phone({ answers: answers() })
    const page = await open('waitlist-join', { department: 'd-1', on: '2026-11-28' })
    page.choose(tap({ id: 'p-1' }))
    await page.submit()
    expect(device.requests.filter(({ method }) => method === 'POST')).toEqual([])
  })
})

describe('my waits', () => {
  test('the position, what is accepted, and those that are over last', async () => {
    phone({ answers: { 'GET /waitlist': { items: [wait({ id: 'w-0', state: 'left', says: '已退出候补。' }), wait()], next: null } } })
    const { data } = await open('waitlist')
    expect(data.items.map(({ id, over }) => [id, over])).toEqual([['w-1', false], ['w-0', true]])
    expect([data.items[0].accepted, data.items[0].more]).toEqual(['一 全科；二 全科', 1])
    expect(data.items[0].days).toBe('11月25日到11月28日')
  })

  test('an offer is confirmed once, and leads to the appointment', async () => {
    const device = phone({ answers: {
      'GET /waitlist': { items: [wait({ state: 'offered', offer: offer() })], next: null },
      'POST /appointments/a-1/confirm': { status: 'booked' },
    } })
    const page = await open('waitlist')
    expect(page.data.left['w-1']).toMatch(/^(9分|10分)/)
    await Promise.all([page.confirm(tap({ id: 'a-1' })), page.confirm(tap({ id: 'a-1' }))])
    page.onUnload()
    expect(device.requests.filter(({ method }) => method === 'POST')).toHaveLength(1)
    expect(device.called('redirectTo')[0].url).toBe('/pages/appointment/appointment?id=a-1')
  })

  test('refused, it goes on waiting; too late, it is said', async () => {
    phone({ answers: {
      'GET /waitlist': { items: [wait({ state: 'offered', offer: offer() })], next: null },
      'POST /appointments/a-1/cancel': problem(409, 'hold-expired'),
    } })
    const page = await open('waitlist')
    await page.decline(tap({ id: 'a-1' }))
    expect(page.data.refusal.title).toBe('hold-expired')
    await page.goOn()
    page.onUnload()
    expect(page.data.refusal).toBe(null)
  })

  test('one leaves only after being asked', async () => {
    const device = phone({ answers: { 'GET /waitlist': { items: [wait()], next: null }, 'DELETE /waitlist/w-1': { status: 204 } } })
    const page = await open('waitlist')
    page.askLeave(tap({ id: 'w-1' }))
    page.closeLeave()
    page.askLeave(tap({ id: 'w-1' }))
    await page.leave()
    expect(page.data.leaving).toBe(null)
    expect(device.requests.filter(({ method }) => method === 'DELETE')).toHaveLength(1)
  })
})

test('an offer is on the first page, before what is booked', async () => {
  phone({ answers: {
    'GET /announcements': { county: '', emergency_phone: '120', terms_version: 'test', items: [] },
    'GET /appointments': ({ query }) => ({ items: query.status === 'pending' ? [offer(), Object.assign(offer(), { id: 'a-2', origin: 'self' })] : [], next: null }),
    'GET /inbox/unread': { unread: 0 },
    'GET /patients': { items: [ME] },
  } })
  const { data } = await open('home')
  expect(data.offers.map(({ id }) => id)).toEqual(['a-1'])
})
