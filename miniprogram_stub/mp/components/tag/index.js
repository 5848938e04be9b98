// A state in a word. Each tone has its own sign, so that nothing depends on colour.
const SIGNS = { good: 'check', wait: 'clock', bad: 'warn', plain: '' }

Component({
  properties: {
    text: String,
    tone: { type: String, value: 'plain' },
  },
  data: { sign: '' },
  observers: {
    tone(tone) {
      this.setData({ sign: SIGNS[tone] || '' })
    },
  },
})
