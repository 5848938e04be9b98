// One conversation as this phone has it: what came, in the service's order, and what is still on its
// way out. A socket says what is new; without one the service is asked again and again. Messages
// have numbers without gaps, so nothing is shown twice or left out, however often the line breaks.
const api = require('../../utils/api')
const { site } = require('../../utils/config')
const upload = require('./upload')

const PAGE = 30
const POLL_MS = 4000 // without a socket
const AGAIN_MS = 15000 // until another try at one
const TRIES = 4 // then the sender is asked
const UNSENT_MOST = 20
const ADDRESS_MS = 240000 // the service's addresses of files hold for five minutes at least
const PING_MS = 15000 // a line that died without a word is found out by it
const TYPING_MS = 4000 // the other side may have stopped since
const TYPING_EVERY_MS = 2500

const newId = () => `m-${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 12)}`
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/**
 * `tell({talk, messages, unsent, more, typing})` whenever something changed; `refused(problem, message)`
 * when the service will not have one.
 */
function open(id, tell, refused) {
  const box = `unsent-${id}`
  let talk = null
  let messages = []
  let unsent = (wx.getStorageSync(box) || []).map((one) => Object.assign({}, one, { failed: true }))
  let more = false
  let socket = null
  let live = false
  let heard = 0
  let stopped = false
  let sending = false
  let asking = null
  let shown = true
  let typing = false
  let typingEnds = null
  let typed = 0
  const told = { read: 0, delivered: 0 }

  const last = () => (messages.length ? messages[messages.length - 1].seq : 0)
  const keep = () => (unsent.length ? wx.setStorageSync(box, unsent) : wx.removeStorageSync(box))
  const say = () => { if (!stopped) tell({ talk, messages, unsent, more, typing }) }

  /** What is new, in order; what was there is replaced, as marks and recalls change it. */
  function take(items) {
    const known = new Map(messages.map((one) => [one.seq, one]))
    const got = Date.now()
    items.forEach((one) => {
      known.set(one.seq, one.attachment ? Object.assign({}, one, { got }) : one)
      if (one.kind === 'recall' && one.quoted) {
        const old = known.get(one.quoted.seq)
        if (old) known.set(old.seq, Object.assign({}, old, { recalled: true, text: '', attachment: null, payload: null }))
        known.forEach((each) => { if (each.quoted && each.quoted.id === one.quoted.id) known.set(each.seq, Object.assign({}, each, { quoted: one.quoted })) })
      }
    })
    messages = [...known.values()].sort((a, b) => a.seq - b.seq)
    const mine = new Set(items.map(({ client_id: one }) => one).filter(Boolean))
    if (unsent.some((one) => mine.has(one.client_id))) {
      unsent = unsent.filter((one) => !mine.has(one.client_id))
      keep()
    }
  }

  /** Everything after what is here, page by page. Asked twice at once, it is asked once. */
  function catchUp() {
    if (asking) return asking
    asking = (async () => {
      talk = await api.get(`/conversations/${id}`)
      while (!stopped && last() < talk.last_seq) {
        const { items } = await api.get(`/conversations/${id}/messages`, { after: last(), limit: 100 })
        if (!items.length) break
        take(items)
      }
      say()
      mark()
    })().finally(() => { asking = null })
    return asking
  }

  /** It reached the phone, or with the page in front, the eyes. A lost mark is made up for by the next. */
  function mark() {
    const what = shown ? 'read' : 'delivered'
    const seq = last()
    if (seq <= told[what] || stopped) return
    told[what] = seq
    api.post(shown ? `/conversations/${id}/read` : `/conversations/${id}/delivered`, { seq }).catch(() => { told[what] = 0 })
  }

  async function begin() {
    talk = await api.get(`/conversations/${id}`)
    const { items } = await api.get(`/conversations/${id}/messages`, { limit: PAGE })
    take(items)
    more = Boolean(messages.length) && messages[0].seq > 1
    say()
    mark()
    connect()
  }

  async function earlier() {
    const { items } = await api.get(`/conversations/${id}/messages`, { before: messages[0].seq, limit: PAGE })
    take(items)
    more = messages[0].seq > 1
    say()
  }

  /** Before a file is looked at: a new address, if the one that is here may have ended. */
  async function renew(seq, broken) {
    const old = messages.find((one) => one.seq === seq)
    if (!old || !old.attachment || (!broken && Date.now() - old.got < ADDRESS_MS)) return
    const { items } = await api.get(`/conversations/${id}/messages`, { after: seq - 1, limit: 1 })
    take(items)
    say()
  }

  // --- what is new --------------------------------------------------------------------------------

  function lost() {
    live = false
    socket = null
  }

  function connect() {
    if (stopped || socket) return
    socket = {} // on its way
    api.post('/conversations/tickets', { conversation_id: id }).then(({ ticket }) => {
      if (stopped) return
      const url = `${site.replace(/^http/, 'ws')}/api/v1/conversations/live?ticket=${ticket}&after=${last()}`
      socket = wx.connectSocket({ url, fail: lost })
      socket.onOpen(() => {
        live = true
        heard = Date.now()
      })
      socket.onMessage(({ data }) => hear(JSON.parse(data)))
      const mine = socket
      const ended = () => { if (socket === mine) lost() }
      socket.onClose(ended)
      socket.onError(ended)
    }, lost)
  }

  /** Nothing at all for two pings: the line is dead, and asking takes over. */
  function ping() {
    if (!live) return
    if (Date.now() - heard > 2 * PING_MS) {
      const dead = socket
      lost()
      dead.close({})
    } else socket.send({ data: '{"do":"ping"}', fail: lost })
  }

  function hear(news) {
    if (stopped) return
    heard = Date.now()
    if (news.is === 'typing') return hearTyping(true)
    if (news.conversation) talk = news.conversation
    const items = news.items || []
    if (items.length && items[0].seq > last() + 1) catchUp().catch(() => {})
    else {
      take(items)
      if (items.length) hearTyping(false)
      say()
      mark()
    }
  }

  /** The doctor writes; nothing more is heard of it when they stop. */
  function hearTyping(now) {
    clearTimeout(typingEnds)
    if (now) typingEnds = setTimeout(() => hearTyping(false), TYPING_MS)
    if (now === typing) return
    typing = now
    say()
  }

  // --- what goes out ------------------------------------------------------------------------------

  /** `{text}`, `{choice, text}`, `{fields, text}` or `{kind, path, seconds}`; `quoted_id` with any. */
  function send(said) {
    unsent = unsent.concat(Object.assign({ client_id: newId(), at: new Date().toISOString(), failed: false }, said)).slice(-UNSENT_MOST)
    keep()
    say()
    return deliver()
  }

  function again(clientId) {
    unsent = unsent.map((one) => (one.client_id === clientId ? Object.assign({}, one, { failed: false }) : one))
    say()
    return deliver()
  }

  /** One after the other, so that they arrive in the order in which they were written. */
  async function deliver() {
    if (sending) return
    sending = true
    try {
      for (let one = next(); one && !stopped; one = next()) await deliverOne(one)
    } finally {
      sending = false
    }
  }

  const next = () => unsent.find(({ failed }) => !failed)

  async function deliverOne(one) {
    try {
      take([await patiently(() => post(one))])
    } catch (problem) {
      if (!problem.code) throw problem
      if (problem.unclear) unsent = unsent.map((other) => (other === one ? Object.assign({}, one, { failed: true }) : other))
      else {
        unsent = unsent.filter((other) => other !== one)
        refused(problem, one)
      }
      keep()
    }
    say()
    if (talk.last_seq < last()) catchUp().catch(() => {})
  }

  async function post(one) {
    const body = { client_id: one.client_id, text: one.text || '' }
    if (one.choice) body.choice = one.choice
    if (one.fields) body.fields = one.fields
    if (one.quoted_id) body.quoted_id = one.quoted_id
    if (one.path) {
      const stored = await upload(`/conversations/${id}/attachments`, one.path, { client_id: one.client_id, kind: one.kind })
      Object.assign(body, { attachment_id: stored.id, attachment_kind: one.kind })
    }
    return api.post(`/conversations/${id}/messages`, body)
  }

  async function patiently(attempt) {
    for (let tries = 1; ; tries += 1) {
      try {
        return await attempt()
      } catch (problem) {
        if (!problem.unclear || tries >= TRIES || stopped) throw problem
        await sleep((problem.retryAfter || Math.pow(2, tries) * 0.5) * 1000)
      }
    }
  }

  const polling = setInterval(() => { if (!live && talk) catchUp().catch(() => {}) }, POLL_MS)
  const pinging = setInterval(ping, PING_MS)
  const trying = setInterval(() => { if (talk) connect() }, AGAIN_MS)

  return {
    begin,
    earlier,
    renew,
    catchUp,
    send,
    again,
    /** The doctor sees that one writes; a hint, so only where it costs nothing. */
    write() {
      if (!live || Date.now() - typed < TYPING_EVERY_MS) return
      typed = Date.now()
      socket.send({ data: '{"do":"typing"}', fail() {} })
    },
    /** Whether the page is in front. */
    show(now) {
      shown = now
      if (talk && now) catchUp().catch(() => {}) // the socket may have died meanwhile
    },
    stop() {
      stopped = true
      clearInterval(polling)
      clearInterval(trying)
      clearInterval(pinging)
      clearTimeout(typingEnds)
      if (socket && socket.close) socket.close({})
    },
  }
}

module.exports = { open }
