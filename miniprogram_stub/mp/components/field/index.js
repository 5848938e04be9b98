// One thing to fill in: label above, hint below, and the error in its place. Event: `change` with
// `{name, value}`. The label is read out together with hint and error.
Component({
  properties: {
    name: String,
    label: String,
    hint: String,
    error: String,
    value: String,
    type: { type: String, value: 'text' },
    placeholder: String,
    maxlength: { type: Number, value: 60 },
    disabled: Boolean,
  },
  methods: {
    typed(event) {
      this.triggerEvent('change', { name: this.data.name, value: event.detail.value })
    },
  },
})
