// One message of a conversation. `item` is made by words.js. Events: `more` (what can be done with
// it), `again` (send what was not sent), `look` (a picture), `broken` (it did not come), `play` (a
// voice note), `open` (where a card leads).
Component({
  properties: { item: { type: Object, value: { links: [] } }, playing: Boolean },
  methods: {
    more() { this.triggerEvent('more') },
    again() { this.triggerEvent('again') },
    look() { this.triggerEvent('look') },
    broken() { this.triggerEvent('broken') },
    play() { this.triggerEvent('play') },
    open(event) { this.triggerEvent('open', event.currentTarget.dataset) },
  },
})
