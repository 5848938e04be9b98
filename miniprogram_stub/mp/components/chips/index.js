// One of a few short words. `items`: [{value, text}], one that can't be chosen with `disabled` and a
// `note` that says why; `columns`: that many of one width side by side, instead of each as wide as
// its words. Event: `change` with `{value}`.
Component({
  properties: {
    label: String,
    items: { type: Array, value: [] },
    value: String,
    columns: Number,
  },
  methods: {
    pick(event) {
      const { value, disabled } = event.currentTarget.dataset
      if (!disabled && value !== this.data.value) this.triggerEvent('change', { value })
    },
  },
})
