const { phone, open, problem, tap } = require('./phone.cjs')

const NOON = Date.parse('2026-11-23T04:00:00Z')
const TALK = {
  id: 'c1', version: 1, state: 'bot', patient: { id: 'p1', name: '王*兰' }, organization: null, doctor: null, priority: 'IV',
  red_flag: false, last_seq: 0, last_at: '2026-11-23T04:00:00Z', preview: '', unread: 0, read: 0, delivered: 0, seen: 0,
  opened_at: '2026-11-23T04:00:00Z', queued_at: null, due_at: null, closed_at: null, outcome: '', rating: null,
  can_write: true, can_rate: false, can_ask_for_a_doctor: true,
}

const settled = async () => { for (let turn = 0; turn < 40; turn += 1) await new Promise((resolve) => setImmediate(resolve)) }
const one = (seq, more) => ({
  id: 'm' + seq, seq, client_id: null, author: 'bot', author_name: '', mine: false, kind: 'text', text: '第 ' + seq, payload: null,
  quoted: null, attachment: null, at: '2026-11-23T04:00:00Z', recalled: false, folded: false, ...more,
})
const mine = (seq, more) => one(seq, { author: 'resident', mine: true, ...more })

/** A service with one conversation: it stores a message once for each client's id. */
function county(stored = [one(1)], facts = {}) {
  const state = { stored, talk: { ...TALK, ...facts }, lose: 0, refuse: null }
  const now = () => ({ ...state.talk, last_seq: state.stored.length })
  const answers = {
    'GET /conversations/c1': now,
    'GET /conversations/c1/messages': ({ query: { after, before, limit } }) => {
      const all = state.stored.filter(({ seq }) => (after ? seq > Number(after) : before ? seq < Number(before) : true))
      return { items: after ? all.slice(0, Number(limit)) : all.slice(-Number(limit)) }
    },
    'POST /conversations/c1/messages': ({ body }) => {
      if (state.refuse) return state.refuse
      let found = state.stored.find(({ client_id: id }) => id === body.client_id)
      if (!found) {
        found = mine(state.stored.length + 1, { client_id: body.client_id, text: body.text, at: new Date().toISOString() })
        state.stored.push(found)
      }
      if (state.lose) {
        state.lose -= 1
        return 'offline' // it was stored, and the answer got lost
      }
      return { status: 201, data: found }
    },
    'POST /conversations/c1/read': { status: 204, data: '' },
    'POST /conversations/c1/delivered': { status: 204, data: '' },
    'POST /conversations/tickets': { ticket: 't1' },
    'GET /announcements': { emergency_phone: '120' },
  }
  return { state, answers }
}

function socket() {
  const heard = {}
  const on = (name) => (listener) => { heard[name] = listener }
  return { heard, closed: 0, urls: [], onOpen: on('open'), onMessage: on('message'), onClose: on('close'), onError: on('error'), sent: [], send({ data }) { this.sent.push(JSON.parse(data)) }, close() { this.closed += 1 } }
}

async function onPage({ state, answers }, more = {}) {
  const line = socket()
  const device = phone({ answers, ...more, known: { connectSocket: ({ url }) => { line.urls.push(url); return line }, nextTick: (work) => work(), ...more.known } })
  const page = await open('chat', { id: 'c1' })
  await settled()
  return { device, page, line, state, texts: () => page.data.items.filter(({ gone }) => !gone).map(({ text }) => text) }
}

beforeEach(() => vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout', 'Date'], now: NOON }))
afterEach(() => vi.useRealTimers())

test('what comes by the socket stands in order, once, and is marked as read', async () => {
  const { device, page, line, texts } = await onPage(county())
  expect(line.urls).toEqual(['wss://jiamenkou.example/api/v1/conversations/live?ticket=t1&after=1'])
  expect(page.data.status).toMatchObject({ title: '程序在问您', human: true })
  line.heard.message({ data: JSON.stringify({ items: [one(2), one(3)] }) })
  line.heard.message({ data: JSON.stringify({ items: [one(3)] }) })
  await settled()
  expect(texts()).toEqual(['第 1', '第 2', '第 3'])
  expect(device.requests.filter(({ path }) => path.endsWith('/read')).map(({ body }) => body.seq)).toEqual([1, 3])
})

test('behind another page it has reached the phone, and was not read yet', async () => {
  const { device, page, line } = await onPage(county())
  page.onHide()
  line.heard.message({ data: JSON.stringify({ items: [one(2)] }) })
  await settled()
  expect(device.requests.at(-1)).toMatchObject({ path: '/conversations/c1/delivered', body: { seq: 2 } })
  page.onShow()
  await settled()
  expect(device.requests.at(-1)).toMatchObject({ path: '/conversations/c1/read', body: { seq: 2 } })
})

test('a gap is filled from the service before anything is shown out of order', async () => {
  const { line, state, texts } = await onPage(county())
  state.stored.push(one(2), one(3))
  line.heard.message({ data: JSON.stringify({ items: [one(3)] }) })
  await settled()
  expect(texts()).toEqual(['第 1', '第 2', '第 3'])
})

test('without a socket it asks again, and comes back with where it was', async () => {
  const { line, state, texts } = await onPage(county())
  line.heard.close({})
  state.stored.push(one(2))
  await vi.advanceTimersByTimeAsync(4000)
  await settled()
  expect(texts()).toEqual(['第 1', '第 2'])
  await vi.advanceTimersByTimeAsync(15000)
  await settled()
  expect(line.urls.at(-1)).toContain('&after=2')
})

test('a line that died without a word is left, and asking takes over', async () => {
  const { line, state, texts } = await onPage(county())
  line.heard.open({})
  await vi.advanceTimersByTimeAsync(15000)
  expect(line.sent).toEqual([{ do: 'ping' }])
  state.stored.push(one(2))
  await vi.advanceTimersByTimeAsync(40000)
  await settled()
  expect(line.closed).toBe(1)
  expect(texts()).toEqual(['第 1', '第 2'])
})

test('who leaves takes along what was not sent', async () => {
  const { device } = await onPage(county(), { storage: { 'unsent-c9': [], 'danger-c9': { seq: 1 }, mode: { elder: true } } })
  require('../mp/utils/session').leave()
  expect(Object.keys(device.kept)).toEqual(['mode'])
})

test('an answer that gets lost: the same message again, stored once, shown once', async () => {
  const { page, device, state, texts } = await onPage(county())
  state.lose = 2
  page.write({ detail: { value: ' 头疼两天 ' } })
  page.sendText()
  await settled()
  expect(page.data.items.at(-1)).toMatchObject({ text: '头疼两天', mark: '正在发…' })
  expect(page.data.draft).toBe('')
  await vi.advanceTimersByTimeAsync(5000)
  await settled()
  const sent = device.requests.filter(({ path, method }) => method === 'POST' && path.endsWith('/messages'))
  expect(new Set(sent.map(({ body }) => body.client_id)).size).toBe(1)
  expect(sent.length).toBe(3)
  expect(texts()).toEqual(['第 1', '头疼两天'])
  expect(device.kept['unsent-c1']).toBeUndefined()
})

test('what could not be sent waits on this phone, also after it was closed, and goes at a tap', async () => {
  const place = county()
  const first = await onPage(place)
  first.state.refuse = 'offline'
  first.page.write({ detail: { value: '肚子疼' } })
  first.page.sendText()
  await vi.advanceTimersByTimeAsync(20000)
  await settled()
  expect(first.page.data.items.at(-1)).toMatchObject({ text: '肚子疼', failed: true })
  first.page.onUnload()
  place.state.refuse = null
  const { page, texts, device } = await onPage(place, { storage: { 'unsent-c1': first.device.kept['unsent-c1'] } })
  expect(page.data.items.at(-1)).toMatchObject({ text: '肚子疼', failed: true })
  page.resend(tap({ key: page.data.items.at(-1).key }))
  await settled()
  expect(texts()).toEqual(['第 1', '肚子疼'])
  expect(device.kept['unsent-c1']).toBeUndefined()
})

test('a refusal is said, and what was written is there again', async () => {
  const { page, state, texts } = await onPage(county())
  state.refuse = problem(409, 'conversation-over')
  page.write({ detail: { value: '还疼' } })
  page.sendText()
  await settled()
  expect(page.data.refusal.text).toContain('conversation-over')
  expect(page.data.draft).toBe('还疼')
  expect(texts()).toEqual(['第 1'])
})

test('a danger stands above all until it was seen, and only once', async () => {
  const said = one(2, { kind: 'emergency', text: '请马上打 120。\n别自己开车。' })
  const { page, device, line } = await onPage(county([one(1), said]))
  expect(page.data.alarm).toEqual({ seq: 2, deeds: ['请马上打 120。', '别自己开车。'] })
  expect(device.called('pageScrollTo').at(-1)).toMatchObject({ scrollTop: 0 }) // it is seen, however long the talk
  page.call()
  expect(device.called('makePhoneCall')[0].phoneNumber).toBe('120')
  page.hideAlarm()
  expect(device.called('pageScrollTo').at(-1)).toMatchObject({ selector: '#end' })
  line.heard.message({ data: JSON.stringify({ items: [one(3)] }) })
  await settled()
  expect(page.data.alarm).toBe(null)
  expect(page.data.items[1].tone).toBe('emergency')
})

test('a danger that was not seen yet stands there without the network, after a restart, and with the next one', async () => {
  const danger = (seq, text) => one(seq, { kind: 'emergency', text })
  const { state, answers } = county([one(1), danger(2, '请马上打 120。')])
  const there = answers['GET /conversations/c1']
  const first = await onPage({ state, answers })
  first.page.onUnload()
  const storage = first.device.kept
  answers['GET /conversations/c1'] = 'offline'
  const opening = onPage({ state, answers }, { storage })
  await vi.advanceTimersByTimeAsync(60000) // it tries several times
  const { page: again, device } = await opening
  expect(again.data.problem.code).toBe('unreachable')
  expect(again.data.alarm).toEqual({ seq: 2, deeds: ['请马上打 120。'] })
  again.onUnload()
  answers['GET /conversations/c1'] = there
  state.stored.push(...Array.from({ length: 40 }, (_, at) => one(3 + at)), danger(43, '别走动。'))
  const { page: later, device: last } = await onPage({ state, answers }, { storage: device.kept }) // 2 is on no page that was loaded
  expect(later.data.alarm).toEqual({ seq: 43, deeds: ['请马上打 120。', '别走动。'] })
  later.hideAlarm()
  later.onUnload()
  expect((await onPage({ state, answers }, { storage: last.kept })).page.data.alarm).toBe(null)
})

test('buttons and questions of the last thing said; a tap says what it meant', async () => {
  const ask = one(2, { payload: { choices: [{ id: 'yes', label: '是的' }] } })
  const form = one(4, { payload: { fields: [{ name: 'age', label: '年龄', kind: 'number', unit: '岁', choices: [] }, { name: 'sex', label: '性别', kind: 'choice', choices: [{ id: 'f', label: '女' }] }] } })
  const { page, device, line } = await onPage(county([one(1), ask]))
  expect(page.data.choices).toEqual([{ id: 'yes', label: '是的' }])
  page.sendChoice(tap({ id: 'yes', label: '是的' }))
  await settled()
  expect(page.data.choices).toEqual([])
  expect(device.requests.at(-1).path).toBeTruthy()
  line.heard.message({ data: JSON.stringify({ items: [form] }) })
  await settled()
  page.sendForm()
  expect(page.data.refusal.title).toBe('还没有填')
  page.fill({ currentTarget: { dataset: {} }, detail: { name: 'age', value: '70' } })
  page.fill({ currentTarget: { dataset: { name: 'sex' } }, detail: { value: 'f' } })
  page.sendForm()
  await settled()
  const bodies = device.requests.filter(({ path, method }) => method === 'POST' && path.endsWith('/messages')).map(({ body }) => body)
  expect(bodies[0]).toMatchObject({ choice: 'yes', text: '是的' })
  expect(bodies[1]).toMatchObject({ fields: { age: '70', sex: 'f' }, text: '年龄：70岁；性别：女' })
})

test('taken back within two minutes; whoever reads sees that something is gone', async () => {
  const place = county([one(1), mine(2, { at: new Date(NOON).toISOString(), text: '写错了' }), one(3, { author: 'doctor', quoted: { id: 'm2', seq: 2, author: 'resident', text: '写错了', recalled: false } })], { state: 'open', doctor: '李医生' })
  place.answers['POST /conversations/c1/messages/m2/recall'] = () => {
    place.state.stored.push(one(4, { kind: 'recall', author: 'resident', mine: true, quoted: { id: 'm2', seq: 2, author: 'resident', text: '', recalled: true } }))
    return { status: 204, data: '' }
  }
  const { page } = await onPage(place, { replies: { showActionSheet: { tapIndex: 2 } } })
  await page.choose({ currentTarget: { dataset: { key: 'm2' } } })
  await settled()
  expect(page.data.items.map(({ gone }) => gone)).toEqual(['', '您撤回了一条消息', ''])
  expect(page.data.items[1].text).toBe('')
  expect(page.data.items[2].quote).toBe('我：已撤回')
})

test('two marks: it reached the doctor, the doctor has read it', async () => {
  const { page, line, state } = await onPage(county([mine(1), mine(2), mine(3)], { state: 'open', read: 1, delivered: 2 }))
  expect(page.data.items.map(({ mark }) => mark)).toEqual(['医生看过', '已送到', '已发出'])
  line.heard.message({ data: JSON.stringify({ conversation: { ...state.talk, last_seq: 3, read: 3, delivered: 3 }, items: [] }) })
  expect(page.data.items.map(({ mark }) => mark)).toEqual(['医生看过', '医生看过', '医生看过'])
})

test('each side sees that the other writes', async () => {
  const { page, line } = await onPage(county([one(1)], { state: 'open', doctor: '李医生' }))
  page.write({ detail: { value: '还' } })
  line.heard.open({})
  page.write({ detail: { value: '还疼' } })
  page.write({ detail: { value: '还疼吗' } })
  expect(line.sent).toEqual([{ do: 'typing' }])
  line.heard.message({ data: '{"is":"typing"}' })
  expect(page.data.typing).toBe('医生正在写…')
  await vi.advanceTimersByTimeAsync(4000)
  expect(page.data.typing).toBe('')
})

test('a human is asked for; a rating is given once it is over', async () => {
  const place = county()
  place.answers['POST /conversations/c1/hand-over'] = () => { place.state.talk = { ...place.state.talk, state: 'waiting', can_ask_for_a_doctor: false }; return place.state.talk }
  place.answers['POST /conversations/c1/rating'] = ({ body }) => { place.state.talk = { ...place.state.talk, state: 'rated', rating: body.rating, can_rate: false }; return place.state.talk }
  const { page, device } = await onPage(place)
  await page.askHuman()
  expect(page.data.status).toMatchObject({ title: '已转给医生，请等一等', human: false })
  place.state.talk = { ...place.state.talk, state: 'closed', can_rate: true, can_write: false }
  await vi.advanceTimersByTimeAsync(4000)
  await settled()
  expect(page.data).toMatchObject({ over: true, rateable: true, writable: false })
  page.pickMark({ detail: { value: '5' } })
  page.setWords({ detail: { value: '谢谢 ' } })
  await page.rate()
  expect(device.requests.find(({ path }) => path.endsWith('/rating')).body).toEqual({ rating: 5, words: '谢谢' })
  expect(page.data.rated).toBe('很有帮助')
})

test('a picture is made smaller, sent as a file, and then as a message', async () => {
  const place = county()
  const files = []
  const { page, device } = await onPage(place, {
    known: { uploadFile: (options) => { files.push(options); options.success({ statusCode: 201, data: '{"id":"a1"}' }) } },
    replies: { chooseMedia: { tempFiles: [{ tempFilePath: 'tmp/a' }] }, compressImage: { tempFilePath: 'tmp/b' } },
  })
  await page.addPicture()
  await settled()
  expect(files[0]).toMatchObject({ filePath: 'tmp/b', name: 'file', url: 'https://jiamenkou.example/api/v1/conversations/c1/attachments' })
  expect(device.requests.find(({ path, method }) => method === 'POST' && path.endsWith('/messages')).body).toMatchObject({ attachment_id: 'a1', attachment_kind: 'image' })
})

test('the address of a file ends; a new one is asked for before it is looked at', async () => {
  const file = (number) => ({ id: 'a1', kind: 'image', url: `u${number}`, thumbnail_url: `t${number}`, width: 440, height: 220, duration_ms: null, removed: false })
  const place = county([mine(1, { kind: 'image', text: '', attachment: file(1) })], { state: 'open' })
  const { page, device } = await onPage(place)
  const look = () => page.look({ currentTarget: { dataset: { key: 'm1' } } })
  await look()
  expect(device.called('previewImage').at(-1).current).toBe('u1')
  expect(page.data.items[0].image).toMatchObject({ width: 220, height: 110 })
  place.state.stored[0] = { ...place.state.stored[0], attachment: file(2) }
  vi.setSystemTime(NOON + 300000)
  await look()
  expect(device.called('previewImage').at(-1).current).toBe('u2')
  place.state.stored[0] = { ...place.state.stored[0], attachment: file(3) }
  page.mend({ currentTarget: { dataset: { key: 'm1' } } })
  page.mend({ currentTarget: { dataset: { key: 'm1' } } })
  await settled()
  expect(page.data.items[0].image.small).toBe('t3')
})

test('a recorder without mp3 makes a wav; too short is said', async () => {
  const told = {}
  const on = (name) => (listener) => { told[name] = listener }
  const began = []
  const machine = { onStart: on('start'), onStop: on('stop'), onError: on('error'), start: (options) => began.push(options.format), stop() {} }
  const { page } = await onPage(county(), { known: { getRecorderManager: () => machine } })
  page.startRecording()
  told.error({ errMsg: 'operateRecorder:fail format not supported' })
  told.start({})
  expect(began).toEqual(['mp3', 'wav'])
  expect(page.data.recording).toEqual({ seconds: 0 })
  told.stop({ tempFilePath: 'tmp/v', duration: 300 })
  expect(page.data.recording).toBe(null)
  expect(page.data.refusal.text).toContain('太短')
})
