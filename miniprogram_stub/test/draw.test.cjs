const { phone, open, problem, tap } = require('./phone.cjs')

const draw = (facts) => Object.assign({
  id: 'd-1', state: 'announced', open: true, schedule_id: 's-1', organization: { id: 'o-1', name: '县医院' },
  department: { id: 'k-1', name: '心内科' }, practitioner: { id: 'y-1', name: '李建国', title: '主任医师' },
  held_on: '2026-12-10', period: 'am', kind: 'expert', opens_at: '2026-11-23T04:00:00Z', closes_at: '2026-11-24T04:00:00Z',
  entries: 12, seed_hash: 'ab12', seed: null, places: null, drawn_at: null, results: [],
}, facts)
const ballot = (facts) => Object.assign({
  id: 'e-1', draw: draw(), patient: { id: 'p-1', name: '王*兰' }, code: '5e5e5e5e5e5e', registered_at: '2026-11-23T05:00:00Z',
  outcome: 'waiting', rank: null, reason: '', appointment_id: null,
}, facts)
const PEOPLE = { items: [{ id: 'p-1', name: '王*兰', scope: 'manage' }, { id: 'p-2', name: '王*军', scope: 'view' }] }
const answers = (more) => Object.assign({
  'GET /draws': { items: [draw()] }, 'GET /draws/d-1': draw(), 'GET /me/draws': { items: [] }, 'GET /patients': PEOPLE,
  'POST /draws/d-1/entries': { status: 201, data: ballot() }, 'DELETE /draws/d-1/entries/p-1': { status: 204 },
}, more)

describe('a draw', () => {
  test('is found by its schedule, for those one may book for', async () => {
    const { requests } = phone({ answers: answers() })
    const { data } = await open('draw', { schedule: 's-1' })
    expect(requests.find(({ path }) => path === '/draws').query).toEqual({ schedule: 's-1' })
    expect([data.lot.open, data.lot.entries, data.people.map(({ id }) => id), data.who]).toEqual([true, 12, ['p-1'], 'p-1'])
  })

  test('is entered once, however often it is tapped', async () => {
    const device = phone({ answers: answers() })
    const page = await open('draw', { id: 'd-1' })
    await Promise.all([page.join(), page.join()])
    const sent = device.requests.filter(({ method }) => method === 'POST')
    expect(sent.map(({ path, body }) => [path, body])).toEqual([['/draws/d-1/entries', { patient_id: 'p-1' }]])
  })

  test('whoever takes part is not asked again, and may take it back', async () => {
    const device = phone({ answers: answers({ 'GET /me/draws': { items: [ballot()] } }) })
    const page = await open('draw', { id: 'd-1' })
    expect([page.data.people, page.data.mine[0].open]).toEqual([[], true])
    await page.leave(tap({ draw: 'd-1', patient: 'p-1' }))
    expect(device.requests.filter(({ method }) => method === 'DELETE')).toHaveLength(1)
  })

  test('a refusal is said, and nothing is lost', async () => {
    phone({ answers: answers({ 'POST /draws/d-1/entries': problem(409, 'draw-closed', { title: '现在不能报名' }) }) })
    const page = await open('draw', { id: 'd-1' })
    await page.join()
    expect([page.data.refusal.title, page.data.who, page.data.busy]).toEqual(['现在不能报名', 'p-1', false])
  })

  test('the result says where one stands and what follows', async () => {
    const over = draw({ state: 'drawn', open: false, seed: '5e', places: 2 })
    const won = ballot({ draw: over, outcome: 'won', rank: 1, appointment_id: 'a-1' })
    const passed = ballot({ id: 'e-2', draw: over, outcome: 'lost', rank: 2, reason: 'day-limit' })
    phone({ answers: answers({ 'GET /draws/d-1': over, 'GET /me/draws': { items: [won, passed] } }) })
    const { data } = await open('draw', { id: 'd-1' })
    expect([data.lot.over, data.mine.map(({ said, appointment, why }) => [said.text, appointment, Boolean(why)])])
      .toEqual([true, [['摇中了', 'a-1', false], ['没摇中', '', true]]])
  })

  test('without a draw: everything one took part in', async () => {
    phone({ answers: answers({ 'GET /me/draws': { items: [ballot()] } }) })
    const { data } = await open('draw')
    expect([data.lot, data.missing, data.mine.length]).toEqual([null, false, 1])
  })

  test('a schedule that is not drawn says so', async () => {
    phone({ answers: answers({ 'GET /draws': { items: [] } }) })
    expect((await open('draw', { schedule: 's-9' })).data.missing).toBe(true)
  })
})
