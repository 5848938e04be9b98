const { phone, open, problem } = require('./phone.cjs')

const TERMS = { version: '2026-11', title: '个人信息处理说明', county: '稻溪县', sections: [{ heading: '谁能看到', lines: ['您自己'] }] }
const standing = (facts) => ({ agreement: Object.assign({ version: '2026-11', agreed_version: null, granted: null, at: null }, facts), items: [], next: null })
const AGREED = { agreed_version: '2026-11', granted: true, at: '2026-11-22T04:00:00Z' }
const NEW = { storage: { 'privacy-agreed': '', token: '' } }
const answers = (more) => Object.assign({
  'GET /terms': TERMS,
  'GET /me/consents': standing(AGREED),
  'POST /me/consents': { status: 201, data: AGREED },
  'POST /login/wechat': { token: 'fresh' },
}, more)

describe('the terms', () => {
  test('are open to everybody: reading needs no log-in', async () => {
    const device = phone(Object.assign({ answers: answers() }, NEW))
    const { data } = await open('privacy')
    expect([data.agreed, data.sections.length]).toEqual([false, 1])
    expect(device.requests.map(({ path }) => path)).toEqual(['/terms'])
  })

  test('agreement is written down with the version that was shown, then one goes on', async () => {
    const device = phone(Object.assign({ answers: answers() }, NEW))
    const page = await open('privacy')
    await Promise.all([page.agree(), page.agree()])
    const posts = device.requests.filter(({ path }) => path === '/me/consents')
    expect(posts.map(({ body }) => body)).toEqual([{ version: '2026-11', granted: true }])
    expect(posts[0].key).toBeTruthy()
    expect(device.kept['privacy-agreed']).toBe('2026-11')
    expect(device.called('navigateBack')).toHaveLength(1)
  })

  test('what was not written down does not count, and is repeated under the same key', async () => {
    let lost = true
    const device = phone(Object.assign({ answers: answers({
      'POST /me/consents': () => (lost ? problem(503, 'busy', { retry_after_s: 60 }) : { status: 201, data: AGREED }),
    }) }, NEW))
    const page = await open('privacy')
    await page.agree()
    expect([page.data.fault, device.kept['privacy-agreed'], page.data.saving]).toEqual(['详情 busy', undefined, false])
    expect(device.called('navigateBack')).toHaveLength(0)
    lost = false
    await page.agree()
    const keys = device.requests.filter(({ path }) => path === '/me/consents').map(({ key }) => key)
    expect(new Set(keys).size).toBe(1)
    expect(device.called('navigateBack')).toHaveLength(1)
  })

  test('a text that changed meanwhile is shown anew', async () => {
    const device = phone(Object.assign({ answers: answers({ 'POST /me/consents': problem(409, 'terms-changed') }) }, NEW))
    const page = await open('privacy')
    await page.agree()
    expect(device.requests.filter(({ path }) => path === '/terms')).toHaveLength(2)
    expect(page.data.fault).toBe('详情 terms-changed')
  })

  test.each([
    ['agreed', AGREED, { agreed: true, changed: false }],
    ['taken back', { agreed_version: '2026-11', granted: false }, { agreed: false, changed: false }],
    ['an older text', { agreed_version: '2025-01', granted: true }, { agreed: false, changed: true }],
    ['never said', {}, { agreed: false, changed: false }],
  ])('%s: what the service knows counts', async (_, facts, expected) => {
    phone({ answers: answers({ 'GET /me/consents': standing(facts) }) })
    const { data } = await open('privacy')
    expect(data).toMatchObject(expected)
  })

  test('without a network behind the terms the phone\'s own memory counts', async () => {
    phone({ answers: answers({ 'GET /me/consents': problem(500, 'internal') }) })
    const { data } = await open('privacy')
    expect([data.agreed, data.problem]).toEqual([true, null])
  })

  test('without a page to go back to, home comes next', async () => {
    const device = phone(Object.assign({ answers: answers() }, NEW))
    const page = await open('privacy')
    globalThis.getCurrentPages = () => [{}]
    await page.agree()
    expect(device.called('switchTab')[0].url).toBe('/pages/home/home')
  })
})
