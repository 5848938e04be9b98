// A phone for tests of page logic: `wx` in memory, a service that answers as told, and pages that
// run without a view.
const path = require('node:path')

const MP = path.join(__dirname, '..', 'mp')

/**
 * `answers`: 'GET /organizations' → data, a {status, data}, or a function of the request that
 * returns either; 'offline' loses it. What is not told is not found. Whatever pages ask of WeChat
 * is in `calls`; `replies` says what WeChat answers, an `errMsg` being a refusal. `known` are parts
 * of `wx` that a test brings along.
 */
function phone({ answers = {}, storage = {}, replies = {}, known: more = {} } = {}) {
  const kept = Object.assign({ 'privacy-agreed': 'test', token: 'token' }, storage)
  const calls = []
  const requests = []
  const respond = ({ url, method = 'GET', data, header, success, fail }) => {
    const { pathname, searchParams } = new URL(url)
    const request = {
      method,
      path: pathname.replace('/api/v1', ''),
      query: Object.fromEntries(searchParams),
      body: data,
      header,
      key: header['idempotency-key'],
    }
    requests.push(request)
    const told = answers[`${method} ${request.path}`]
    Promise.resolve().then(() => (typeof told === 'function' ? told(request) : told)).then((found) => {
      if (found === 'offline') return fail({ errMsg: 'request:fail' })
      const answer = found === undefined ? problem(404, 'not-found') : typeof found.status === 'number' ? found : { status: 200, data: found }
      return success({ statusCode: answer.status, data: answer.data, header: answer.header || {} })
    })
  }
  const known = {
    request: respond,
    getStorageSync: (key) => (key in kept ? kept[key] : ''),
    setStorageSync: (key, value) => { kept[key] = value },
    removeStorageSync: (key) => { delete kept[key] },
    getStorageInfoSync: () => ({ keys: Object.keys(kept) }),
    getAppBaseInfo: () => ({}),
    getDeviceInfo: () => ({}),
    login: ({ success }) => success({ code: 'code' }),
    ...more,
  }
  globalThis.wx = new Proxy(known, {
    get: (_, name) => known[name] || ((options = {}) => {
      calls.push([name, options])
      const reply = replies[name]
      if (reply && reply.errMsg) options.fail?.(reply)
      else if (reply) options.success?.(reply)
      return Promise.resolve(reply)
    }),
  })
  globalThis.getCurrentPages = () => [{}, {}]
  Object.keys(require.cache).filter((file) => file.startsWith(MP)).forEach((file) => { delete require.cache[file] })
  return { calls, requests, kept, called: (name) => calls.filter(([api]) => api === name).map(([, options]) => options) }
}

const problem = (status, code, more = {}) => ({
  status, data: Object.assign({ code, title: code, detail: `详情 ${code}` }, more),
})

/** A page as WeChat would open it; `page.data` is what its view would see. */
async function open(name, query = {}) {
  let definition
  globalThis.Page = (found) => { definition = found }
  require(path.join(MP, 'pages', name, name))
  const page = Object.assign({}, definition, {
    data: structuredClone(definition.data),
    selectComponent: () => null,
    setData(changes, then) {
      Object.keys(changes).forEach((key) => put(page.data, key, structuredClone(changes[key])))
      then?.call(page)
    },
  })
  await page.onLoad?.(query)
  await page.onShow?.()
  return page
}

function put(data, key, value) {
  const parts = key.replace(/\[(\d+)\]/g, '.$1').split('.')
  const last = parts.pop()
  parts.reduce((inner, part) => inner[part], data)[last] = value
}

const tap = (dataset = {}, detail) => ({ currentTarget: { dataset }, detail })
const mp = (file) => require(path.join(MP, file))

module.exports = { phone, open, problem, tap, mp }
