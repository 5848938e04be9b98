const { phone, open, problem, tap, mp } = require('./phone.cjs')

const clinic = (n, facts) => Object.assign({
  id: `org-${n}`, name: `第${n}村卫生室`, tier: 'village', kind: 'general', parent_id: null, address: '某村',
  phone: '0500-8600028', hours: '每日上午', latitude: 28.5, longitude: 118, distance_km: null,
}, facts)
const dept = (n, keywords, facts) => Object.assign({
  id: `dept-${n}`, organization_id: 'org-1', organization: '第1村卫生室', tier: 'village', name: '全科诊室',
  specialty_code: '02', location: '诊室', keywords, distance_km: null,
}, facts)
const doctor = {
  id: 'doc-1', name: '何书笙', title: '主治医师', good_at: '高血压',
  roles: [
    { organization: '县医院', department: '心内科', kind: 'main' },
    { organization: '卫生院', department: '全科', kind: 'outreach' },
  ],
}
const FREE = {
  id: 's-1', clinic_index: 0, rules_index: 0, held_on: '2026-11-23', period: 'am', kind: 'general',
  fee: '6.00 元', state: 'open', free: 2,
}
const OFFERED = {
  items: [FREE],
  clinics: [{
    organization: { id: 'org-1', name: '第1村卫生室' }, department: { id: 'dept-1', name: '全科诊室' },
    practitioner: { id: 'doc-1', name: '何书笙', title: '主治医师' }, distance_km: 8.72,
  }],
  rules: ['规则。'],
  next: null,
}
const listed = (items, next = null) => ({ items, next })

const answers = (more) => Object.assign({
  'GET /organizations': listed([clinic(1), clinic(2)], 'page-2'),
  'GET /departments': ({ query }) => listed(query.q === '头晕' ? [dept(1, ['咳嗽', '头晕'])] : []),
  'GET /symptom-words': { items: ['咳嗽', '头晕'] },
  'GET /schedules': ({ query }) => (query.q === '头晕' ? OFFERED : listed([])),
  'GET /practitioners': ({ query }) => listed(query.q === '头晕' ? [] : query.q ? [] : [doctor]),
}, more)

beforeEach(() => vi.useFakeTimers({ shouldAdvanceTime: true }))
afterEach(() => vi.useRealTimers())

const organizations = (requests) => requests.filter(({ path }) => path === '/organizations')

test('it opens with institutions and the words that most departments answer to', async () => {
  phone({ answers: answers() })
  const page = await open('find')
  expect(page.data.loading).toBe(false)
  expect(page.data.sections[0].items.map(({ name }) => name)).toEqual(['第1村卫生室', '第2村卫生室'])
  expect(page.data.words).toEqual(['咳嗽', '头晕'])
})

test('without the words it works all the same', async () => {
  phone({ answers: answers({ 'GET /symptom-words': problem(404, 'not-found') }) })
  const page = await open('find')
  expect(page.data.words).toEqual([])
  expect(page.data.sections[0].items).toHaveLength(2)
})

test('it does not ask for the place by itself', async () => {
  const device = phone({ answers: answers() })
  const page = await open('find')
  expect(device.called('getFuzzyLocation')).toEqual([])
  expect(page.data.place).toBe('ask')
})

test('with the place, the nearest first; only the decision is kept', async () => {
  const device = phone({ answers: answers(), replies: { getFuzzyLocation: { latitude: 28.43857, longitude: 118.22465 } } })
  const page = await open('find')
  await page.locate()
  expect(page.data.place).toBe('on')
  expect(organizations(device.requests).pop().query.near).toBe('28.439,118.225')
  expect(JSON.stringify(device.kept)).not.toContain('28.4')
  await page.stopLocating()
  expect(organizations(device.requests).pop().query.near).toBe(undefined)
})

test('a refused place costs nothing but the order', async () => {
  phone({ answers: answers(), replies: { getFuzzyLocation: { errMsg: 'getFuzzyLocation:fail auth deny' } } })
  const page = await open('find')
  await page.locate()
  expect(page.data.place).toBe('refused')
  expect(page.data.sections[0].items).toHaveLength(2)
})

test('a place that cannot be found is no refusal', async () => {
  phone({ answers: answers(), replies: { getFuzzyLocation: { errMsg: 'getFuzzyLocation:fail timeout' } } })
  const page = await open('find')
  await page.locate()
  expect(page.data.place).toBe('failed')
})

test('typing searches once, after a pause', async () => {
  const device = phone({ answers: answers() })
  const page = await open('find')
  const before = device.requests.length
  for (const value of ['头', '头晕']) page.type({ detail: { value } })
  await vi.advanceTimersByTimeAsync(390)
  expect(device.requests).toHaveLength(before)
  await vi.advanceTimersByTimeAsync(50)
  const sent = device.requests.slice(before)
  expect(sent.map(({ path }) => path).sort()).toEqual(['/departments', '/organizations', '/practitioners', '/schedules'])
  expect(sent.every(({ query }) => query.q === '头晕')).toBe(true)
  expect(page.data.searched).toBe('头晕')
  expect(page.data.sections.map(({ kind }) => kind)).toEqual(['departments', 'schedules', 'organizations'])
  expect(page.data.sections[0].items[0].treats).toBe('常看：头晕、咳嗽')
})

test('of two searches the later one counts, whichever answer is later', async () => {
  const slow = {}
  phone({
    answers: answers({
      'GET /departments': ({ query }) => (query.q === '头' ? new Promise((resolve) => { slow.answer = () => resolve(listed([dept(9, [])])) }) : listed([dept(1, ['头晕'])])),
    }),
  })
  const page = await open('find')
  page.type({ detail: { value: '头' } })
  const first = page.search()
  await vi.advanceTimersByTimeAsync(10)
  page.type({ detail: { value: '头晕' } })
  await page.search()
  slow.answer()
  await first
  expect(page.data.searched).toBe('头晕')
  expect(page.data.sections[0].items.map(({ id }) => id)).toEqual(['dept-1'])
})

test('nothing found is said, with a way on', async () => {
  phone({ answers: answers({ 'GET /organizations': ({ query }) => listed(query.q ? [] : [clinic(1)]) }) })
  const page = await open('find')
  page.type({ detail: { value: '某某某' } })
  await page.search()
  expect(page.data.sections).toEqual([])
  expect(page.data.searched).toBe('某某某')
  await page.clear()
  expect(page.data.searched).toBe('')
  expect(page.data.sections[0].items).toHaveLength(1)
})

test('what was searched for is offered again, the last first, until it is wiped', async () => {
  const device = phone({ answers: answers() })
  const page = await open('find')
  for (const word of ['头晕', '咳嗽', '头晕']) {
    page.type({ detail: { value: word } })
    await page.search()
  }
  expect(page.data.recent).toEqual(['头晕', '咳嗽'])
  page.forget()
  expect(page.data.recent).toEqual([])
  expect(device.kept['recent-searches']).toBe(undefined)
})

test('who leaves this phone leaves no words and no place on it', async () => {
  const device = phone({ answers: answers(), replies: { getFuzzyLocation: { latitude: 28.4, longitude: 118.2 } } })
  const page = await open('find')
  await page.locate()
  page.type({ detail: { value: '头晕' } })
  await page.search()
  mp('utils/session').leave()
  expect(device.kept).toEqual({})
  expect(mp('utils/place').current()).toBe('')
})

test('the next page is added below, once for two taps', async () => {
  const device = phone({ answers: answers({ 'GET /organizations': ({ query }) => (query.cursor ? listed([clinic(3)]) : listed([clinic(1)], 'page-2')) }) })
  const page = await open('find')
  await Promise.all([page.more(tap({ kind: 'organizations' })), page.more(tap({ kind: 'organizations' }))])
  expect(page.data.sections[0].items.map(({ id }) => id)).toEqual(['org-1', 'org-3'])
  expect(page.data.sections[0].done).toBe(true)
  expect(organizations(device.requests).filter(({ query }) => query.cursor)).toHaveLength(1)
})

test('a page that does not come leaves what is there', async () => {
  const device = phone({ answers: answers({ 'GET /organizations': ({ query }) => (query.cursor ? problem(409, 'conflict') : listed([clinic(1)], 'page-2')) }) })
  const page = await open('find')
  await page.more(tap({ kind: 'organizations' }))
  expect(page.data.sections[0].items).toHaveLength(1)
  expect(page.data.adding).toBe('')
  expect(device.called('showToast')).toHaveLength(1)
})

test('what can be booked first: near, free, and leading to its day', async () => {
  const device = phone({ answers: answers(), storage: { mode: { elder: true, size: 1 } }, replies: { getFuzzyLocation: { latitude: 28.4, longitude: 118.2 } } })
  const page = await open('find')
  await page.locate()
  page.type({ detail: { value: '头晕' } })
  await page.search()
  expect(device.requests.find(({ path }) => path === '/schedules').query).toMatchObject({ q: '头晕', free: 'true', near: '28.400,118.200', within_km: '15' })
  expect(page.data.sections[0].kind).toBe('schedules')
  expect(page.data.sections[0].items[0]).toMatchObject({
    note: '第1村卫生室 · 全科诊室 · 何书笙 主治医师', treats: '普通号 · 6.00 元 · 约 8.7 公里', places: '仅剩 2 个号',
    url: '/pages/doctor/doctor?id=doc-1&department=dept-1&on=2026-11-23',
  })
})

test('a tier is asked of the service', async () => {
  const device = phone({ answers: answers() })
  const page = await open('find')
  await page.pickTier({ detail: { value: 'village' } })
  expect(organizations(device.requests).pop().query.tier).toBe('village')
})

test('doctors come with every place where they work', async () => {
  phone({ answers: answers() })
  const page = await open('find')
  await page.pickKind({ detail: { value: 'practitioners' } })
  expect(page.data.sections[0].items[0].note).toBe('县医院 心内科；卫生院 全科（定期坐诊）')
})

test('a problem is shown, and another try mends it', async () => {
  let broken = true
  phone({ answers: answers({ 'GET /organizations': () => (broken ? problem(422, 'malformed') : listed([clinic(1)])) }) })
  const page = await open('find')
  expect(page.data.problem.code).toBe('malformed')
  broken = false
  await page.retry()
  expect(page.data.problem).toBe(null)
  expect(page.data.sections[0].items).toHaveLength(1)
})
