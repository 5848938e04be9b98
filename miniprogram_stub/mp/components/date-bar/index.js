// Days to choose from. `days`: [{on, near, date, note}], `note` being what may be had that day.
// Event: `change` with `{value}`.
Component({
  properties: {
    days: { type: Array, value: [] },
    value: String,
  },
  methods: {
    pick(event) {
      const value = event.currentTarget.dataset.on
      if (value !== this.data.value) this.triggerEvent('change', { value })
    },
  },
})
