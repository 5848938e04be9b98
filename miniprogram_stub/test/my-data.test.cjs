const { phone, open, problem, tap } = require('./phone.cjs')

const DEVICES = { items: [
  { id: 's-1', device: 'HUAWEI P60', created_at: '2026-11-20T04:00:00Z', last_seen_at: '2026-11-22T04:00:00Z', current: true },
  { id: 's-2', device: '', created_at: '2026-11-01T04:00:00Z', last_seen_at: '2026-11-21T04:00:00Z', current: false },
] }
const PATIENTS = { items: [
  { id: 'p-1', state: 'active', scope: 'manage', name: '王*兰' },
  { id: 'p-2', state: 'active', scope: 'book', name: '李*' },
  { id: 'p-3', state: 'requested', scope: 'book', name: '赵*' },
] }
const access = (id, at, facts) => Object.assign({ id, at, who: 'carer', relation: 'child', action: 'patient.shown', words: '看了就诊人资料' }, facts)
const READS = { items: [
  access('e-3', '2026-11-22T04:20:00Z'), access('e-2', '2026-11-22T04:10:00Z'),
  access('e-1', '2026-11-21T04:00:00Z', { who: 'staff', relation: null }),
], next: 'more' }
const CONSENTS = {
  agreement: { version: '2026-11', agreed_version: '2026-11', granted: true, at: '2026-11-22T04:00:00Z' },
  items: [{ id: 'c-1', purpose: 'identity', patient: { id: 'p-1', name: '王*兰' }, version: '2026-11', granted: true, at: '2026-11-22T04:00:00Z' }],
  next: null,
}
const DELETION = { possible: true, people: [{ patient: { id: 'p-1', name: '王*兰' }, fate: 'erased', appointment_ids: [] }] }
const BLOCKED = { possible: false, people: [{ patient: { id: 'p-1', name: '王*兰' }, fate: 'shared', appointment_ids: ['a-1'] }] }

const answers = (more) => Object.assign({
  'GET /me/devices': DEVICES,
  'DELETE /me/devices': { status: 204 },
  'DELETE /me/devices/s-1': { status: 204 },
  'DELETE /me/devices/s-2': { status: 204 },
  'GET /patients': PATIENTS,
  'GET /patients/p-1/accesses': ({ query }) => (query.cursor
    ? { items: [access('e-0', '2026-11-21T03:00:00Z', { who: 'staff', relation: null })], next: null }
    : READS),
  'GET /me/consents': CONSENTS,
  'POST /me/consents': { status: 201, data: {} },
  'POST /me/export': { account: [] },
  'GET /me/deletion': DELETION,
  'POST /me/deletion': { status: 204 },
}, more)
const yes = { showModal: { confirm: true } }
const no = { showModal: { confirm: false } }
const sent = (device, method, path) => device.requests.filter((request) => request.method === method && request.path.startsWith(path))

describe('the entries', () => {
  test('ask nothing of the service; an unknown part is the entries', async () => {
    const device = phone({ answers: answers() })
    const { data } = await open('my-data', { part: 'everything' })
    expect([data.part, data.loading, data.problem]).toEqual(['', false, null])
    expect(device.requests).toEqual([])
  })

  test('without an agreement the way to it is shown', async () => {
    phone({ answers: answers(), storage: { 'privacy-agreed': '' } })
    const { data } = await open('my-data')
    expect(data.problem.code).toBe('privacy-needed')
  })
})

describe('where the account is logged in', () => {
  test('this phone is named, and one without a name has words', async () => {
    phone({ answers: answers() })
    const { data } = await open('my-data', { part: 'devices' })
    expect(data.devices.map(({ name, current }) => [name, current])).toEqual([['HUAWEI P60', true], ['没有名字的手机', false]])
    expect(data.others).toBe(1)
  })

  test('another is ended after a question, and the list is fetched again', async () => {
    const refused = phone({ answers: answers(), replies: no })
    const page = await open('my-data', { part: 'devices' })
    page.endDevice(tap({ id: 's-2', name: 'x', current: false }))
    expect(sent(refused, 'DELETE', '/')).toEqual([])
    const device = phone({ answers: answers(), replies: yes })
    const again = await open('my-data', { part: 'devices' })
    again.endDevice(tap({ id: 's-2', name: 'x', current: false }))
    await vi.waitFor(() => expect(sent(device, 'GET', '/me/devices')).toHaveLength(2))
    expect(device.kept.token).toBe('token')
  })

  test('ending this one forgets the account on this phone', async () => {
    const device = phone({ answers: answers(), replies: yes })
    const page = await open('my-data', { part: 'devices' })
    page.endDevice(tap({ id: 's-1', name: 'x', current: true }))
    await vi.waitFor(() => expect(device.called('reLaunch')[0].url).toBe('/pages/home/home'))
    expect([device.kept.token, device.kept['privacy-agreed']]).toEqual([undefined, undefined])
  })
})

describe('who read a record', () => {
  test('only of people whom one manages; the same done again is said once', async () => {
    const device = phone({ answers: answers() })
    const page = await open('my-data', { part: 'reads' })
    expect(page.data.people).toEqual([{ value: 'p-1', text: '王*兰' }])
    expect(page.data.rows.map(({ who, times, when }) => [who, times, when])).toEqual([
      ['家人（子女）', 2, '12:10–12:20'], ['医院工作人员', 1, '12:00'],
    ])
    await page.more()
    expect(page.data.rows.map(({ times }) => times)).toEqual([2, 2])
    expect(page.data.done).toBe(true)
    await page.toggleEveryone()
    expect(sent(device, 'GET', '/patients/p-1/accesses').map(({ query }) => query.everyone)).toEqual(['false', 'false', 'true'])
  })

  test('without anybody to manage there is nothing to ask', async () => {
    const device = phone({ answers: answers({ 'GET /patients': { items: PATIENTS.items.slice(1) } }) })
    const { data } = await open('my-data', { part: 'reads' })
    expect(data.people).toEqual([])
    expect(sent(device, 'GET', '/patients/')).toEqual([])
  })
})

describe('what I agreed to', () => {
  test('is listed in words', async () => {
    phone({ answers: answers() })
    const { data } = await open('my-data', { part: 'consents' })
    expect(data.agreement.granted).toBe(true)
    expect(data.decisions.map(({ what, whom, answer }) => [what, whom, answer])).toEqual([['保存实名信息', '（王*兰）', '同意']])
  })

  test('taken back, the service knows first and the phone forgets then', async () => {
    const device = phone({ answers: answers(), replies: yes })
    const page = await open('my-data', { part: 'consents' })
    page.withdraw()
    await vi.waitFor(() => expect(device.called('reLaunch')).toHaveLength(1))
    expect(sent(device, 'POST', '/me/consents')[0].body).toEqual({ version: '2026-11', granted: false })
    expect(device.kept['privacy-agreed']).toBe(undefined)
  })

  test('not taken back when the service did not hear it', async () => {
    const device = phone({ answers: answers({ 'POST /me/consents': problem(409, 'conflict') }), replies: yes })
    const page = await open('my-data', { part: 'consents' })
    page.withdraw()
    await vi.waitFor(() => expect(device.called('showToast')).toHaveLength(1))
    expect(device.kept['privacy-agreed']).toBe('test')
    expect(page.data.saving).toBe(false)
  })
})

describe('all of it, as a file', () => {
  const folder = (files) => ({ writeFile: ({ filePath, data, success }) => { files[filePath] = data; success({}) } })

  test('is made with a fresh word of WeChat, once, and then sent', async () => {
    const files = {}
    const device = phone({ answers: answers(), known: { env: { USER_DATA_PATH: 'usr' }, getFileSystemManager: () => folder(files) } })
    const page = await open('my-data', { part: 'export' })
    await Promise.all([page.makeFile(), page.makeFile()])
    expect(sent(device, 'POST', '/me/export').map(({ body }) => body)).toEqual([{ code: 'code' }])
    expect(JSON.parse(files['usr/export.json'])).toEqual({ account: [] })
    page.sendFile()
    expect(device.called('shareFileMessage')[0].filePath).toBe('usr/export.json')
  })

  test('more than three a day: come back tomorrow', async () => {
    phone({ answers: answers({ 'POST /me/export': problem(429, 'throttled', { retry_after_s: 86400 }) }) })
    const page = await open('my-data', { part: 'export' })
    await page.makeFile()
    expect(page.data.fault).toBe('一天只能导出三次，请明天再来。')
    expect(page.data.written).toBe('')
  })
})

describe('deleting the account', () => {
  test('what becomes of everybody is said first; nothing goes without understanding and a last question', async () => {
    const device = phone({ answers: answers(), replies: no })
    const page = await open('my-data', { part: 'delete' })
    expect(page.data.deletion.people[0].fate).toBe('姓名、证件、手机号都会删除。')
    expect(page.data.understood).toBe(false)
    page.askDeletion()
    expect(sent(device, 'POST', '/')).toEqual([])
  })

  test('done, the phone forgets', async () => {
    const device = phone({ answers: answers(), replies: yes })
    const page = await open('my-data', { part: 'delete' })
    page.understand()
    page.askDeletion()
    await vi.waitFor(() => expect(device.called('reLaunch')).toHaveLength(1))
    expect(sent(device, 'POST', '/me/deletion').map(({ body }) => body)).toEqual([{ code: 'code' }])
    expect(device.kept.token).toBe(undefined)
  })

  test('an appointment that nobody could look after comes first', async () => {
    const device = phone({ answers: answers({ 'GET /me/deletion': BLOCKED }) })
    const page = await open('my-data', { part: 'delete' })
    expect([page.data.deletion.possible, page.data.deletion.people[0].blocked]).toEqual([false, 1])
    page.openAppointment(tap({ id: 'a-1' }))
    expect(device.called('navigateTo')[0].url).toBe('/pages/appointment/appointment?id=a-1')
    await page.onShow()
    expect(sent(device, 'GET', '/me/deletion')).toHaveLength(2)
  })

  test('booked meanwhile: said, and shown anew', async () => {
    const device = phone({ answers: answers({ 'POST /me/deletion': problem(409, 'has-appointments') }), replies: yes })
    const page = await open('my-data', { part: 'delete' })
    page.understand()
    page.askDeletion()
    await vi.waitFor(() => expect(page.data.fault).toBe('详情 has-appointments'))
    expect(sent(device, 'GET', '/me/deletion')).toHaveLength(2)
    expect([device.kept.token, page.data.understood]).toEqual(['token', false])
  })
})
