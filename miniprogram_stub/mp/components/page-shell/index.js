// The frame of every page: the sizes of the mode, and the notice when there is no network.
const mode = require('../../utils/mode')
const network = require('../../utils/network')

Component({
  data: { elder: false, scale: 1, online: true },
  lifetimes: {
    created() {
      this.stops = []
    },
    attached() {
      this.setData(Object.assign({ online: network.isOnline() }, mode.now()))
      this.stops = [
        mode.listen((now) => this.setData(now)),
        network.listen((online) => this.setData({ online })),
      ]
    },
    detached() {
      this.stops.forEach((stop) => stop())
    },
  },
})
