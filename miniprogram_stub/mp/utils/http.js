// One request to the service: within a time limit, and every failure as a Problem.
const { site } = require('./config')
const network = require('./network')

const BASE = site + '/api/v1'
const LIMIT_MS = 10000

/**
 * What went wrong, as RFC 9457 says it: `code` for programs, `detail` for people. `status` 0: no
 * answer came, so nobody knows whether the request was done.
 */
class Problem extends Error {
  constructor(facts) {
    super(facts.detail)
    Object.assign(this, { status: 0, code: 'unknown', title: '没有成功' }, facts)
  }

  /** The same request may still succeed, or has done so unseen: repeat it with the same key. */
  get unclear() {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500
  }

  /** What a page may hold of it: an Error does not survive setData. */
  plain() {
    const { status, code, title, detail, field = '', retryAfter = 0 } = this
    return { status, code, title, detail, field, retryAfter }
  }
}

const OFFLINE = { code: 'offline', title: '网络不通', detail: '没有连上网络，请检查手机网络后再试。' }
const UNREACHABLE = { code: 'unreachable', title: '连不上服务', detail: '没有连上服务。可能是网络不好，也可能是服务在维护，请稍后再试。' }
const SLOW = { code: 'slow', title: '网络太慢', detail: '等了很久没有回音，请稍后再试。' }
const GARBLED = { code: 'garbled', title: '服务暂时不可用', detail: '服务暂时不可用，请稍后再试。' }

function lower(headers) {
  const found = {}
  Object.keys(headers || {}).forEach((name) => { found[name.toLowerCase()] = headers[name] })
  return found
}

function toProblem(response) {
  const data = response.data
  const known = data && typeof data === 'object' && data.code && data.detail
  const facts = Object.assign({}, known ? data : GARBLED, { status: response.status })
  const wait = facts.retry_after_s || Number(response.headers['retry-after'])
  if (wait) facts.retryAfter = wait
  return new Problem(facts)
}

/** Resolves to {status, data, headers} for 2xx and 304; rejects with a Problem. */
function send({ method = 'GET', path, body, header = {} }) {
  return new Promise((resolve, reject) => {
    wx.request({
      url: BASE + path,
      method,
      data: body,
      header: Object.assign({ 'content-type': 'application/json' }, header),
      timeout: LIMIT_MS,
      success({ statusCode, data, header: headers }) {
        const response = { status: statusCode, data, headers: lower(headers) }
        if (statusCode < 300 || statusCode === 304) resolve(response)
        else reject(toProblem(response))
      },
      fail({ errMsg }) {
        const unreached = network.isOnline() ? UNREACHABLE : OFFLINE
        reject(new Problem(/time ?out/i.test(errMsg || '') ? SLOW : unreached))
      },
    })
  })
}

module.exports = { Problem, send }
