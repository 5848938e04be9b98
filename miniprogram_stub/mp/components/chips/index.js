// One of a few short words. `items`: [{value, text}]; `columns`: that many of
// one width side by side, instead of each as wide as its words. Event: `change` with `{value}`.
Component({
  properties: {
    label: String,
    items: { type: Array, value: [] },
    value: String,
    columns: Number,
  },
  methods: {
    pick(event) {
      const value = event.currentTarget.dataset.value
      if (value !== this.data.value) this.triggerEvent('change', { value })
    },
  },
})
