// One of a few short words. `items`: [{value, text}]. Event: `change` with `{value}`.
Component({
  properties: {
    label: String,
    items: { type: Array, value: [] },
    value: String,
  },
  methods: {
    pick(event) {
      const value = event.currentTarget.dataset.value
      if (value !== this.data.value) this.triggerEvent('change', { value })
    },
  },
})
