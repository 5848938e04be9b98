// wx.request: ten at once, what fails and how it is told, the background.
import { SITE, switchOn, until } from './browser.mjs'

/** The county's service, which answers when told. Each request is {url, options, reply, fail}. */
function service() {
  const open = []
  const answer = (url, options) => new Promise((resolve, reject) => {
    const gone = () => reject(new Error('aborted'))
    if (options.signal.aborted) return gone()
    options.signal.addEventListener('abort', gone)
    open.push({ url, options, reply: (body, given) => resolve(new Response(body, given)), fail: reject })
  })
  return { open, answer }
}

/** A request and what came of it: [kind, errMsg or data] in the order of the callbacks. */
function ask(wx, options = {}, name = 'request') {
  const told = []
  const task = wx[name]({
    url: SITE + '/api/v1/slots', ...options,
    success: (found) => told.push(['success', found]),
    fail: (found) => told.push(['fail', found]),
    complete: () => told.push(['complete']),
  })
  return { told, task, kinds: () => told.map(([kind]) => kind), why: () => told[0]?.[1] }
}

/** Everything that does not wait for time or for an answer has happened. */
async function settled() {
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => vi.useRealTimers())

test('ten at once; the others wait their turn', async () => {
  const { open, answer } = service()
  const { wx } = await switchOn({ answer })
  const asked = Array.from({ length: 12 }, (_, n) => ask(wx, { data: { n } }))
  await settled()
  expect(open).toHaveLength(10)
  open[3].reply('{}')
  await settled()
  expect(open.map(({ url }) => url)).toEqual(Array.from({ length: 11 }, (_, n) => '/api/v1/slots?n=' + n))
  open[0].fail(new TypeError('reset'))
  await settled()
  expect(open).toHaveLength(12)
  expect(asked[0].kinds()).toEqual(['fail', 'complete'])
  expect(asked[3].kinds()).toEqual(['success', 'complete'])
})

test('what is aborted while it waits never goes out, and hears of it at once', async () => {
  const { open, answer } = service()
  const { wx } = await switchOn({ answer })
  const asked = Array.from({ length: 11 }, () => ask(wx))
  await settled()
  asked[10].task.abort()
  await settled()
  expect(asked[10].told).toEqual([['fail', { errMsg: 'request:fail abort', errno: 600004 }], ['complete']])
  open[0].reply('{}')
  await settled()
  expect(open).toHaveLength(10)
  ask(wx)
  await settled()
  expect(open).toHaveLength(11)
})

test('abort ends what is under way, and nothing that is done', async () => {
  const { open, answer } = service()
  const { wx } = await switchOn({ answer })
  const [first, second] = [ask(wx), ask(wx)]
  await settled()
  first.task.abort()
  open[1].reply('{"ok":true}')
  await settled()
  second.task.abort()
  await settled()
  expect(first.why()).toEqual({ errMsg: 'request:fail abort', errno: 600004 })
  expect(second.kinds()).toEqual(['success', 'complete'])
})

test('the time limit is the request’s own, a minute without one', async () => {
  const { open, answer } = service()
  const { wx } = await switchOn({ answer })
  const [short, long] = [ask(wx, { timeout: 10000 }), ask(wx)]
  await settled()
  await vi.advanceTimersByTimeAsync(10000)
  await settled()
  expect(short.told).toEqual([['fail', { errMsg: 'request:fail timeout', errno: 5 }], ['complete']])
  expect(long.told).toEqual([])
  await vi.advanceTimersByTimeAsync(50000)
  await settled()
  expect(long.why()).toMatchObject({ errMsg: 'request:fail timeout' })
  expect(open).toHaveLength(2)
})

test('five seconds in the background end it; fewer do not', async () => {
  const { open, answer } = service()
  const { wx, turn } = await switchOn({ answer })
  const asked = ask(wx)
  await settled()
  turn('background')
  await vi.advanceTimersByTimeAsync(4900)
  turn('foreground')
  await vi.advanceTimersByTimeAsync(4900)
  turn('background')
  await vi.advanceTimersByTimeAsync(4900)
  await settled()
  expect(asked.told).toEqual([])
  await vi.advanceTimersByTimeAsync(100)
  await settled()
  expect(asked.why()).toEqual({ errMsg: 'request:fail interrupted', errno: 600001 })
  const late = ask(wx)
  await settled()
  expect(late.why()).toEqual({ errMsg: 'request:fail interrupted', errno: 600001 })
  expect(open).toHaveLength(1)
  turn('foreground')
  ask(wx)
  await settled()
  expect(open).toHaveLength(2)
})

test('any status is a success; JSON is read, other text stays text', async () => {
  const { open, answer } = service()
  const { wx } = await switchOn({ answer })
  const asked = [ask(wx), ask(wx), ask(wx, { dataType: 'other' }), ask(wx, { responseType: 'arraybuffer' })]
  await settled()
  open[0].reply('{"code":"busy"}', { status: 503, headers: { 'retry-after': '3' } })
  for (const one of open.slice(1)) one.reply(one === open[2] ? '{"a":1}' : '<html>')
  await settled()
  expect(asked[0].why()).toMatchObject({ errMsg: 'request:ok', statusCode: 503, data: { code: 'busy' }, header: { 'retry-after': '3' } })
  expect(asked.slice(1, 3).map((one) => one.why().data)).toEqual(['<html>', '{"a":1}'])
  expect(asked[3].why().data.byteLength).toBe(6)
})

test('headers arrive before the answer', async () => {
  const { open, answer } = service()
  const { wx } = await switchOn({ answer })
  const heard = []
  const { task, told } = ask(wx)
  task.onHeadersReceived(({ header }) => heard.push(header.etag, told.length))
  await settled()
  open[0].reply('{}', { headers: { etag: '"1"' } })
  await settled()
  expect(heard).toEqual(['"1"', 0])
})

test('what goes out: the method, a body as JSON or as a form, no referer', async () => {
  const { open, answer } = service()
  const { wx } = await switchOn({ answer })
  ask(wx, { method: 'post', data: { a: 1 }, header: { Referer: 'x', 'Idempotency-Key': 'k' } })
  ask(wx, { method: 'PUT', data: { a: '一' }, header: { 'Content-Type': 'application/x-www-form-urlencoded' } })
  ask(wx, { method: 'DELETE' })
  ask(wx, { url: SITE + '/x?a=1', data: { b: '&', none: undefined } })
  await settled()
  const sent = open.map(({ url, options: { method, body, headers } }) => [url, method, body, headers])
  expect(sent).toEqual([
    ['/api/v1/slots', 'POST', '{"a":1}', { 'content-type': 'application/json', 'idempotency-key': 'k' }],
    ['/api/v1/slots', 'PUT', 'a=%E4%B8%80', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['/api/v1/slots', 'DELETE', undefined, { 'content-type': 'application/json' }],
    ['/x?a=1&b=%26', 'GET', undefined, { 'content-type': 'application/json' }],
  ])
})

test.each([
  ['no address', { url: 'slots' }, { errMsg: 'request:fail invalid url "slots"', errno: 600009 }],
  ['a foreign domain', { url: 'https://api.weixin.qq.com/x' }, { errMsg: 'request:fail url not in domain list', errno: 600002 }],
  ['PATCH', { method: 'PATCH' }, { errMsg: 'request:fail invalid method "PATCH"' }],
])('%s is refused before anything goes out', async (_, options, refusal) => {
  const { open, answer } = service()
  const { wx } = await switchOn({ answer })
  const asked = ask(wx, options)
  await settled()
  expect(asked.told).toEqual([['fail', refusal], ['complete']])
  expect(open).toEqual([])
})

test('a lost connection fails; a phone without network says so and does not try', async () => {
  const { open, answer } = service()
  const { wx } = await switchOn({ answer })
  const lost = ask(wx)
  await settled()
  open[0].fail(new TypeError('Failed to fetch'))
  await settled()
  expect(lost.why()).toEqual({ errMsg: 'request:fail net::ERR_FAILED', errno: 600001 })

  const far = await switchOn({ answer, phone: { offline: true } })
  expect(await far.wx.getNetworkType()).toMatchObject({ networkType: 'none' })
  const tried = ask(far.wx)
  await settled()
  expect(tried.why()).toEqual({ errMsg: 'request:fail ', errno: 600003 })
  expect(open).toHaveLength(1)
})

test('the network comes and goes', async () => {
  const { wx, window } = await switchOn()
  const heard = []
  const listener = ({ isConnected, networkType }) => heard.push([isConnected, networkType])
  wx.onNetworkStatusChange(listener)
  const say = (online) => {
    Object.defineProperty(window.navigator, 'onLine', { value: online, configurable: true })
    window.dispatchEvent(new window.Event(online ? 'online' : 'offline'))
  }
  say(false)
  say(true)
  wx.offNetworkStatusChange(listener)
  say(false)
  expect(heard).toEqual([[false, 'none'], [true, 'wifi']])
})

test('a downloaded file is there under its temporary path', async () => {
  const { open, answer } = service()
  const { wx } = await switchOn({ answer })
  const asked = ask(wx, {}, 'downloadFile')
  await settled()
  open[0].reply('BEGIN:VCALENDAR', { headers: { 'content-type': 'text/calendar' } })
  await until(() => expect(asked.kinds()).toEqual(['success', 'complete']))
  const { tempFilePath, statusCode } = asked.why()
  expect(statusCode).toBe(200)
  await expect(wx.openDocument({ filePath: tempFilePath })).rejects.toEqual({ errMsg: 'openDocument:fail filetype not supported' })
  await expect(wx.openDocument({ filePath: 'http://tmp/none' })).rejects.toEqual({ errMsg: "openDocument:fail file doesn't exist" })
})

test('a callback that throws is the page’s own fault, and stops nothing else', async () => {
  const { open, answer } = service()
  const { wx, faults } = await switchOn({ answer })
  wx.request({ url: SITE + '/x', success() { throw new Error('mine') } })
  const next = ask(wx)
  await settled()
  for (const one of open) one.reply('{}')
  await settled()
  expect(faults.splice(0).map((error) => error.message)).toEqual(['mine'])
  expect(next.kinds()).toEqual(['success', 'complete'])
})

describe('connectSocket', () => {
  /** Sockets as a browser has them, opened and spoken through by a test. */
  async function withSockets() {
    const phone = await switchOn({ answer: () => Response.json({}) })
    const made = []
    phone.window.WebSocket = class {
      constructor(url) {
        made.push(Object.assign(this, { url, sent: [] }))
      }
      send(data) { this.sent.push(data) }
      close(code, reason) { this.onclose({ code, reason }) }
    }
    return { wx: phone.wx, made }
  }
  const url = 'wss://county.example/api/v1/queue/live?ticket=t'

  test('reaches the one address, and says what comes', async () => {
    const { wx, made } = await withSockets()
    const told = []
    const task = wx.connectSocket({ url, success: ({ errMsg }) => told.push(errMsg) })
    for (const name of ['Open', 'Message', 'Close', 'Error']) task[`on${name}`]((detail) => told.push([name, detail]))
    expect(made[0].url).toBe('ws://browser.example/api/v1/queue/live?ticket=t')
    made[0].onopen()
    made[0].onmessage({ data: '{}' })
    task.send({ data: 'x' })
    task.close({})
    await settled()
    expect(told).toEqual([['Open', { header: {} }], ['Message', { data: '{}' }], ['Close', { code: 1000, reason: '' }], 'connectSocket:ok'])
    expect(made[0].sent).toEqual(['x'])
  })

  test('five at once, none elsewhere', async () => {
    const { wx, made } = await withSockets()
    const refused = (address) => new Promise((resolve) => wx.connectSocket({ url: address, fail: ({ errMsg }) => resolve(errMsg) }))
    const tasks = Array.from({ length: 5 }, () => wx.connectSocket({ url }))
    expect(await refused(url)).toBe('connectSocket:fail exceed max concurrent 5')
    tasks[0].close({})
    wx.connectSocket({ url })
    expect(made.length).toBe(6)
    tasks[1].close({})
    expect(await refused('wss://evil.example/')).toBe('connectSocket:fail url not in domain list')
  })
})

test('a file goes out as a form, under the name and with the fields that the page says', async () => {
  const { open, answer } = service()
  const { wx, window } = await switchOn({ answer })
  const filePath = wx.env.USER_DATA_PATH + '/note.txt'
  await wx.getFileSystemManager().writeFile({ filePath, data: '你好' })
  const asked = ask(wx, { filePath, name: 'file', formData: { client_id: 'c-1' }, header: { authorization: 'Bearer t', 'content-type': 'multipart/form-data' } }, 'uploadFile')
  await settled()
  const { options } = open[0]
  expect(options.method).toBe('POST')
  expect(options.headers).toEqual({ authorization: 'Bearer t' }) // the browser names the boundary
  expect(options.body).toBeInstanceOf(window.FormData)
  expect(options.body.get('client_id')).toBe('c-1')
  expect(options.body.get('file').size).toBe(6)
  open[0].reply('{"id":1}', { status: 201 })
  await settled()
  expect(asked.why()).toMatchObject({ statusCode: 201, data: '{"id":1}', errMsg: 'uploadFile:ok' }) // text, as WeChat gives it
})

test('a file that is not there is not sent', async () => {
  const { open, answer } = service()
  const { wx } = await switchOn({ answer })
  const asked = ask(wx, { filePath: 'http://tmp/none', name: 'file' }, 'uploadFile')
  await settled()
  expect(open).toEqual([])
  expect(asked.why()).toEqual({ errMsg: "uploadFile:fail file doesn't exist" })
})
