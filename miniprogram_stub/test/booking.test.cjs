const { phone, open, problem, tap } = require('./phone.cjs')

const CLINIC = {
  organization: { id: 'o1', name: '县医院' }, tier: 'county', department: { id: 'd1', name: '骨科' },
  location: '二楼', practitioner: { id: 'p1', name: '韩嘉舒', title: '主任医师' }, distance_km: null,
}
const SCHEDULE = {
  id: 's1', clinic: CLINIC, held_on: '2026-11-23', period: 'am',
  kind: 'expert', starts_at: '2026-11-23T00:00:00Z', ends_at: '2026-11-23T03:00:00Z', capacity: 4, free: 2,
  state: 'open', opens_at: '2026-11-15T23:00:00Z', fee_fen: 2300, fee: '23.00 元', rules: '前一天 17:00 前可以取消。爽约 3 次不能约。',
}
const slot = (id, state, hour) => ({
  id, state, free: state === 'open' ? 1 : 0, capacity: 1,
  starts_at: `2026-11-23T0${hour}:00:00Z`, ends_at: `2026-11-23T0${hour}:30:00Z`,
})
const GRANNY = { id: 'g', state: 'active', name: '王*兰', relation: 'self', scope: 'manage', is_default: false }
const CHILD = { id: 'c', state: 'active', name: '王*宝', relation: 'grandchild', scope: 'book', is_default: true }
const ASKED = { id: 'a', state: 'requested', name: '李*', relation: 'parent', scope: 'book', is_default: false }
const LOOKED = { id: 'l', state: 'active', name: '赵*', relation: 'other', scope: 'view', is_default: false }

const appointment = (facts) => ({
  id: 'x1', status: 'booked', patient: { id: 'g', name: '王*兰' }, organization: CLINIC.organization, tier: 'county',
  address: '城关镇', phone: '0500-1', department: CLINIC.department, location: '二楼', practitioner: CLINIC.practitioner,
  kind: 'expert', schedule_id: 's1', slot_id: 't1', held_on: '2026-11-23', period: 'am',
  starts_at: '2026-11-23T00:00:00Z', ends_at: '2026-11-23T00:30:00Z', fee_fen: 2300, fee: '23.00 元', held_until: null,
  created_at: '2026-11-22T04:00:00Z', cancelled_by: null, reason: '',
  cancelling: { possible: true, free_until: '2026-11-22T09:00:00Z', late: false, consequence: '现在取消不算爽约。' },
  ...facts,
})
const HELD = appointment({ status: 'pending', held_until: '2026-11-22T04:10:00Z' })
const TEMPLATES = { items: [{ purpose: 'visit', title: '就诊提醒', template_id: 'T1', remaining: 2, answer: null }] }

const answers = (more) => ({
  'GET /schedules/s1': SCHEDULE,
  'GET /slots': { items: [slot('t1', 'open', 0), slot('t2', 'open', 1), slot('t3', 'full', 2)] },
  'GET /patients': { items: [GRANNY, CHILD, ASKED, LOOKED] },
  'GET /me/subscriptions': TEMPLATES,
  'POST /me/subscriptions': { items: [{ ...TEMPLATES.items[0], remaining: 3 }] },
  'POST /appointments': HELD,
  'POST /appointments/x1/confirm': appointment(),
  'POST /appointments/x1/cancel': appointment({ status: 'cancelled', cancelled_by: 'patient' }),
  ...more,
})
const start = (more, options = {}) => {
  const found = phone({ answers: answers(more), ...options })
  wx.requestSubscribeMessage = (asked) => {
    found.calls.push(['requestSubscribeMessage', asked])
    asked.complete(options.subscribed || { T1: 'accept' })
  }
  return found
}
const posts = ({ requests }) => requests.filter(({ method }) => method === 'POST').map(({ path }) => path)
const confirmPage = () => open('confirm', { schedule: 's1', slot: 't1' })

/** Runs what was begun, without any real waiting. */
async function settle(promise) {
  await vi.advanceTimersByTimeAsync(6000)
  return promise
}

beforeEach(() => vi.useFakeTimers({ now: new Date('2026-11-22T04:00:00Z') }))
afterEach(() => vi.useRealTimers())

describe('before the tap', () => {
  test('fee, rules and the default person are there; nobody who can not be booked for', async () => {
    start()
    const page = await confirmPage()
    expect(page.data.shift).toMatchObject({ fee: '23.00 元', points: ['前一天 17:00 前可以取消。', '爽约 3 次不能约。'] })
    expect(page.data.who).toBe('王*宝')
    expect(page.data.people.filter(({ able }) => able).map(({ id }) => id)).toEqual(['g', 'c'])
    expect(page.data.prompts.text).toContain('2 条')
  })

  test('another person is chosen instead, or with "many" besides', async () => {
    start()
    const page = await confirmPage()
    page.choose(tap({ id: 'g' }))
    expect(page.data.who).toBe('王*兰')
    page.toggleMany()
    page.choose(tap({ id: 'c' }))
    expect(page.data).toMatchObject({ who: '王*兰、王*宝', count: 2 })
    page.choose(tap({ id: 'c' }))
    page.choose(tap({ id: 'g' }))
    expect(page.data.count).toBe(1) // never nobody
  })

  test('a time that is gone says so and offers those that are left', async () => {
    start()
    const page = await open('confirm', { schedule: 's1', slot: 't3' })
    expect(page.data.slot.open).toBe(false)
    expect(page.data.others.map(({ id }) => id)).toEqual(['t1', 't2'])
    await page.chooseTime(tap({ id: 't2' }))
    expect(page.data.slot).toMatchObject({ id: 't2', open: true })
  })

  test('what can not be loaded does not hide behind a skeleton', async () => {
    start({ 'GET /patients': problem(500, 'internal') })
    const page = await confirmPage()
    expect(page.data).toMatchObject({ loading: false, problem: { code: 'internal' } })
  })

  test('reminders that can not be asked about never stand in the way', async () => {
    start({ 'GET /me/subscriptions': problem(500, 'internal') })
    const page = await confirmPage()
    expect(page.data.problem).toBe(null)
    page.hold()
    await settle()
    await settle(page.confirm())
    expect(page.data.step).toBe('done')
  })
})

describe('hold and confirm', () => {
  test('the place is held first, confirmed after, and reminders are asked for on that tap', async () => {
    const found = start()
    const page = await confirmPage()
    await page.hold()
    expect(page.data).toMatchObject({ step: 'held', until: '12:10', left: '10分00秒' })
    expect(found.called('requestSubscribeMessage')).toHaveLength(0)
    await vi.advanceTimersByTimeAsync(61000)
    expect(page.data.left).toBe('8分59秒')
    await page.confirm()
    expect(found.called('requestSubscribeMessage')).toHaveLength(1)
    await vi.runAllTimersAsync()
    expect(page.data).toMatchObject({ step: 'done', reminders: '现在还能收到 3 条微信提醒。' })
    expect(posts(found)).toEqual(['/appointments', '/me/subscriptions', '/appointments/x1/confirm'])
  })

  test('the second tap of a double tap, also a slow one, confirms nothing', async () => {
    start()
    const page = await confirmPage()
    await page.hold()
    expect(page.data).toMatchObject({ step: 'held', busy: false, fresh: true })
    await vi.advanceTimersByTimeAsync(900)
    expect(page.data.fresh).toBe(true)
    await vi.advanceTimersByTimeAsync(200)
    expect(page.data.fresh).toBe(false)
  })

  test('pulled down, what is free is asked for anew; what is held stays', async () => {
    const found = start()
    const page = await confirmPage()
    const asked = () => found.requests.filter(({ path }) => path === '/slots').length
    const before = asked()
    await page.onPullDownRefresh()
    expect(asked()).toBe(before + 1)
    await page.hold()
    await page.onPullDownRefresh()
    expect([asked(), page.data.step]).toEqual([before + 1, 'held'])
    expect(found.called('stopPullDownRefresh')).toHaveLength(2)
    page.onUnload()
  })

  test('a double tap holds once', async () => {
    const found = start()
    const page = await confirmPage()
    await Promise.all([page.hold(), page.hold(), page.hold()])
    expect(posts(found)).toEqual(['/appointments'])
  })

  test('a double tap confirms and asks once', async () => {
    const found = start()
    const page = await confirmPage()
    await page.hold()
    await Promise.all([page.confirm(), page.confirm()])
    expect(posts(found).filter((path) => path.endsWith('confirm'))).toHaveLength(1)
    expect(found.called('requestSubscribeMessage')).toHaveLength(1)
  })

  test('the tap that is tried again asks no second time', async () => {
    let online = false
    const found = start({ 'POST /appointments/x1/confirm': () => (online ? appointment() : 'offline') })
    const page = await confirmPage()
    await page.hold()
    page.confirm()
    await settle()
    expect(page.data.refusal.again).toBe(true)
    online = true
    await page.confirm()
    expect(page.data.step).toBe('done')
    expect(found.called('requestSubscribeMessage')).toHaveLength(1)
  })

  test('no to reminders books all the same, and nothing is reported when WeChat refused to ask', async () => {
    const found = start({}, { subscribed: { errMsg: 'requestSubscribeMessage:fail', errCode: 20004 } })
    const page = await confirmPage()
    await page.hold()
    await page.confirm()
    expect(page.data.step).toBe('done')
    expect(posts(found)).not.toContain('/me/subscriptions')
  })

  test('the time runs out by the service\'s clock, not the phone\'s', async () => {
    vi.setSystemTime(new Date('2026-11-22T07:00:00Z')) // three hours fast
    start()
    const page = await confirmPage()
    await page.hold()
    expect(page.data.left).toBe('10分00秒')
    await vi.advanceTimersByTimeAsync(601000)
    expect(page.data).toMatchObject({ step: 'choose', refusal: { title: '保留时间已过' } })
  })

  test.each([
    [1, 'redirectTo', '/pages/appointment/appointment?id=x1'],
    [2, 'switchTab', '/pages/appointments/appointments'],
  ])('what %i held on this phone and given back on another leads to how it is', async (most, way, url) => {
    const items = Array.from({ length: most }, (_, index) => ({ ...HELD, id: `x${index + 1}` }))
    const { called } = start({ 'POST /appointments/x1/confirm': problem(409, 'not-possible-now') })
    const page = await confirmPage()
    page.keep(items)
    await page.confirm()
    page.goOn()
    expect(called(way)).toEqual([{ url }])
  })

  test('giving it back cancels the hold', async () => {
    const found = start()
    const page = await confirmPage()
    await page.hold()
    await page.release()
    expect(posts(found)).toEqual(['/appointments', '/appointments/x1/cancel'])
    expect(page.data.step).toBe('choose')
  })

  test('a family is booked as a whole, and its refusal names the person', async () => {
    const found = start({ 'POST /appointments/family': problem(409, 'day-limit', { index: 1 }) })
    const page = await confirmPage()
    page.toggleMany()
    page.choose(tap({ id: 'g' }))
    await page.hold()
    const [{ body }] = found.requests.filter(({ path }) => path === '/appointments/family')
    expect(body).toEqual({ confirm: false, bookings: [{ slot_id: 't1', patient_id: 'c' }, { slot_id: 't1', patient_id: 'g' }] })
    expect(page.data.refusal.text).toMatch(/^王\*宝：/)
    expect(page.data.refusal.way.to).toBe('/pages/appointments/appointments')
  })

  test.each([['confirm', 'done'], ['release', 'choose']])('of a family, what was done is not done again: %s', async (deed, step) => {
    const verb = deed === 'confirm' ? 'confirm' : 'cancel'
    const tries = { x1: 0, x2: 0 }
    const once = (id) => () => {
      tries[id] += 1
      if (tries[id] > 1) return problem(409, 'not-possible-now')
      return appointment({ id, status: verb === 'confirm' ? 'booked' : 'cancelled' })
    }
    let online = false
    const found = start({
      'POST /appointments/family': { items: [HELD, { ...HELD, id: 'x2' }] },
      [`POST /appointments/x1/${verb}`]: once('x1'),
      [`POST /appointments/x2/${verb}`]: () => (online ? once('x2')() : 'offline'),
    })
    const page = await confirmPage()
    page.toggleMany()
    page.choose(tap({ id: 'g' }))
    await page.hold()
    page[deed]()
    await settle()
    expect(page.data).toMatchObject({ step: 'held', refusal: { again: true } })
    online = true
    page[deed]()
    await settle()
    expect([page.data.step, tries]).toEqual([step, { x1: 1, x2: 1 }])
    expect(found.called('requestSubscribeMessage').length).toBeLessThanOrEqual(1)
    page.onUnload()
  })

  test('elder mode books with one tap', async () => {
    const found = start({ 'POST /appointments': appointment() }, { storage: { mode: { elder: true, size: 1 } } })
    const page = await confirmPage()
    await page.bookNow()
    expect(found.requests.find(({ path }) => path === '/appointments').body).toMatchObject({ confirm: true })
    expect(page.data.step).toBe('done')
  })
})

describe('refused', () => {
  test.each([
    ['slot-full', 409, 'times'],
    ['booking-closed', 409, 'times'],
    ['department-limit', 409, '/pages/appointments/appointments'],
    ['expert-restricted', 403, 'department'],
    ['not-found', 404, 'reload'],
    ['busy', 503, 'again'],
    ['internal', 500, 'again'],
  ])('%s has its way on', async (code, status, to) => {
    start({ 'POST /appointments': problem(status, code, { retry_after_s: status === 503 ? 30 : undefined }) })
    const page = await confirmPage()
    page.hold()
    await settle()
    expect(page.data.refusal.way.to).toBe(to)
    expect(page.data.refusal.text).toContain(`详情 ${code}`)
    expect(page.data.busy).toBe(false)
  })

  test('already booked leads to that appointment', async () => {
    const { called } = start({ 'POST /appointments': problem(409, 'already-booked', { appointment_id: 'x9' }) })
    const page = await confirmPage()
    await page.hold()
    page.goOn()
    expect(called('redirectTo')).toEqual([{ url: '/pages/appointment/appointment?id=x9' }])
  })

  test('full: what is still free is looked up again', async () => {
    const found = start({ 'POST /appointments': problem(409, 'slot-full') })
    const page = await confirmPage()
    const before = found.requests.filter(({ path }) => path === '/slots').length
    await page.hold()
    expect(found.requests.filter(({ path }) => path === '/slots')).toHaveLength(before + 1)
    expect(page.data.refusal).not.toBe(null)
    expect(page.data.slot.open).toBe(false) // though the list still says so
    expect(page.data.others.map(({ id }) => id)).toEqual(['t2'])
  })

  test('too often: the button waits as long as the service says', async () => {
    start({ 'POST /appointments': problem(429, 'throttled', { retry_after_s: 20 }) })
    const page = await confirmPage()
    await page.hold()
    expect(page.data.wait).toBe(20)
    await vi.advanceTimersByTimeAsync(20000)
    expect(page.data.wait).toBe(0)
  })

  test('offline, then tried again: the same key, one booking', async () => {
    let online = false
    const found = start({ 'POST /appointments': () => (online ? HELD : 'offline') })
    const page = await confirmPage()
    page.hold()
    await settle()
    expect(page.data.refusal).toMatchObject({ title: '连不上服务', again: true })
    online = true
    await page.hold()
    expect(page.data.step).toBe('held')
    expect(new Set(found.requests.filter(({ path }) => path === '/appointments').map(({ key }) => key)).size).toBe(1)
  })

  test('a fault of ours is not dressed up as the service\'s', async () => {
    start({ 'POST /appointments': { status: 201, data: null } })
    const page = await confirmPage()
    await expect(page.hold()).rejects.toThrow(TypeError)
  })
})

describe('an appointment', () => {
  const one = (facts) => ({ 'GET /appointments/x1': appointment(facts) })

  test('what cancelling means is asked for anew before it is said', async () => {
    let late = false
    const found = start({
      'GET /appointments/x1': () => appointment({
        cancelling: { possible: true, free_until: '2026-11-22T09:00:00Z', late, consequence: late ? '会记一次爽约' : '不算爽约' },
      }),
    })
    const page = await open('appointment', { id: 'x1' })
    late = true
    await page.askCancel()
    expect(page.data).toMatchObject({ asking: true, cancelling: { late: true, consequence: '会记一次爽约' } })
    page.chooseReason(tap({ reason: '好多了' }))
    await page.cancel()
    expect(found.requests.find(({ path }) => path.endsWith('cancel')).body).toEqual({ reason: '好多了' })
    expect(page.data.visit.status).toBe('已取消')
  })

  test.each([
    ['in time', { status: 'booked' }, '2026-11-22T08:59:00Z', true],
    ['too late', { status: 'booked' }, '2026-11-22T09:01:00Z', false],
    ['only held', { status: 'pending', held_until: '2026-11-22T09:30:00Z' }, '2026-11-22T08:00:00Z', false],
  ])('may be moved: %s', async (_, facts, now, may) => {
    vi.setSystemTime(new Date(now))
    start(one(facts))
    const page = await open('appointment', { id: 'x1' })
    expect(page.data.canMove).toBe(may)
    page.onUnload()
  })

  test('one that is held can be confirmed here', async () => {
    const found = start({ 'GET /appointments/x1': HELD })
    const page = await open('appointment', { id: 'x1' })
    expect(page.data).toMatchObject({ until: '12:10', left: '10分00秒' })
    expect(page.data.prompts.text).toContain('现在还能收到 2 条微信提醒')
    await page.confirm()
    await vi.advanceTimersByTimeAsync(0)
    expect(page.data.reminders).toBe('现在还能收到 3 条微信提醒。')
    expect(page.data.visit.status).toBe('已预约')
    expect(found.called('requestSubscribeMessage')).toHaveLength(1)
  })

  test('into the calendar goes where and when, not why', async () => {
    const { called } = start(one())
    const page = await open('appointment', { id: 'x1' })
    page.addToCalendar()
    const [entry] = called('addPhoneCalendar')
    expect(entry).toMatchObject({ title: '就诊：县医院', startTime: 1795392000 })
    expect(JSON.stringify(entry)).not.toMatch(/骨科|王/)
  })

  test('papers are links for a short time', async () => {
    const { called } = start({ ...one(), 'GET /appointments/x1/links': { slip: 'http://s', ics: 'http://i', expires_at: '2026-11-22T04:10:00Z' } })
    const page = await open('appointment', { id: 'x1' })
    await page.showPapers()
    expect(page.data.papers.until).toBe('12:10')
    page.copyLink(tap({ what: 'ics' }))
    expect(called('setClipboardData')).toEqual([{ data: 'http://i' }])
  })

  test('cancelled meanwhile: says so and shows how it is', async () => {
    start({ ...one(), 'POST /appointments/x1/cancel': problem(409, 'not-possible-now', { state: 'cancelled' }) })
    const page = await open('appointment', { id: 'x1' })
    await page.askCancel()
    await page.cancel()
    expect(page.data.refusal.way.to).toBe('reload')
  })
})

describe('the lists', () => {
  const later = appointment({ id: 'later', starts_at: '2026-11-30T00:00:00Z' })
  const old = (id) => appointment({ id, status: 'fulfilled', starts_at: '2026-10-01T00:00:00Z' })
  const listed = (pages) => ({ 'GET /appointments': ({ query }) => pages[query.cursor || query.status || ''] })

  test('earlier ones are what is not to come; pages without any are passed over', async () => {
    start(listed({
      upcoming: { items: [later], next: null },
      '': { items: [later], next: 'two' },
      two: { items: [old('o1')], next: 'three' },
      three: { items: [old('o2')], next: null },
    }))
    const page = await open('appointments')
    expect(page.data.items.map(({ id }) => id)).toEqual(['later'])
    await page.switchTo(tap({ past: 'yes' }))
    expect(page.data).toMatchObject({ done: false })
    expect(page.data.items.map(({ id }) => id)).toEqual(['o1'])
    await page.onReachBottom()
    expect(page.data.items.map(({ id }) => id)).toEqual(['o1', 'o2'])
    expect(page.data.done).toBe(true)
  })

  test('of one kind', async () => {
    const found = start(listed({ upcoming: { items: [], next: null }, '': { items: [], next: null }, no_show: { items: [old('n')], next: null } }))
    const page = await open('appointments')
    await page.switchTo(tap({ past: 'yes' }))
    await page.chooseKind(tap({}, { value: 'no_show' }))
    expect(found.requests.filter(({ path }) => path === '/appointments').pop().query.status).toBe('no_show')
    expect(page.data.items.map(({ id }) => id)).toEqual(['n'])
  })

  test('of one person', async () => {
    const found = start(listed({ upcoming: { items: [], next: null } }))
    const page = await open('appointments')
    await page.choosePerson(tap({ id: 'g', name: '王*兰' }))
    expect(found.requests.filter(({ path }) => path === '/appointments').pop().query).toMatchObject({ patient: 'g' })
  })

  test('an answer that comes after another tab was chosen is not shown', async () => {
    let release
    start({
      'GET /appointments': ({ query }) => (query.status
        ? new Promise((go) => { release = () => go({ items: [later], next: null }) })
        : { items: [old('o1')], next: null }),
    })
    const opening = open('appointments')
    await vi.advanceTimersByTimeAsync(1)
    const page = await Promise.race([opening, Promise.resolve(null)])
    expect(page).toBe(null) // still loading
    release()
    const opened = await opening
    const slow = opened.load()
    await vi.advanceTimersByTimeAsync(1)
    await opened.switchTo(tap({ past: 'yes' }))
    release()
    await slow
    expect(opened.data.items.map(({ id }) => id)).toEqual(['o1'])
  })
})

describe('moving', () => {
  const moving = (more) => start({ 'GET /appointments/x1': appointment(), 'POST /appointments/x1/reschedule': appointment({ slot_id: 't2' }), ...more })

  test('says what changes, then does it, then goes back', async () => {
    const found = moving({ 'GET /schedules/s1': { ...SCHEDULE, fee: '30.00 元' } })
    const page = await open('move', { id: 'x1' })
    expect(page.data).toMatchObject({ query: { department: 'd1', practitioner: 'p1' }, mine: 't1', on: '2026-11-23' })
    await page.pick(tap({}, { schedule: 's1', slot: 't2' }))
    expect(page.data.wanted).toMatchObject({ span: '09:00–09:30', dearer: true })
    expect(posts(found)).toEqual([])
    await Promise.all([page.confirm(), page.confirm()])
    expect(posts(found)).toEqual(['/appointments/x1/reschedule'])
    expect(found.called('navigateBack')).toHaveLength(1)
  })

  test.each([['moves-limit', 'back'], ['slot-full', 'times'], ['too-late-to-move', 'back']])('%s has its way on', async (code, to) => {
    moving({ 'POST /appointments/x1/reschedule': problem(409, code) })
    const page = await open('move', { id: 'x1' })
    await page.pick(tap({}, { schedule: 's1', slot: 't2' }))
    await page.confirm()
    expect(page.data.refusal.way.to).toBe(to)
  })
})

describe('finding a time', () => {
  const department = { id: 'd1', name: '骨科', organization: '县医院', location: '二楼' }
  const SHARED = { clinic_index: 0, rules_index: 0 }
  const listing = (more) => start({
    'GET /departments/d1': department,
    'GET /practitioners': { items: [], next: null },
    'GET /schedules': {
      items: [
        { ...SCHEDULE, id: 's0', held_on: '2026-11-22', state: 'full', free: 0, ...SHARED },
        { ...SCHEDULE, ...SHARED },
        { ...SCHEDULE, id: 's2', held_on: '2026-11-24', ...SHARED },
      ],
      clinics: [CLINIC],
      rules: ['规则。'],
      next: null,
    },
    ...more,
  })

  test('the first day with places is shown first', async () => {
    listing()
    const page = await open('department', { id: 'd1' })
    expect(page.data.day).toBe('2026-11-23')
    expect(page.data.shifts.map(({ id }) => id)).toEqual(['s1'])
    page.chooseDay(tap({}, { value: '2026-11-22' }))
    expect(page.data.shifts.map(({ places }) => places)).toEqual(['约满'])
    expect(page.data.earliest.map(({ id }) => id)).toEqual(['s1', 's2'])
  })

  test('elder mode takes the first free time of the shift', async () => {
    const { called } = listing({ 'GET /slots': { items: [slot('t3', 'full', 2), slot('t1', 'open', 3)] } })
    const page = await open('department', { id: 'd1' })
    await page.take(tap({ schedule: 's1', doctor: 'p1', day: '2026-11-23' }))
    expect(called('navigateTo')).toEqual([{ url: '/pages/confirm/confirm?schedule=s1&slot=t1' }])
  })

  test('and lets choose when none is left', async () => {
    const { called } = listing({ 'GET /slots': { items: [slot('t3', 'full', 2)] } })
    const page = await open('department', { id: 'd1' })
    await page.take(tap({ schedule: 's1', doctor: 'p1', day: '2026-11-23' }))
    expect(called('navigateTo')).toEqual([{ url: '/pages/doctor/doctor?id=p1&department=d1&on=2026-11-23' }])
  })

  test('a doctor of two places is seen at the one that was asked for', async () => {
    start({
      'GET /practitioners/p1': {
        id: 'p1', name: '韩嘉舒', title: '主任医师', good_at: '骨折',
        roles: [
          { organization: '县医院', department_id: 'd1', department: '骨科' },
          { organization: '镇卫生院', department_id: 'd2', department: '外科' },
        ],
      },
    })
    const page = await open('doctor', { id: 'p1', department: 'd2' })
    expect(page.data.query).toEqual({ practitioner: 'p1', department: 'd2' })
    page.choosePlace(tap({ id: 'd1' }))
    expect(page.data.query).toEqual({ practitioner: 'p1', department: 'd1' })
  })
})

describe('the times of a doctor', () => {
  const listed = (id) => ({ items: [{ ...SCHEDULE, id, rules_index: 0 }], rules: ['规则。'], next: null })
  const times = (query) => {
    let definition
    globalThis.Component = (found) => { definition = found }
    require('../mp/components/times/index')
    const view = { data: { ...definition.data, query, alone: false }, ...definition.methods }
    view.setData = (changes) => Object.assign(view.data, changes)
    view.ask = (wanted) => { view.data.query = wanted; definition.observers.query.call(view, wanted) }
    return view
  }

  test('tried again after a failure, they are loading and it does not say that there are none', async () => {
    let broken = true
    start({ 'GET /schedules': () => (broken ? problem(500, 'internal') : listed('s1')) })
    const view = times({ department: 'd1' })
    await view.load()
    expect(view.data).toMatchObject({ loading: false, problem: { code: 'internal' } })
    broken = false
    const again = view.load()
    expect(view.data).toMatchObject({ loading: true, problem: null })
    await again
    expect(view.data.shifts.map(({ id }) => id)).toEqual(['s1'])
  })

  test('at another place nothing of the first is shown, however late its answer is', async () => {
    let release
    const late = new Promise((resolve) => { release = () => resolve(listed('old')) })
    start({ 'GET /schedules': ({ query }) => (query.department === 'd1' ? late : listed('new')) })
    const view = times()
    view.ask({ department: 'd1' })
    view.ask({ department: 'd2' })
    expect(view.data.loading).toBe(true)
    await vi.advanceTimersByTimeAsync(10)
    release()
    await vi.advanceTimersByTimeAsync(10)
    expect([view.data.loading, view.data.shifts.map(({ id }) => id)]).toEqual([false, ['new']])
  })
})
