// Who is using this phone: the agreement to the privacy terms, and the log-in that follows from it.
const { Problem, send } = require('./http')
const place = require('./place')
const recent = require('./recent')

const TOKEN = 'token'
const AGREED = 'privacy-agreed'
const OF_CONVERSATIONS = /^(unsent|alarm|danger)-/ // what pages/chat keeps
let token = wx.getStorageSync(TOKEN) || ''
let loggingIn = null

const NOT_AGREED = {
  status: 403,
  code: 'privacy-needed',
  title: '请先看隐私协议',
  detail: '这里要用到您的个人信息。请先看一下隐私协议，同意后就可以用了。',
}

const hasAgreed = () => Boolean(wx.getStorageSync(AGREED))

/** The version of the terms that this phone's user agreed to. */
const agreedVersion = () => wx.getStorageSync(AGREED)

/** Keep on this phone that the user agreed to a version of the terms. */
function agree(version) {
  wx.setStorageSync(AGREED, version || true)
}

/** Forget everything about this account on this phone. */
function leave() {
  forget()
  recent.clear()
  place.turnOff()
  wx.getStorageInfoSync().keys.filter((key) => OF_CONVERSATIONS.test(key)).forEach((key) => wx.removeStorageSync(key))
  wx.removeStorageSync(AGREED)
}

function forget() {
  token = ''
  wx.removeStorageSync(TOKEN)
}

/** The token to send; logs in first if need be. Many may ask at once: one log-in serves them. */
function authorize() {
  if (!hasAgreed()) return Promise.reject(new Problem(NOT_AGREED))
  if (token) return Promise.resolve(token)
  if (!loggingIn) {
    loggingIn = logIn().finally(() => { loggingIn = null })
  }
  return loggingIn
}

/** The service no longer knows `old`: the next `authorize` logs in anew. */
function renew(old) {
  if (old === token) forget()
  return authorize()
}

function logIn() {
  return code()
    .then((found) => send({ method: 'POST', path: '/login/wechat', body: { code: found, device: device() } }))
    .then(({ data }) => {
      token = data.token
      wx.setStorageSync(TOKEN, token)
      return token
    })
}

/** WeChat's word, once, for who holds this phone now. */
function code() {
  return new Promise((resolve, reject) => {
    wx.login({
      success: (found) => resolve(found.code),
      fail: () => reject(new Problem({ code: 'wechat', title: '微信登录没有成功', detail: '微信登录没有成功，请稍后再试。' })),
    })
  })
}

function device() {
  const found = wx.getDeviceInfo ? wx.getDeviceInfo() : {}
  return [found.brand, found.model].filter(Boolean).join(' ').slice(0, 80)
}

module.exports = { hasAgreed, agreedVersion, agree, authorize, renew, leave, code }
