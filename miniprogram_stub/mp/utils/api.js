// The service's API as pages use it. Paths are below /api/v1; every failure is a Problem.
const { Problem, send } = require('./http')
const session = require('./session')

// What the service shows to everybody; the rest needs a log-in.
const PUBLIC = /^\/(organizations|departments|practitioners|symptom-words|schedules|slots|draws|announcements|terms)\b/
const TRIES = 3
const PATIENCE_MS = 8000 // when that much time has passed, people are asked before another try
const WAIT_MOST_S = 3
const KEPT_MOST = 60
const kept = new Map() // address → {etag, data}: what need not be sent again

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** `get('/slots', {schedule: id})`. Tried again by itself when the network or the service falters. */
function get(path, query) {
  const address = path + search(query)
  return patiently(() => (PUBLIC.test(path) ? read(address) : authorized({ path: address })))
}

function search(query) {
  const pairs = Object.keys(query || {})
    .filter((name) => query[name] !== undefined && query[name] !== null && query[name] !== '')
    .map((name) => `${name}=${encodeURIComponent(query[name])}`)
  return pairs.length ? '?' + pairs.join('&') : ''
}

function read(address) {
  const old = kept.get(address)
  const header = old ? { 'if-none-match': old.etag } : {}
  return send({ path: address, header }).then(({ status, data, headers }) => {
    if (status === 304) return old.data
    if (headers.etag) keep(address, { etag: headers.etag, data })
    return data
  })
}

function keep(address, answer) {
  kept.delete(address)
  kept.set(address, answer)
  if (kept.size > KEPT_MOST) kept.delete(kept.keys().next().value)
}

/** With the token; logs in again, once, when the service no longer knows it. */
function authorized(request) {
  const attempt = (token) => send(Object.assign({}, request, {
    header: Object.assign({ authorization: 'Bearer ' + token }, request.header),
  }))
  return session.authorize().then((token) => attempt(token).catch((problem) => {
    if (problem.status !== 401) throw problem
    return session.renew(token).then(attempt)
  })).then(({ data }) => data)
}

/** Repeats what may be repeated: a read, or a deed with its key. */
function patiently(attempt) {
  const began = Date.now()
  const again = (tries) => attempt().catch((problem) => {
    const pause = problem.retryAfter || 0.4 * Math.pow(2, tries) * (0.5 + Math.random())
    const hopeless = !problem.unclear || problem.status === 500 || pause > WAIT_MOST_S
    if (hopeless || tries + 1 >= TRIES || Date.now() - began > PATIENCE_MS) throw problem
    return sleep(pause * 1000).then(() => again(tries + 1))
  })
  return again(0)
}

// Schedules share where and with whom they are, and their rules: both stand once in each page.
const whole = (page) => (item) => Object.assign({}, item, {
  clinic: page.clinics[item.clinic_index], rules: page.rules[item.rules_index],
})

/** All pages of a list, one `more()` at a time: it resolves to the next items. */
function list(path, query) {
  let next
  const pages = {
    done: false,
    more: () => get(path, Object.assign({}, query, { cursor: next })).then((page) => {
      next = page.next
      pages.done = !next
      return page.clinics ? page.items.map(whole(page)) : page.items
    }),
  }
  return pages
}

/** A list as a whole, as far as it is of any use to people. */
async function all(path, query, most = 400) {
  const pages = list(path, Object.assign({ limit: 100 }, query))
  let found = []
  while (!pages.done && found.length < most) found = found.concat(await pages.more())
  return found
}

function newKey() {
  const part = () => Math.random().toString(36).slice(2, 12)
  return `mp-${Date.now().toString(36)}-${part()}${part()}`.slice(0, 64)
}

/**
 * A deed that is done once, however often it is tapped or sent: `const book = deed()`, then
 * `book('/appointments', body)`. While it runs, further calls get the same promise. When its end
 * is unclear (no network, busy), the same request goes out under the same key the next time.
 */
function deed() {
  let key = ''
  let meant = ''
  let running = null
  return (path, body = {}) => {
    if (running) return running
    const meaning = path + JSON.stringify(body)
    if (!key || meaning !== meant) key = newKey()
    meant = meaning
    const request = { method: 'POST', path, body, header: { 'idempotency-key': key } }
    running = patiently(() => authorized(request)).then((answer) => {
      key = ''
      return answer
    }, (problem) => {
      if (!problem.unclear) key = ''
      throw problem
    }).finally(() => { running = null })
    return running
  }
}

/** A POST that may be sent without a key. */
const post = (path, body) => authorized({ method: 'POST', path, body })

/** A change of some fields. `wx.request` knows no PATCH; the service takes PUT for it. */
const change = (path, body) => authorized({ method: 'PUT', path, body })

const remove = (path) => authorized({ method: 'DELETE', path })

module.exports = { Problem, get, list, all, deed, post, change, remove }
