// One file to the service, by WeChat's own call: a form, and the answer as text.
const { site } = require('../../utils/config')
const { Problem } = require('../../utils/http')
const session = require('../../utils/session')

const LIMIT_MS = 60000
const LOST = { code: 'unreachable', title: '没有传上去', detail: '网络不好，照片或语音没有传上去，请再试一次。' }
const GARBLED = { code: 'garbled', title: '没有传上去', detail: '照片或语音没有传上去，请稍后再试。' }

function parse(text) {
  try {
    return JSON.parse(text)
  } catch (_) {
    return null
  }
}

const attempt = (path, filePath, formData) => (token) => new Promise((resolve, reject) => {
  wx.uploadFile({
    url: `${site}/api/v1${path}`, filePath, name: 'file', formData, timeout: LIMIT_MS, header: { authorization: 'Bearer ' + token },
    success({ statusCode, data }) {
      const found = parse(data)
      if (statusCode < 300 && found) resolve(found)
      else reject(new Problem(Object.assign({}, found && found.code ? found : GARBLED, { status: statusCode })))
    },
    fail: () => reject(new Problem(LOST)),
  })
})

/** Resolves to what the service stored; rejects with a Problem. */
module.exports = (path, filePath, formData) => {
  const send = attempt(path, filePath, formData)
  return session.authorize().then((token) => send(token).catch((problem) => {
    if (problem.status !== 401) throw problem
    return session.renew(token).then(send)
  }))
}
