// One conversation: with the program first, with a doctor as soon as one has it.
const api = require('../../utils/api')
const dial = require('../../utils/call')
const askEmergency = require('../../utils/emergency')
const format = require('../../utils/format')
const page = require('../../utils/page')
const feed = require('./feed')
const recorder = require('./recorder')
const words = require('./words')

const PICTURES_MOST = 3 // at once
const PICTURE = { quality: 80, compressedWidth: 2048, compressedHeight: 2048 }
const MARKS = [['5', '很有帮助'], ['4', '有帮助'], ['3', '一般'], ['2', '帮助不大'], ['1', '没有帮助']].map(([value, text]) => ({ value, text }))

page({
  data: {
    emergency: '120', status: {}, items: [], more: false, fetching: false, choices: [], form: null, filled: {}, alarm: null,
    draft: '', quote: null, recording: null, playing: '', busy: false, refusal: null, over: false, writable: false,
    rateable: false, typing: '', rated: '', marks: MARKS, mark: '', words: '', reopens: '', placeholder: '', to: '',
  },

  onLoad({ id, at }) {
    this.id = id
    this.at = Number(at) || 0
    this.handOver = api.deed()
    this.giveMark = api.deed()
    this.mended = new Set()
    this.setData({ alarm: wx.getStorageSync(`danger-${id}`) || null })
    askEmergency().then((emergency) => this.setData({ emergency }))
    this.feed = feed.open(id, (now) => this.changed(now), (problem, one) => this.refused(problem, one))
    return this.load()
  },

  load() {
    return this.show(async () => {
      await this.feed.begin()
      while (this.at && this.now.more && this.now.messages[0].seq > this.at) await this.feed.earlier()
      return {}
    }).then(() => this.toEnd(this.at ? `#m${this.at}` : '#end'))
  },

  // Back from a picture, a card or another app.
  onShow() {
    this.feed.show(true)
  },

  onHide() {
    this.feed.show(false)
    this.silence()
  },

  onUnload() {
    this.silence()
    if (this.recorder) this.recorder.drop()
    this.feed.stop()
  },

  changed(now) {
    const { talk, messages, unsent } = now
    const before = this.now ? this.now.messages.length + this.now.unsent.length : 0
    this.now = now
    const over = talk.state === 'closed' || talk.state === 'rated'
    const stored = messages.filter(({ kind }) => kind !== 'recall')
    const offered = unsent.length || over ? { choices: [], form: null } : words.offers(messages)
    this.setData(Object.assign({
      status: words.status(talk),
      items: stored.map((one, at) => words.item(one, talk, stored[at - 1])).concat(unsent.map(words.unsent)),
      more: now.more,
      typing: now.typing ? '医生正在写…' : '',
      alarm: this.alarmOf(messages),
      over,
      writable: talk.can_write,
      rateable: talk.can_rate,
      rated: talk.rating ? MARKS.find(({ value }) => value === String(talk.rating)).text : '',
      reopens: over && talk.can_write && talk.reopens_until ? format.moment(talk.reopens_until) : '',
      to: talk.state === 'open' ? '医生' : talk.state === 'bot' ? '分诊程序' : '医生',
      placeholder: talk.state === 'bot' ? '写下哪里不舒服、多久了' : '写给医生',
    }, offered))
    if (before && messages.length + unsent.length > before) this.toEnd('#end')
  },

  /**
   * What to do at once, until it was seen: it stands above everything else, also without the network
   * and when the page was closed meanwhile. Two dangers: both.
   */
  alarmOf(messages) {
    const { alarm } = this.data
    const seen = alarm ? alarm.seq : wx.getStorageSync(`alarm-${this.id}`) || 0
    const said = messages.filter(({ kind, recalled, seq }) => kind === 'emergency' && !recalled && seq > seen)
    if (!said.length) return alarm
    const deeds = said.flatMap(({ text }) => text.split('\n')).filter(Boolean)
    const now = { seq: said[said.length - 1].seq, deeds: [...new Set((alarm ? alarm.deeds : []).concat(deeds))] }
    wx.setStorageSync(`danger-${this.id}`, now)
    return now
  },

  hideAlarm() {
    wx.setStorageSync(`alarm-${this.id}`, this.data.alarm.seq)
    wx.removeStorageSync(`danger-${this.id}`)
    this.setData({ alarm: null })
    this.toEnd('#end')
  },

  /** What is new; while there is a danger, what to do at once, which stands on top. */
  toEnd(selector) {
    const where = this.data.alarm ? { scrollTop: 0 } : { selector }
    wx.nextTick(() => wx.pageScrollTo(Object.assign({ duration: 0, fail() {} }, where)))
  },

  async earlier() {
    if (this.data.fetching) return
    await this.during('fetching', () => this.feed.earlier())
  },

  // --- write ----------------------------------------------------------------------------------------

  write({ detail }) {
    this.setData({ draft: detail.value })
    this.feed.write()
  },

  sendText() {
    const text = this.data.draft.trim()
    if (text) this.send({ text })
  },

  sendChoice(event) {
    const { id, label } = event.currentTarget.dataset
    return this.send({ choice: id, text: label }, true)
  },

  fill(event) {
    const name = event.currentTarget.dataset.name || event.detail.name
    this.setData({ [`filled.${name}`]: event.detail.value })
  },

  sendForm() {
    const { form, filled } = this.data
    const fields = {}
    form.fields.forEach(({ name }) => { if (filled[name]) fields[name] = filled[name] })
    if (!Object.keys(fields).length) return this.setData({ refusal: { title: '还没有填', text: '请至少填一项。不想填可以直接写，或转人工。' } })
    const said = form.fields.filter(({ name }) => fields[name]).map(({ name, label, items, unit }) => {
      const chosen = items.find(({ value }) => value === fields[name])
      return `${label}：${chosen ? chosen.text : fields[name] + (unit || '')}`
    })
    this.setData({ filled: {} })
    return this.send({ fields, text: said.join('；') }, true)
  },

  /** `keepDraft`: what was being written goes on. */
  send(said, keepDraft) {
    const { quote } = this.data
    const more = quote ? { quoted_id: quote.id, quote: `${quote.who}：${quote.text}` } : {}
    this.setData(Object.assign({ quote: null, refusal: null }, keepDraft ? {} : { draft: '' }))
    return this.feed.send(Object.assign({}, said, more))
  },

  resend(event) {
    return this.feed.again(event.currentTarget.dataset.key)
  },

  /** The service will not have it: nothing that was written is lost. */
  refused(problem, one) {
    this.refuse(problem)
    if (one.text && !one.choice && !one.fields && !this.data.draft) this.setData({ draft: one.text })
  },

  async addPicture() {
    try {
      const { tempFiles } = await wx.chooseMedia({ count: PICTURES_MOST, mediaType: ['image'], sourceType: ['album', 'camera'], sizeType: ['compressed'] })
      for (const { tempFilePath: src } of tempFiles) {
        const { tempFilePath: path } = await wx.compressImage(Object.assign({ src }, PICTURE))
        this.send({ kind: 'image', path }, true)
      }
    } catch ({ errMsg = '' }) {
      if (!/cancel/.test(errMsg)) this.setData({ refusal: { title: '没有选成照片', text: '手机没能给出照片。可以在手机设置里允许微信用相册和相机。' } })
    }
  },

  // --- speak ----------------------------------------------------------------------------------------

  startRecording() {
    this.silence()
    this.recorder = recorder.start({
      seconds: (seconds) => this.setData({ recording: { seconds } }),
      done: ({ path, seconds }) => {
        this.setData({ recording: null })
        this.send({ kind: 'voice', path, seconds }, true)
      },
      failed: (text) => this.setData({ recording: null, refusal: { title: '没有录成', text } }),
    })
  },

  stopRecording() {
    this.recorder.stop()
  },

  dropRecording() {
    this.recorder.drop()
    this.setData({ recording: null })
  },

  async play(event) {
    const { key } = event.currentTarget.dataset
    const wasPlaying = this.data.playing
    this.silence()
    if (wasPlaying === key) return
    const { voice } = await this.renewed(key)
    const sound = (this.sound = wx.createInnerAudioContext())
    sound.src = voice.url
    sound.onEnded(() => this.silence())
    sound.onError(() => {
      this.silence()
      this.setData({ refusal: { title: '放不出来', text: '语音没有取到，请看看网络再试。' } })
    })
    sound.play()
    this.setData({ playing: key })
  },

  /** With an address that still holds; without the network, with what is here. */
  async renewed(key) {
    const { seq } = this.data.items.find((one) => one.key === key)
    if (seq) await this.feed.renew(seq).catch(() => {})
    return this.data.items.find((one) => one.key === key)
  },

  /** A picture did not come: its address may have ended while the page was open. Tried once. */
  mend(event) {
    const { key } = event.currentTarget.dataset
    const { seq } = this.data.items.find((one) => one.key === key)
    if (!seq || this.mended.has(key)) return
    this.mended.add(key)
    this.feed.renew(seq, true).catch(() => {})
  },

  silence() {
    if (this.sound) this.sound.destroy()
    this.sound = null
    if (this.data.playing) this.setData({ playing: '' })
  },

  // --- what can be done with a message --------------------------------------------------------------

  async look(event) {
    await this.renewed(event.currentTarget.dataset.key)
    const pictures = this.data.items.filter(({ image }) => image)
    const { image } = pictures.find(({ key }) => key === event.currentTarget.dataset.key)
    wx.previewImage({ current: image.large, urls: pictures.map((one) => one.image.large) })
  },

  follow({ detail }) {
    if (/^\/pages\/(home|find|appointments|me)\//.test(detail.url)) wx.switchTab({ url: detail.url })
    else wx.navigateTo({ url: detail.url })
  },

  async choose(event) {
    const one = this.data.items.find(({ key }) => key === event.currentTarget.dataset.key)
    const deeds = [['引用', () => this.setData({ quote: { id: one.id, who: one.who || '我', text: one.text || '照片或语音' } })]]
    if (one.text) deeds.push(['复制文字', () => wx.setClipboardData({ data: one.text, fail() {} })])
    if (words.mayRecall(one)) deeds.push(['撤回', () => this.recall(one)])
    const { tapIndex } = await wx.showActionSheet({ itemList: deeds.map(([text]) => text) }).catch(() => ({}))
    if (deeds[tapIndex]) deeds[tapIndex][1]()
  },

  recall({ id }) {
    return this.during('busy', async () => {
      await api.post(`/conversations/${this.id}/messages/${id}/recall`)
      await this.feed.catchUp()
    })
  },

  unquote() {
    this.setData({ quote: null })
  },

  // --- the conversation -----------------------------------------------------------------------------

  askHuman() {
    return this.during('busy', async () => {
      await this.handOver(`/conversations/${this.id}/hand-over`)
      await this.feed.catchUp()
    })
  },

  pickMark({ detail }) {
    this.setData({ mark: detail.value })
  },

  setWords({ detail }) {
    this.setData({ words: detail.value })
  },

  rate() {
    const { mark, words: said } = this.data
    return this.during('busy', async () => {
      await this.giveMark(`/conversations/${this.id}/rating`, { rating: Number(mark), words: said.trim() })
      await this.feed.catchUp()
    })
  },

  call() {
    dial(this.data.emergency)
  },
})
