const { phone, open, problem, tap } = require('./phone.cjs')

const HOSPITAL = {
  id: 'o-1', name: '县医院', tier: 'county', kind: 'tcm', parent_id: null, address: '某路 1 号', phone: '0500-1',
  hours: '每日', latitude: null, longitude: null, distance_km: null,
}
const dept = (id) => ({ id, name: `科室 ${id}`, location: '2楼', keywords: ['头晕'] })
const fee = (kind, title, amount) => ({ kind, title, amount, amount_fen: 1, item: '诊查费', basis: '文件' })
const schedule = (index) => ({ items: [{ id: 's', rules_index: index }], rules: ['乡镇规则', '县里规则'], next: null })

describe('one institution', () => {
  test('with its departments and whom it belongs to', async () => {
    phone({
      answers: {
        'GET /organizations/o-2': Object.assign({}, HOSPITAL, { id: 'o-2', name: '卫生室', tier: 'village', parent_id: 'o-1' }),
        'GET /organizations/o-1': HOSPITAL,
        'GET /departments': { items: [dept('d-1')], next: null },
      },
    })
    const { data } = await open('organization', { id: 'o-2' })
    expect(data.parent).toEqual({ id: 'o-1', name: '县医院' })
    expect(data.departments[0].note).toBe('2楼 · 常看：头晕')
    expect(data.organization.tier).toBe('村卫生室')
  })

  test('without the one above it, it is shown all the same', async () => {
    phone({
      answers: {
        'GET /organizations/o-2': Object.assign({}, HOSPITAL, { parent_id: 'gone' }),
        'GET /departments': { items: [], next: null },
      },
    })
    const { data } = await open('organization', { id: 'o-2' })
    expect([data.parent, data.problem, data.organization.name]).toEqual([null, null, '县医院'])
  })

  test('one that is not there is a problem', async () => {
    phone({ answers: { 'GET /departments': { items: [], next: null } } })
    const { data } = await open('organization', { id: 'nobody' })
    expect(data.problem.code).toBe('not-found')
  })
})

describe('prices', () => {
  test('by kind, the everyday one first; a fee for all is named after its kind', async () => {
    phone({
      answers: {
        'GET /organizations/o-1': HOSPITAL,
        'GET /organizations/o-1/fees': { items: [fee('expert', '主任医师', '25.00 元'), fee('general', '', '12.00 元')] },
      },
    })
    const { data } = await open('prices', { organization: 'o-1' })
    expect(data.groups.map(({ name, fees }) => [name, fees[0].title, fees[0].amount])).toEqual([
      ['普通号', '普通号', '12.00 元'], ['专家号', '主任医师', '25.00 元'],
    ])
  })

  test('none published is an answer; none reached is a problem', async () => {
    phone({ answers: { 'GET /organizations/o-1': HOSPITAL } })
    expect((await open('prices', { organization: 'o-1' })).data).toMatchObject({ groups: [], problem: null })
    phone({ answers: { 'GET /organizations/o-1': HOSPITAL, 'GET /organizations/o-1/fees': problem(422, 'malformed') } })
    expect((await open('prices', { organization: 'o-1' })).data.problem.code).toBe('malformed')
  })

  test('first an institution is chosen, by tier', async () => {
    const device = phone({ answers: { 'GET /organizations': { items: [HOSPITAL], next: null } } })
    const page = await open('prices')
    await page.pickTier({ detail: { value: 'village' } })
    expect(device.requests.map(({ query }) => query.tier)).toEqual(['county', 'village'])
    expect(page.data.organizations[0].url).toBe('/pages/prices/prices?organization=o-1')
  })
})

describe('help', () => {
  const answers = {
    'GET /organizations': { items: [HOSPITAL, Object.assign({}, HOSPITAL, { id: 'o-3', phone: '' })], next: null },
    'GET /schedules': ({ query }) => schedule(query.tier === 'county' ? 1 : 0),
    'GET /announcements': { county: '某县', emergency_phone: '999', items: [] },
  }

  test('the county\'s own rules, said once for tiers that share them', async () => {
    phone({ answers })
    const { data } = await open('help')
    expect(data.rules).toEqual([{ name: '县级医院', text: '县里规则' }, { name: '乡镇卫生院、村卫生室', text: '乡镇规则' }])
  })

  test('numbers to call: only institutions that have one, and the county\'s emergency number', async () => {
    const device = phone({ answers })
    const page = await open('help')
    expect(page.data.hospitals.map(({ id }) => id)).toEqual(['o-1'])
    expect(page.data.emergency).toBe('999')
    page.call(tap({ phone: '999' }))
    expect(device.called('makePhoneCall')[0].phoneNumber).toBe('999')
  })

  test('120 stands there before anything was read, and when nothing can be', async () => {
    phone({ answers: { 'GET /organizations': problem(422, 'malformed'), 'GET /schedules': problem(422, 'malformed') } })
    const { data } = await open('help')
    expect(data.problem.code).toBe('malformed')
    expect(data.emergency).toBe('120')
  })

  test('one answer is open at a time', async () => {
    phone({ answers })
    const page = await open('help')
    page.toggle(tap({ id: 'book' }))
    page.toggle(tap({ id: 'rules' }))
    expect(page.data.open).toBe('rules')
    page.toggle(tap({ id: 'rules' }))
    expect(page.data.open).toBe('')
  })
})
