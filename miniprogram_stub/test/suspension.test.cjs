// 停诊 on the phone: the stopped visit says why, and what is kept instead is one tap away.
const { phone, open, problem } = require('./phone.cjs')

const visit = (facts) => ({
  id: 'old', status: 'cancelled', patient: { id: 'g', name: '王*兰' }, organization: { id: 'o1', name: '县医院' }, tier: 'county',
  address: '城关镇', phone: '0500-1', department: { id: 'd1', name: '骨科' }, location: '二楼', practitioner: null,
  kind: 'general', schedule_id: 's1', slot_id: 't1', held_on: '2026-11-23', period: 'am',
  starts_at: '2026-11-23T00:00:00Z', ends_at: '2026-11-23T00:30:00Z', fee_fen: 800, fee: '8.00 元', held_until: null,
  created_at: '2026-11-20T04:00:00Z', cancelled_by: 'provider', reason: '医生外出开会', origin: 'self', replacement: 'new',
  cancelling: { possible: false, free_until: '2026-11-22T09:00:00Z', late: false, consequence: '' },
  ...facts,
})
const KEPT = visit({
  id: 'new', status: 'pending', origin: 'suspension', held_on: '2026-11-24', starts_at: '2026-11-24T00:00:00Z',
  ends_at: '2026-11-24T00:30:00Z', held_until: '2026-11-23T12:00:00Z', cancelled_by: null, reason: '', replacement: null,
})

const start = (more) => phone({
  answers: { 'GET /appointments/old': visit(), 'GET /appointments/new': KEPT, 'GET /me/subscriptions': { items: [] }, ...more },
})
const shown = (id) => open('appointment', { id })

beforeEach(() => vi.useFakeTimers({ now: new Date('2026-11-22T04:00:00Z') }))
afterEach(() => vi.useRealTimers())

test('a stopped visit says why, what is kept instead, and until when', async () => {
  start()
  const page = await shown('old')
  expect(page.data.why).toBe('医院停诊：医生外出开会')
  expect(page.data.kept).toMatchObject({ id: 'new', pending: true, until: '明天 11月23日 20:00', left: '32小时00分' })
})

test('it is taken with one tap, and its page comes next', async () => {
  const { requests, called } = start({ 'POST /appointments/new/confirm': { ...KEPT, status: 'booked', held_until: null } })
  const page = await shown('old')
  await page.takeOffer()
  expect(requests.filter(({ method }) => method === 'POST').map(({ path }) => path)).toEqual(['/appointments/new/confirm'])
  expect(called('redirectTo')).toEqual([{ url: '/pages/appointment/appointment?id=new' }])
})

test('one that is over is refused in words, and looked at again', async () => {
  start({ 'POST /appointments/new/confirm': problem(409, 'hold-expired') })
  const page = await shown('old')
  await page.takeOffer()
  expect(page.data.refusal.text).toContain('hold-expired')
})

test.each([[{ status: 'cancelled', held_until: null }], [undefined]])('nothing kept, nothing shown: %o', async (facts) => {
  start(facts ? { 'GET /appointments/new': visit({ ...KEPT, ...facts }) } : { 'GET /appointments/old': visit({ replacement: null }) })
  expect((await shown('old')).data.kept).toBe(null)
})

test('what has been taken is led to, without a time limit', async () => {
  start({ 'GET /appointments/new': { ...KEPT, status: 'booked', held_until: null } })
  expect((await shown('old')).data.kept).toMatchObject({ pending: false, id: 'new' })
})

test('the page of what is kept says so, with the day', async () => {
  start()
  const page = await shown('new')
  expect(page.data).toMatchObject({ offered: true, until: '明天 11月23日 20:00', left: '32小时00分' })
  page.onUnload()
})
