// What a page shows while it has nothing yet: a skeleton, "nothing here", or a problem, and always
// a way on. Events: `retry`, and `act` for the empty state's button.
Component({
  options: { addGlobalClass: true },
  properties: {
    loading: Boolean,
    problem: { type: Object, value: null },
    rows: { type: Number, value: 3 },
    high: Boolean, // as high as an appointment
    title: String,
    text: String,
    action: String,
  },
  data: { lines: [0, 1, 2], wait: 0, privacy: false },
  observers: {
    rows(rows) {
      this.setData({ lines: Array.from({ length: rows }, (_, index) => index) })
    },
    problem(problem) {
      clearInterval(this.ticking)
      const wait = problem ? problem.retryAfter || 0 : 0
      this.setData({ wait, privacy: Boolean(problem) && problem.code === 'privacy-needed' })
      if (wait) this.ticking = setInterval(() => this.tick(), 1000)
    },
  },
  lifetimes: {
    detached() {
      clearInterval(this.ticking)
    },
  },
  methods: {
    // The service said when to come back: until then trying again would only be refused.
    tick() {
      this.setData({ wait: this.data.wait - 1 })
      if (this.data.wait <= 0) clearInterval(this.ticking)
    },
    retry() {
      this.triggerEvent('retry')
    },
    act() {
      this.triggerEvent('act')
    },
  },
})
