const { phone, open, problem } = require('./phone.cjs')

const FOUND = {
  id: 'x1', status: 'booked', patient: { id: 'g', name: '王*兰' }, organization: { id: 'o1', name: '县医院' },
  department: { id: 'd1', name: '骨科' }, location: '二楼', practitioner: null, kind: 'general', held_on: '2026-11-23',
  starts_at: '2026-11-23T04:00:00Z', ends_at: '2026-11-23T04:30:00Z', fee: '12.00 元',
}
const PLACE = {
  appointment_id: 'x1', status: 'booked', state: 'expected', number: null, ahead: 0, wait: null, room: '', calls: 0, late: false,
  checkin_opens_at: '2026-11-23T03:00:00Z', checkin_closes_at: '2026-11-23T06:00:00Z', stopped: false,
}
const WAITING = { ...PLACE, status: 'checked_in', state: 'waiting', number: 8, ahead: 3, wait: { least: 20, most: 50 } }
const NOON = Date.parse('2026-11-23T04:00:00Z')

/** A socket that a test speaks through. */
function socket() {
  const heard = {}
  const on = (name) => (listener) => { heard[name] = listener }
  return { heard, closed: 0, onOpen: on('open'), onMessage: on('message'), onClose: on('close'), onError: on('error'), close() { this.closed += 1 } }
}

const settled = async () => { for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve)) }

async function onPage(answers, opened = socket()) {
  const device = phone({
    answers: { 'GET /appointments/x1': FOUND, 'GET /appointments/x1/queue': PLACE, 'POST /queue/tickets': { ticket: 't1' }, ...answers },
    known: { connectSocket: (options) => { opened.url = options.url; return opened } },
    replies: { scanCode: { result: 'JMKQ1.code' } },
  })
  const page = await open('queue', { id: 'x1' })
  await settled()
  return { device, page, opened }
}

beforeEach(() => vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'], now: NOON }))
afterEach(() => vi.useRealTimers())

const words = () => require('../mp/utils/line').words

test('words for each state, to be read from afar', () => {
  phone()
  const say = (facts, now = NOON) => words()({ ...PLACE, ...facts }, now)
  expect(say({}).open).toBe(true)
  expect(say({}, NOON - 2 * 3600000).big).toBe('还不用签到')
  expect(say({}, NOON + 3 * 3600000).big).toBe('已过时间')
  expect(say({ stopped: true }).big).toBe('已停诊')
  expect(say(WAITING)).toMatchObject({ big: '前面 3 人', title: '您是 8 号', text: '大约等 20–50 分钟' })
  expect(say({ ...WAITING, ahead: 0, wait: { least: 0, most: 15 } })).toMatchObject({ big: '下一个是您', text: '大约 15 分钟以内' })
  expect(say({ ...WAITING, late: true }).tone).toContain('来晚了')
  expect(say({ state: 'called', number: 8, room: '3 诊室', calls: 1 })).toMatchObject({ big: '请到 3 诊室', call: true })
  expect(say({ state: 'called', number: 8, calls: 2 }).text).toContain('叫了 2 次')
  for (const state of ['in_room', 'skipped', 'done', 'left', 'over']) expect(say({ state }).big).toBeTruthy()
})

test('a scan checks in, and the socket moves the line', async () => {
  let place = PLACE
  const { device, page, opened } = await onPage({
    'GET /appointments/x1/queue': () => place,
    'POST /appointments/x1/checkin': () => { place = WAITING; return { number: 8, late: false } },
  })
  expect(page.data.words.big).toBe('还没签到')
  expect(opened.url).toBe('wss://jiamenkou.example/api/v1/queue/live?ticket=t1')
  page.scan()
  await settled()
  expect(device.requests.find(({ path }) => path.endsWith('/checkin')).body).toEqual({ code: 'JMKQ1.code' })
  expect(page.data.words.big).toBe('前面 3 人')
  opened.heard.message({ data: JSON.stringify({ ...WAITING, state: 'called', room: '3 诊室', calls: 1 }) })
  expect(page.data.words.big).toBe('请到 3 诊室')
  expect(device.called('vibrateShort').length).toBe(1)
  page.onHide()
  expect(opened.closed).toBe(1)
})

test('without a socket it asks again and again', async () => {
  let ahead = 5
  const { page, opened } = await onPage({ 'GET /appointments/x1/queue': () => ({ ...WAITING, ahead }) })
  opened.heard.close({})
  ahead = 2
  vi.advanceTimersByTime(10000)
  await settled()
  expect(page.data.words).toMatchObject({ big: '前面 2 人', near: true })
  page.onHide()
  ahead = 1
  vi.advanceTimersByTime(60000)
  await settled()
  expect(page.data.words.big).toBe('前面 2 人')
})

test('a code that is refused is said, and one who is in the line already is shown it', async () => {
  let answer = problem(409, 'checkin-code-refused')
  const { page } = await onPage({ 'POST /appointments/x1/checkin': () => answer })
  page.scan()
  await settled()
  expect(page.data.refusal.text).toContain('checkin-code-refused')
  answer = problem(409, 'already-checked-in')
  page.scan()
  await settled()
  expect(page.data.refusal).toBe(null)
})

test("one's own code, and its number to say aloud", async () => {
  const { page } = await onPage({ 'GET /appointments/x1/checkin-code': { code: 'c', number: '12345678', image: 'data:image/png;base64,x', expires_at: '' } })
  await page.showMine()
  expect(page.data.mine.number).toBe('1234 5678')
  await page.closeMine()
  expect(page.data.mine).toBe(null)
})

test('the appointment of today leads here', async () => {
  phone({ answers: { 'GET /appointments/x1': { ...FOUND, address: '', phone: '', cancelling: { possible: false, free_until: FOUND.starts_at }, held_until: null } } })
  const page = await open('appointment', { id: 'x1' })
  await page.onShow()
  expect(page.data.today).toBe(true)
})
