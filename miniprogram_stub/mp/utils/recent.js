// What was searched for lately: on this phone only.
const KEY = 'recent-searches'
const MOST = 6

const list = () => wx.getStorageSync(KEY) || []

function add(word) {
  wx.setStorageSync(KEY, [word].concat(list().filter((old) => old !== word)).slice(0, MOST))
  return list()
}

const clear = () => wx.removeStorageSync(KEY)

module.exports = { list, add, clear }
