// A sentence that wants to be seen, and is read out when it appears.
const SIGNS = { info: 'info', good: 'check', warn: 'warn', bad: 'warn', offline: 'offline' }

Component({
  options: { multipleSlots: false },
  properties: {
    kind: { type: String, value: 'info' },
    title: String,
    text: String,
  },
  data: { sign: 'info' },
  observers: {
    kind(kind) {
      this.setData({ sign: SIGNS[kind] || 'info' })
    },
  },
})
