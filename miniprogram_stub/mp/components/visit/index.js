// An appointment at a glance, leading to its page. `item`: what `format.visit` makes.
Component({
  properties: {
    item: { type: Object, value: {} },
  },
})
