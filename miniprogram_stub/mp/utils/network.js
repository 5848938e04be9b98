// Whether there is a network, for the notice on each page.
let online = true
const listeners = new Set()

function watch() {
  wx.getNetworkType({ success: (found) => tell(found.networkType !== 'none') })
  wx.onNetworkStatusChange((change) => tell(change.isConnected))
}

function tell(now) {
  if (now === online) return
  online = now
  listeners.forEach((listener) => listener(now))
}

/** Call `listener(online)` on each change; returns how to stop. */
function listen(listener) {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

module.exports = { watch, listen, isOnline: () => online }
