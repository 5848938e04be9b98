// Days to choose from. `days`: [{on, near, date, note}], `note` being what may be had that day.
// Event: `change` with `{value}`.
Component({
  properties: {
    days: { type: Array, value: [] },
    value: String,
  },
  data: { into: '' },
  observers: {
    /** The day to begin with may be far along; afterwards the bar stays where the finger left it. */
    'days, value'(days, value) {
      if (this.begun || !value || !days.length) return
      this.begun = true
      this.setData({ into: `day-${value}` })
    },
  },
  methods: {
    pick(event) {
      const value = event.currentTarget.dataset.on
      if (value !== this.data.value) this.triggerEvent('change', { value })
    },
  },
})
