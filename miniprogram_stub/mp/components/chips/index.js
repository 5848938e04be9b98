// One of a few short words. `items`: [{value, text}]; `even`: side by side, all of one width.
// Event: `change` with `{value}`.
Component({
  properties: {
    label: String,
    items: { type: Array, value: [] },
    value: String,
    even: Boolean,
  },
  methods: {
    pick(event) {
      const value = event.currentTarget.dataset.value
      if (value !== this.data.value) this.triggerEvent('change', { value })
    },
  },
})
