const network = require('./utils/network')

App({
  onLaunch() {
    network.watch()
  },
  // An old link, or one from a newer version: home always exists.
  onPageNotFound() {
    wx.reLaunch({ url: '/pages/home/home' })
  },
})
