// Roughly where the user is, to show the nearest first: asked for on their tap, never kept on disk
// (only that they said yes), and left out without any loss when they say no.
const KEY = 'near-me'
const SCOPE = 'scope.userFuzzyLocation'
let near = ''

const isOn = () => Boolean(wx.getStorageSync(KEY))

/** `latitude,longitude` for the API's `near`; '' as long as it is not known. */
const current = () => near

/** Resolves to `near`; rejects with 'refused' or 'failed'. WeChat asks the user the first time. */
function find() {
  return new Promise((resolve, reject) => wx.getFuzzyLocation({
    type: 'gcj02',
    success({ latitude, longitude }) {
      near = `${latitude.toFixed(3)},${longitude.toFixed(3)}`
      wx.setStorageSync(KEY, true)
      resolve(near)
    },
    fail: ({ errMsg }) => reject(/auth|deny|privacy/i.test(errMsg || '') ? 'refused' : 'failed'),
  }))
}

/** WeChat's own settings, for somebody who refused before; resolves to whether it is allowed now. */
function openSettings() {
  return new Promise((resolve) => wx.openSetting({
    success: ({ authSetting }) => resolve(Boolean(authSetting[SCOPE])),
    fail: () => resolve(false),
  }))
}

function turnOff() {
  near = ''
  wx.removeStorageSync(KEY)
}

module.exports = { isOn, current, find, openSettings, turnOff }
