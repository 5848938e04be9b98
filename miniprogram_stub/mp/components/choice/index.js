// One of several, or with `many` some of several. Event: `pick`, when it may be picked.
Component({
  properties: {
    label: String,
    note: String,
    value: String,
    checked: Boolean,
    disabled: Boolean,
    many: Boolean,
  },
  methods: {
    pick() {
      if (!this.data.disabled) this.triggerEvent('pick')
    },
  },
})
