// A dialog from below, for a decision. The page puts text and buttons inside; `close` when the
// user leaves it undecided.
Component({
  properties: {
    show: Boolean,
    heading: String,
  },
  methods: {
    close() {
      this.triggerEvent('close')
    },
    // Scrolling belongs to the sheet, not to the page behind.
    hold() {},
  },
})
