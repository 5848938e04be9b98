// wx.request and its kin, with WeChat's limits. The county's own address is whoever served this page.
import { modules } from 'mp'
import { news } from '../call.js'
import { noteAsk } from '../first-page.js'
import { connection, isConnected } from '../phone.js'

const AT_ONCE = 10
const TIMEOUT_MS = 60000
const BACKGROUND_MS = 5000
const METHODS = ['OPTIONS', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'TRACE', 'CONNECT']
const files = new Map() // temporary path → Blob

const site = (() => {
  const module = { exports: {} }
  modules['utils/config']?.(() => ({}), module, module.exports)
  return module.exports.site
})()

let running = 0
const queue = new Set()

/** WeChat sends ten at once and keeps the others waiting. Throws once `signal` takes one out. */
async function inTurn(signal, work) {
  signal.throwIfAborted()
  if (running < AT_ONCE) running += 1
  else {
    await new Promise((go, leave) => {
      queue.add(go)
      signal.addEventListener('abort', () => queue.delete(go) && leave(signal.reason))
    })
  }
  try {
    return await work()
  } finally {
    const [next] = queue
    queue.delete(next)
    if (next) next() // it takes over the place
    else running -= 1
  }
}

let asleep = false
let dozing
const underWay = new Set()

/** Five seconds in the background end what is under way, and what is tried from then on. */
document.addEventListener('visibilitychange', () => {
  clearTimeout(dozing)
  asleep = false
  if (document.hidden) dozing = setTimeout(() => {
    asleep = true
    underWay.forEach((control) => control.abort('interrupted'))
  }, BACKGROUND_MS)
})

/** The address here for one that the mini-program names; undefined: not an allowed domain. */
function address(url) {
  if (typeof url !== 'string' || !URL.canParse(url)) return null
  const { origin, pathname, search } = new URL(url)
  return origin === site ? pathname + search : undefined
}

function withQuery(url, data) {
  if (!data || typeof data !== 'object') return url
  const query = new URLSearchParams(Object.entries(data).filter(([, value]) => value !== undefined)).toString()
  return query ? url + (url.includes('?') ? '&' : '?') + query : url
}

/** An answer that `early.js` asked for before the code was there: each is taken once. */
function takeEarly(where, { authorization }, signal) {
  const asked = globalThis.early?.asked.get(where)
  if (!asked || asked.authorization !== authorization) return null
  globalThis.early.asked.delete(where)
  return Promise.race([asked.answer, new Promise((_, reject) => signal.addEventListener('abort', reject))])
}

function bodyOf(data, type) {
  if (data === undefined || data === null) return undefined
  if (typeof data === 'string' || data instanceof ArrayBuffer) return data
  return /x-www-form-urlencoded/.test(type) ? new URLSearchParams(data).toString() : JSON.stringify(data)
}

const ERRNO = { timeout: 5, interrupted: 600001, abort: 600004 }

/** What goes out, or why nothing may. */
function prepare(name, { url, method = 'GET', data, header = {}, form }) {
  const verb = method.toUpperCase()
  const where = address(url)
  if (where === null) throw { errMsg: `${name}:fail invalid url "${url}"`, errno: 600009 }
  if (where === undefined) throw { errMsg: `${name}:fail url not in domain list`, errno: 600002 }
  if (!METHODS.includes(verb)) throw { errMsg: `${name}:fail invalid method "${method}"` }
  if (!isConnected()) throw { errMsg: `${name}:fail `, errno: 600003 }
  if (form === null) throw { errMsg: `${name}:fail file doesn't exist` }
  const headers = { ...(form ? {} : { 'content-type': 'application/json' }), ...Object.fromEntries(Object.entries(header).map(([key, value]) => [key.toLowerCase(), String(value)])) }
  delete headers.referer
  const bare = verb === 'GET' || verb === 'HEAD'
  return [bare ? withQuery(where, data) : where, {
    method: verb, headers, body: bare ? undefined : form ?? bodyOf(data, headers['content-type']), credentials: 'omit', cache: 'no-store',
  }]
}

function task(name, options, read) {
  const control = new AbortController()
  const { signal } = control
  const headersReceived = news()
  const send = async (where, sent) => {
    const late = setTimeout(() => control.abort('timeout'), options.timeout ?? TIMEOUT_MS)
    try {
      const isRead = sent.method === 'GET'
      if (isRead) noteAsk(where, sent.headers)
      const response = await ((isRead && takeEarly(where, sent.headers, signal)) || fetch(where, { ...sent, signal }))
      const found = { statusCode: response.status, header: Object.fromEntries(response.headers), cookies: [] }
      headersReceived.tell({ header: found.header })
      return { ...found, ...(await read(response, options)), errMsg: `${name}:ok` }
    } finally {
      clearTimeout(late)
    }
  }
  const work = async () => {
    const [where, sent] = prepare(name, options)
    underWay.add(control)
    if (asleep) control.abort('interrupted')
    try {
      return await inTurn(signal, () => send(where, sent))
    } catch {
      const why = signal.aborted ? signal.reason : 'net::ERR_FAILED'
      throw { errMsg: `${name}:fail ${why}`, errno: ERRNO[why] ?? 600001 }
    } finally {
      underWay.delete(control)
    }
  }
  work().then(
    (result) => { options.success?.(result); options.complete?.(result) },
    (refusal) => { options.fail?.(refusal); options.complete?.(refusal) },
  ).catch((error) => reportError(error))
  return { abort: () => control.abort('abort'), onHeadersReceived: headersReceived.on, offHeadersReceived: headersReceived.off }
}

async function readAnswer(response, { dataType = 'json', responseType = 'text' }) {
  if (responseType === 'arraybuffer') return { data: await response.arrayBuffer() }
  const text = await response.text()
  if (dataType !== 'json') return { data: text }
  try {
    return { data: JSON.parse(text) }
  } catch {
    return { data: text }
  }
}

async function readFile(response) {
  const blob = await response.blob()
  const path = `http://tmp/${crypto.randomUUID()}`
  files.set(path, blob)
  return { tempFilePath: path }
}

/** A file that was downloaded or written, or undefined. */
export const fileAt = (path) => files.get(path)

const shown = new Map() // temporary path → the browser's address for it

/** The address here of a temporary file, or of something of the county's; anything else stays as it is. */
export function addressOf(src) {
  const blob = files.get(src)
  if (blob && !shown.has(src)) shown.set(src, URL.createObjectURL(blob))
  return shown.get(src) ?? (address(src) || src)
}

/** A file that a page writes. */
export const keepFile = (path, blob) => files.set(path, blob)

/** One file in a form, as WeChat sends it. */
function formOf({ filePath, name, formData = {} }) {
  const blob = files.get(filePath)
  if (!blob || !name) return null
  const form = new FormData()
  Object.entries(formData).forEach(([key, value]) => form.append(key, value))
  form.append(name, blob, filePath.split('/').pop())
  return form
}

/** The boundary is the browser's to choose, so no content type is set here. */
function uploadFile(options) {
  const form = formOf(options)
  const { header = {} } = options
  const rest = Object.fromEntries(Object.entries(header).filter(([key]) => key.toLowerCase() !== 'content-type'))
  return task('uploadFile', { ...options, method: 'POST', header: rest, form }, async (response) => ({ data: await response.text() }))
}

const SOCKETS_MOST = 5
const sockets = new Set()

/** A socket to the county's own address; WeChat opens five at once and no more. */
function connectSocket({ url, success, fail, complete }) {
  const told = { open: news(), message: news(), close: news(), error: news() }
  const end = (why) => {
    const refusal = { errMsg: `connectSocket:fail ${why}` }
    queueMicrotask(() => { fail?.(refusal); complete?.(refusal); told.error.tell(refusal) })
  }
  const where = address(String(url).replace(/^ws/, 'http'))
  const task = { onOpen: told.open.on, onMessage: told.message.on, onClose: told.close.on, onError: told.error.on, send() {}, close() {} }
  if (!where) end('url not in domain list')
  else if (!isConnected()) end('')
  else if (sockets.size >= SOCKETS_MOST) end('exceed max concurrent 5')
  else {
    const socket = new WebSocket(`${location.protocol.replace('http', 'ws')}//${location.host}${where}`)
    sockets.add(socket)
    socket.onopen = () => told.open.tell({ header: {} })
    socket.onmessage = ({ data }) => told.message.tell({ data })
    socket.onerror = () => told.error.tell({ errMsg: 'connectSocket:fail' })
    socket.onclose = ({ code, reason }) => { sockets.delete(socket); told.close.tell({ code, reason }) }
    task.send = ({ data }) => socket.send(data)
    task.close = ({ code = 1000, reason = '' } = {}) => socket.close(code, reason)
    queueMicrotask(() => { const ok = { errMsg: 'connectSocket:ok' }; success?.(ok); complete?.(ok) })
  }
  return task
}

const changes = news()
connection.on((connected) => changes.tell({ isConnected: connected, networkType: connected ? 'wifi' : 'none' }))

export const network = {
  request: (options) => task('request', options, readAnswer),
  downloadFile: (options) => task('downloadFile', { ...options, method: 'GET' }, readFile),
  uploadFile,
  connectSocket,
  getNetworkType: (options = {}) => {
    const found = { errMsg: 'getNetworkType:ok', networkType: isConnected() ? 'wifi' : 'none', weakNet: false }
    options.success?.(found)
    options.complete?.(found)
    return Promise.resolve(found)
  },
  onNetworkStatusChange: changes.on,
  offNetworkStatusChange: changes.off,
}
