// Choose a day, then a time with its 余号. `query`: what schedules to look for. Events: `pick` with
// `{schedule, slot}`; where one may wait (`waits`) and all is taken, `wait` with `{on}`.
const api = require('../../utils/api')
const mode = require('../../utils/mode')
const times = require('../../utils/times')

Component({
  properties: {
    query: { type: Object, value: null },
    on: String,
    mine: String,
    waits: Boolean,
    alone: Boolean, // only schedules without a doctor of their own
  },
  data: { loading: true, problem: null, elder: false, days: [], day: '', shifts: [], hidden: 0 },
  observers: {
    query(query) {
      if (!query) return
      this.setData({ loading: true }) // what is shown belongs to another place
      this.load()
    },
  },
  lifetimes: {
    attached() {
      this.setData({ elder: mode.now().elder })
      this.stop = mode.listen(({ elder }) => this.setData({ elder }))
    },
    detached() {
      this.stop()
      this.gone = true
    },
  },
  methods: {
    /** Anew from the service; the chosen day stays. */
    load() {
      const turn = (this.turn = (this.turn || 0) + 1)
      this.setData(this.data.problem ? { problem: null, loading: true } : { problem: null })
      return this.find().then((schedules) => {
        if (turn !== this.turn) return undefined
        this.schedules = schedules
        const days = times.days(schedules)
        const day = times.firstDay(days, this.data.day || this.data.on)
        this.setData({ days, loading: false })
        return day ? this.open(day) : undefined
      }).catch((problem) => { if (turn === this.turn) this.fail(problem) })
    },

    async find() {
      const found = await api.all('/schedules', this.data.query)
      return this.data.alone ? found.filter(({ clinic }) => !clinic.practitioner) : found
    },

    change(event) {
      return this.open(event.detail.value).catch((problem) => this.fail(problem))
    },

    async open(day) {
      const shifts = this.schedules.filter(({ held_on: on }) => on === day).map(times.shift)
      this.setData({ day, shifts: shifts.map((shift) => Object.assign({ times: null }, shift)) })
      const slots = await Promise.all(shifts.map(({ id }) => api.get('/slots', { schedule: id })))
      if (this.gone || day !== this.data.day) return
      this.setData({
        shifts: shifts.map((shift, index) => {
          const all = slots[index].items.map((slot) => times.time(slot, this.data.mine))
          // Fewer choices in elder mode: what can't be taken is only counted.
          const shown = this.data.elder ? all.filter(({ open }) => open) : all
          return Object.assign({ times: shown, hidden: all.length - shown.length }, shift)
        }),
      })
    },

    fail(problem) {
      if (!problem.code) throw problem
      if (!this.gone) this.setData({ loading: false, problem: problem.plain() })
    },

    wait() {
      this.triggerEvent('wait', { on: this.data.day })
    },

    pick(event) {
      const { schedule, slot } = event.currentTarget.dataset
      this.triggerEvent('pick', { schedule, slot })
    },
  },
})
