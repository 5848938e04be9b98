const { phone, open, problem, tap, mp } = require('./phone.cjs')

const NEWS = { county: '稻溪县', emergency_phone: '120', items: [{ id: 'n1', title: '接种', text: '本周开始', organization: null }] }
const answers = (more) => ({
  'GET /announcements': NEWS,
  'GET /appointments': { items: [], next: null },
  'GET /inbox/unread': { unread: 2 },
  'GET /patients': { items: [{ id: 'g' }] },
  'GET /me': { account: { id: 'a', phone: null }, patients: [{}, {}] },
  ...more,
})

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

describe('home', () => {
  test('before the agreement: what everybody may see, and nothing private is asked for', async () => {
    const { requests } = phone({ answers: answers(), storage: { 'privacy-agreed': '', token: '' } })
    const page = await open('home')
    expect(page.data).toMatchObject({ agreed: false, county: '稻溪县' })
    expect(requests.map(({ path }) => path)).toEqual(['/announcements'])
  })

  test('after it: appointments and what is unread', async () => {
    const { requests } = phone({ answers: answers() })
    const page = await open('home')
    expect(page.data).toMatchObject({ agreed: true, loading: false, unread: 2 })
    expect(requests.find(({ path }) => path === '/appointments').query).toEqual({ status: 'upcoming', limit: '2' })
  })

  test.each([['2026-11', false], ['2027-01', true], [undefined, false]])('agreed to 2026-11, terms of %s', async (version, outdated) => {
    phone({ answers: answers({ 'GET /announcements': { ...NEWS, terms_version: version } }), storage: { 'privacy-agreed': '2026-11' } })
    const page = await open('home')
    expect(page.data.outdated).toBe(outdated)
  })

  test('whoever has nobody to book for is led to adding somebody', async () => {
    phone({ answers: answers({ 'GET /patients': { items: [] } }) })
    expect((await open('home')).data.newcomer).toBe(true)
    phone({ answers: answers() })
    expect((await open('home')).data.newcomer).toBe(false)
  })

  test('one half that fails leaves the other standing', async () => {
    phone({ answers: answers({ 'GET /announcements': problem(500, 'internal') }) })
    const page = await open('home')
    expect(page.data).toMatchObject({ problem: null, unread: 2, newsProblem: { code: 'internal' } })

    phone({ answers: answers({ 'GET /inbox/unread': problem(500, 'internal') }) })
    const other = await open('home')
    expect(other.data).toMatchObject({ problem: { code: 'internal' }, county: '稻溪县', newsProblem: null })
  })

  test('120 is called only after the question, and by the county\'s number', async () => {
    const { called } = phone({ answers: answers({ 'GET /announcements': { ...NEWS, emergency_phone: '0500-120' } }) })
    const page = await open('home')
    page.askEmergency()
    expect(called('makePhoneCall')).toHaveLength(0)
    page.call()
    expect(called('makePhoneCall')[0].phoneNumber).toBe('0500-120')
  })

  test('the number can be had without the service', async () => {
    const { called } = phone({ answers: answers({ 'GET /announcements': 'offline' }) })
    const opening = open('home')
    await vi.advanceTimersByTimeAsync(6000)
    const page = await opening
    page.call()
    expect(called('makePhoneCall')[0].phoneNumber).toBe('120')
  })

  test.each([['makePhoneCall:fail cancel', false], ['makePhoneCall:fail not supported', true]])('%s', async (errMsg, failed) => {
    phone({ answers: answers(), replies: { makePhoneCall: { errMsg } } })
    const page = await open('home')
    page.askEmergency()
    page.call()
    expect(page.data).toMatchObject({ calling: true, failed })
  })
})

describe('elder mode', () => {
  test('is remembered, and every open page follows', async () => {
    const { kept } = phone({ answers: answers() })
    const home = await open('home')
    const me = await open('me')
    home.switchMode()
    expect(kept.mode.elder).toBe(true)
    expect([home.data.elder, me.data.elder]).toEqual([true, true])
    me.onUnload()
    home.switchMode()
    expect([home.data.elder, me.data.elder]).toEqual([false, true])
  })

  test('text is as large as WeChat and the user say, but never smaller than designed', () => {
    phone({ storage: { mode: { elder: true, size: 1.2 } } })
    wx.getAppBaseInfo = () => ({ fontSizeScaleFactor: 1.25 })
    expect(mp('utils/mode').now()).toEqual({ elder: true, size: 1.2, scale: 1.5 })
    wx.getAppBaseInfo = () => ({ fontSizeScaleFactor: 0.8 })
    expect(mp('utils/mode').now().scale).toBe(1.2)
  })
})

describe('me', () => {
  test('the phone number goes to the service as WeChat\'s code', async () => {
    const { requests } = phone({ answers: answers({ 'POST /me/phone': { id: 'a', phone: '138****0000' } }) })
    const page = await open('me')
    await page.keepPhone(tap({}, { code: 'abc' }))
    expect(requests.find(({ path }) => path === '/me/phone').body).toEqual({ code: 'abc' })
    expect(page.data).toMatchObject({ phone: '138****0000', notice: { kind: 'good' } })
  })

  test('whoever does not allow it is left in peace', async () => {
    const { requests } = phone({ answers: answers() })
    const page = await open('me')
    await page.keepPhone(tap({}, { errMsg: 'getPhoneNumber:fail user deny' }))
    expect(requests.map(({ path }) => path)).toEqual(['/me'])
    expect(page.data.notice).toBe(null)
  })
})
