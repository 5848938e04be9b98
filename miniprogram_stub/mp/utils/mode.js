// 长辈模式 and the size of text: remembered on this phone, and the same on every page.
const KEY = 'mode'
const SIZES = [1, 1.2, 1.4]
const listeners = new Set()
let kept = Object.assign({ elder: false, size: 1 }, wx.getStorageSync(KEY))

// What the user set in WeChat itself; never smaller than designed.
function factor() {
  const base = wx.getAppBaseInfo ? wx.getAppBaseInfo() : {}
  return Math.min(Math.max(base.fontSizeScaleFactor || 1, 1), 1.5)
}

function now() {
  return { elder: kept.elder, size: kept.size, scale: Math.round(factor() * kept.size * 100) / 100 }
}

function change(wanted) {
  kept = Object.assign({}, kept, wanted)
  wx.setStorageSync(KEY, kept)
  listeners.forEach((listener) => listener(now()))
}

/** Call `listener(mode)` on each change; returns how to stop. */
function listen(listener) {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

module.exports = {
  SIZES,
  now,
  listen,
  setElder: (elder) => change({ elder }),
  setSize: (size) => change({ size }),
}
