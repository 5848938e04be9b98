const { phone, open, problem, tap } = require('./phone.cjs')

const message = (id, facts) => Object.assign({
  id, kind: 'booked', title: '预约成功', text: '王*兰，11月25日', at: '2026-11-22T04:00:00Z', read: false,
  link: { page: 'pages/appointment/appointment', id: 'a-1' },
}, facts)
const ASKS = message('m-2', { kind: 'carer_asks', title: '有人申请代办', read: true, link: { page: 'pages/patient/patient', id: 'p-1' } })
const DEVICE = message('m-3', { kind: 'device_added', link: { page: 'pages/my-data/my-data', id: 's-1' } })
const ENDED = message('m-4', { kind: 'carer_ended', link: null })

const answers = (more) => Object.assign({
  'GET /inbox': ({ query }) => (query.cursor
    ? { items: [DEVICE, ENDED], next: null, unread: 3 }
    : { items: [message('m-1'), ASKS], next: 'more', unread: 3 }),
  'GET /inbox/unread': { unread: 3 },
  'GET /inbox/m-1': message('m-1'),
  'GET /inbox/m-2': ASKS,
  'GET /inbox/m-3': DEVICE,
  'GET /inbox/m-4': ENDED,
  'PUT /inbox/m-1/read': { status: 204 },
  'PUT /inbox/read': { status: 204 },
}, more)
const sent = (device, method) => device.requests.filter((request) => request.method === method).map(({ path }) => path)

describe('the inbox', () => {
  test('what is new is said by words, not only by colour', async () => {
    phone({ answers: answers() })
    const { data } = await open('inbox')
    expect(data.unread).toBe(3)
    expect(data.items.map(({ read, label }) => [read, label.startsWith('没看过，')])).toEqual([[false, true], [true, false]])
  })

  test('tried again after a failure, it is loading and does not say that there is nothing', async () => {
    let broken = true
    phone({ answers: answers({ 'GET /inbox/unread': () => (broken ? problem(500, 'internal') : { unread: 3 }) }) })
    const page = await open('inbox')
    expect([page.data.loading, page.data.problem.code]).toEqual([false, 'internal'])
    broken = false
    const again = page.load()
    expect([page.data.loading, page.data.problem]).toEqual([true, null])
    await again
    const refreshed = page.load()
    expect([page.data.loading, page.data.items.length]).toEqual([false, 2]) // what is there stays
    await refreshed
  })

  test('more is fetched once, and added', async () => {
    const device = phone({ answers: answers() })
    const page = await open('inbox')
    await Promise.all([page.onReachBottom(), page.onReachBottom()])
    expect(page.data.items.map(({ id }) => id)).toEqual(['m-1', 'm-2', 'm-3', 'm-4'])
    expect(page.data.done).toBe(true)
    await page.onReachBottom()
    expect(device.requests.filter(({ path }) => path === '/inbox')).toHaveLength(2)
  })

  test('back from a message it counts as read, and the list stays', async () => {
    const device = phone({ answers: answers() })
    const page = await open('inbox')
    page.open(tap({ id: 'm-1' }))
    expect(device.called('navigateTo')[0].url).toBe('/pages/message/message?id=m-1')
    page.onShow()
    page.onShow()
    expect([page.data.items[0].read, page.data.unread]).toEqual([true, 2])
    expect(device.requests.filter(({ path }) => path === '/inbox')).toHaveLength(1)
  })

  test('all at once; a refusal leaves them unread and says why', async () => {
    const device = phone({ answers: answers() })
    const page = await open('inbox')
    await page.readAll()
    expect([page.data.unread, page.data.items.every(({ read }) => read)]).toEqual([0, true])
    expect(sent(device, 'PUT')).toEqual(['/inbox/read'])
    const other = phone({ answers: answers({ 'PUT /inbox/read': problem(503, 'busy') }) })
    const again = await open('inbox')
    await again.readAll()
    expect(again.data.unread).toBe(3)
    expect(other.called('showToast')[0].title).toBe('详情 busy')
  })

  test('without an agreement the way to it is shown', async () => {
    const device = phone({ answers: answers(), storage: { 'privacy-agreed': '' } })
    const { data } = await open('inbox')
    expect(data.problem.code).toBe('privacy-needed')
    expect(device.requests).toEqual([])
  })
})

describe('one message', () => {
  test.each([
    ['m-1', '看这个预约', '/pages/appointment/appointment?id=a-1'],
    ['m-2', '去同意或拒绝', '/pages/patient/patient?id=p-1'],
    ['m-3', '看登录的手机', '/pages/my-data/my-data?part=devices'],
    ['m-4', '', ''],
  ])('%s leads on', async (id, act, url) => {
    phone({ answers: answers() })
    const { data } = await open('message', { id })
    expect([data.message.act, data.message.url]).toEqual([act, url])
  })

  test('seen is read, once; and a lost mark spoils nothing', async () => {
    for (const [id, marks] of [['m-1', ['/inbox/m-1/read']], ['m-2', []]]) {
      const device = phone({ answers: answers() })
      await open('message', { id })
      await vi.waitFor(() => expect(sent(device, 'PUT')).toEqual(marks))
    }
    phone({ answers: answers({ 'PUT /inbox/m-1/read': 'offline' }) })
    const { data } = await open('message', { id: 'm-1' })
    expect(data.problem).toBe(null)
  })

  test('what may no longer be seen is a problem with words', async () => {
    phone({ answers: answers() })
    const { data } = await open('message', { id: 'gone' })
    expect(data.problem.detail).toBe('详情 not-found')
  })
})
