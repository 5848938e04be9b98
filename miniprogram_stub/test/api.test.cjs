const { phone, problem, mp } = require('./phone.cjs')

const SLOTS = { items: [] }
const throttled = (seconds) => ({ ...problem(429, 'throttled', { retry_after_s: seconds }), header: { 'Retry-After': String(seconds) } })

/** Answers one after the other; the last one stays. */
const inTurn = (...answers) => () => (answers.length > 1 ? answers.shift() : answers[0])

/** What comes of it when waiting takes no time. */
async function hurried(promise) {
  const settled = promise.then((value) => ({ value }), (error) => ({ error }))
  await vi.runAllTimersAsync()
  return settled
}

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

test('what is empty is not asked for, and what is asked for is spelled safely', async () => {
  const { requests } = phone({ answers: { 'GET /departments': { items: [], next: null } } })
  await mp('utils/api').get('/departments', { q: '头晕&x=1', organization: '', near: undefined })
  expect(requests[0].query).toEqual({ q: '头晕&x=1' })
})

test('public things need no log-in', async () => {
  const { requests } = phone({ answers: { 'GET /slots': SLOTS }, storage: { token: '', 'privacy-agreed': '' } })
  await mp('utils/api').get('/slots', { schedule: '1' })
  expect(requests).toHaveLength(1)
  expect(requests[0].header.authorization).toBeUndefined()
})

test('without agreement nothing private is asked for', async () => {
  const { requests } = phone({ storage: { 'privacy-agreed': '' } })
  const { error } = await hurried(mp('utils/api').get('/patients'))
  expect(error.code).toBe('privacy-needed')
  expect(requests).toEqual([])
})

test('many who ask at once share one log-in', async () => {
  const { requests } = phone({
    storage: { token: '' },
    answers: { 'POST /login/wechat': { token: 'new' }, 'GET /patients': { items: [] }, 'GET /me': {} },
  })
  const api = mp('utils/api')
  await Promise.all([api.get('/patients'), api.get('/me'), api.get('/patients')])
  expect(requests.filter(({ path }) => path === '/login/wechat')).toHaveLength(1)
  expect(requests.filter(({ header }) => header.authorization === 'Bearer new')).toHaveLength(3)
})

test('a token that ended is replaced once, and the request goes out again', async () => {
  const { requests, kept } = phone({
    answers: {
      'POST /login/wechat': { token: 'new' },
      'GET /me': ({ header }) => (header.authorization === 'Bearer new' ? { county: '县' } : problem(401, 'unauthenticated')),
    },
  })
  expect(await mp('utils/api').get('/me')).toEqual({ county: '县' })
  expect(requests.map(({ path }) => path)).toEqual(['/me', '/login/wechat', '/me'])
  expect(kept.token).toBe('new')
})

test('a service that knows nobody is not asked for ever', async () => {
  const { requests } = phone({ answers: { 'POST /login/wechat': { token: 'new' }, 'GET /me': problem(401, 'unauthenticated') } })
  const { error } = await hurried(mp('utils/api').get('/me'))
  expect(error.code).toBe('unauthenticated')
  expect(requests.filter(({ path }) => path === '/me')).toHaveLength(2)
})

test('a read is tried again when the network falters', async () => {
  const { requests } = phone({ answers: { 'GET /slots': inTurn('offline', problem(503, 'busy'), SLOTS) } })
  const { value } = await hurried(mp('utils/api').get('/slots'))
  expect(value).toEqual(SLOTS)
  expect(requests).toHaveLength(3)
})

test('trying again ends, with a sentence for people', async () => {
  const { requests } = phone({ answers: { 'GET /slots': 'offline' } })
  const { error } = await hurried(mp('utils/api').get('/slots'))
  expect(requests).toHaveLength(3)
  expect(error).toMatchObject({ code: 'unreachable', status: 0 })
  expect(error.detail).toContain('服务')
})

test('a phone without a network is told so, and not that the service is away', async () => {
  phone({
    answers: { 'GET /slots': 'offline' },
    known: { getNetworkType: ({ success }) => success({ networkType: 'none' }) },
  })
  mp('utils/network').watch()
  const { error } = await hurried(mp('utils/api').get('/slots'))
  expect(error).toMatchObject({ code: 'offline', status: 0 })
  expect(error.detail).toContain('网络')
})

test.each([['a bug', 500, 'internal'], ['a refusal', 409, 'slot-full'], ['nothing there', 404, 'not-found']])(
  '%s is not tried again', async (_, status, code) => {
    const { requests } = phone({ answers: { 'GET /slots': problem(status, code) } })
    const { error } = await hurried(mp('utils/api').get('/slots'))
    expect(error.code).toBe(code)
    expect(requests).toHaveLength(1)
  },
)

test('a short wait is kept, a long one is told', async () => {
  const short = phone({ answers: { 'GET /slots': inTurn(throttled(2), SLOTS) } })
  const began = Date.now()
  await hurried(mp('utils/api').get('/slots'))
  expect(short.requests).toHaveLength(2)
  expect(Date.now() - began).toBeGreaterThanOrEqual(2000)

  const long = phone({ answers: { 'GET /slots': throttled(30) } })
  const { error } = await hurried(mp('utils/api').get('/slots'))
  expect(long.requests).toHaveLength(1)
  expect(error.retryAfter).toBe(30)
})

test('an answer that is no problem document still has words', async () => {
  phone({ answers: { 'GET /slots': { status: 502, data: '<html>bad gateway</html>' } } })
  const { error } = await hurried(mp('utils/api').get('/slots'))
  expect(error).toMatchObject({ status: 502, code: 'garbled' })
  expect(error.detail).not.toContain('html')
})

test('what did not change is not sent again', async () => {
  const { requests } = phone({
    answers: {
      'GET /slots': ({ header }) => (header['if-none-match'] === '"one"'
        ? { status: 304, data: '' }
        : { status: 200, data: { items: [1] }, header: { ETag: '"one"' } }),
    },
  })
  const api = mp('utils/api')
  expect(await api.get('/slots', { schedule: '1' })).toEqual({ items: [1] })
  expect(await api.get('/slots', { schedule: '1' })).toEqual({ items: [1] })
  await api.get('/slots', { schedule: '2' })
  expect(requests.map(({ header }) => header['if-none-match'])).toEqual([undefined, '"one"', undefined])
})

test('a list goes on until there is no next page, each schedule with its clinic and rules', async () => {
  const pages = {
    '': { items: [{ id: 1, clinic_index: 0, rules_index: 1 }], clinics: ['x'], rules: ['a', 'b'], next: 'two' },
    two: { items: [{ id: 2, clinic_index: 1, rules_index: 0 }], clinics: ['x', 'y'], rules: ['c'], next: null },
  }
  phone({ answers: { 'GET /schedules': ({ query }) => pages[query.cursor || ''] } })
  const found = await mp('utils/api').all('/schedules')
  expect(found.map(({ id, clinic, rules }) => [id, clinic, rules])).toEqual([[1, 'x', 'b'], [2, 'y', 'c']])
})

describe('a deed', () => {
  const BODY = { slot_id: '1', patient_id: '2' }

  test('tapped twice goes out once', async () => {
    const { requests } = phone({ answers: { 'POST /appointments': { id: 'a' } } })
    const book = mp('utils/api').deed()
    const [first, second] = await Promise.all([book('/appointments', BODY), book('/appointments', BODY)])
    expect(requests).toHaveLength(1)
    expect(first).toBe(second)
  })

  test('whose answer was lost is repeated under the same key', async () => {
    let lost = true
    const { requests } = phone({ answers: { 'POST /appointments': () => (lost ? 'offline' : { id: 'a' }) } })
    const book = mp('utils/api').deed()
    const { error } = await hurried(book('/appointments', BODY))
    expect(error.unclear).toBe(true)
    lost = false
    expect(await book('/appointments', BODY)).toEqual({ id: 'a' })
    expect(new Set(requests.map(({ key }) => key)).size).toBe(1)
    expect(requests).toHaveLength(4)
  })

  test('that is another one gets another key', async () => {
    const { requests } = phone({ answers: { 'POST /appointments': problem(503, 'busy', { retry_after_s: 60 }) } })
    const book = mp('utils/api').deed()
    await hurried(book('/appointments', BODY))
    await hurried(book('/appointments', { ...BODY, slot_id: '9' }))
    expect(requests[0].key).not.toBe(requests[1].key)
  })

  test('after a clear refusal is a new one', async () => {
    const { requests } = phone({ answers: { 'POST /appointments': problem(409, 'slot-full') } })
    const book = mp('utils/api').deed()
    await hurried(book('/appointments', BODY))
    await hurried(book('/appointments', BODY))
    expect(requests[0].key).not.toBe(requests[1].key)
  })

  test('has a key that the service takes', async () => {
    const { requests } = phone({ answers: { 'POST /appointments': { id: 'a' } } })
    await mp('utils/api').deed()('/appointments', BODY)
    expect(requests[0].key).toMatch(/^[\x21-\x7e]{8,64}$/)
  })
})
