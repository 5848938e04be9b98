// Ask: begin a conversation, go on with an old one, find what was said.
const api = require('../../utils/api')
const dial = require('../../utils/call')
const askEmergency = require('../../utils/emergency')
const format = require('../../utils/format')
const page = require('../../utils/page')
const people = require('../../utils/people')
const session = require('../../utils/session')

const STATES = {
  bot: ['程序在问', 'wait'], waiting: ['等医生', 'wait'], escalated: ['等医生', 'wait'], open: ['医生在回复', 'good'], closed: ['已结束', 'plain'], rated: ['已结束', 'plain'],
}
const WHO = { resident: '我', bot: '程序', doctor: '医生', system: '提示' }

function shown(found) {
  const [state, tone] = STATES[found.state]
  const title = found.patient ? `${found.patient.name}的事` : '没有选人'
  const time = format.ago(found.last_at)
  return {
    id: found.id, title, state, tone, preview: found.preview || '还没有写什么', unread: found.unread, time,
    label: `${title}，${state}，${found.unread ? found.unread + ' 条没看，' : ''}${found.preview}，${time}`,
  }
}

page({
  data: {
    emergency: '120', people: [], patient: '', items: [], done: false, fetching: false, busy: false, refusal: null,
    word: '', asked: '', found: [], finding: false,
  },

  onLoad({ patient }) {
    this.wanted = patient || ''
    this.begun = api.deed()
    askEmergency().then((emergency) => this.setData({ emergency }))
    return this.load()
  },

  // Back from a conversation, or from adding somebody.
  onShow() {
    return this.data.loading ? undefined : this.load()
  },

  onPullDownRefresh() {
    return this.load().finally(() => wx.stopPullDownRefresh())
  },

  load() {
    return this.show(async () => {
      await session.authorize()
      const list = api.list('/conversations')
      const [{ items: patients }, items] = await Promise.all([api.get('/patients'), list.more()])
      const able = patients.filter(({ state }) => state === 'active')
      const standard = able.find(({ is_default }) => is_default) || able[0]
      this.list = list
      return {
        people: able.map(({ id, name, relation, sex }) => ({ value: id, text: `${people.patientIs(relation, sex)} ${name}` })),
        patient: this.data.patient || this.wanted || (standard ? standard.id : ''),
        items: items.map(shown),
        done: list.done,
      }
    })
  },

  async more() {
    if (this.data.fetching || this.data.done) return
    const { list } = this
    await this.during('fetching', async () => {
      const items = await list.more()
      if (list === this.list) this.setData({ items: this.data.items.concat(items.map(shown)), done: list.done })
    })
  },

  pick({ detail }) {
    this.setData({ patient: detail.value })
  },

  begin() {
    return this.during('busy', async () => {
      const { id } = await this.begun('/conversations', { patient_id: this.data.patient || null })
      wx.navigateTo({ url: `/pages/chat/chat?id=${id}` })
    })
  },

  type({ detail }) {
    this.setData({ word: detail.value.trim() })
  },

  search() {
    const { word } = this.data
    return this.during('finding', async () => {
      const { items } = await api.get('/conversations/search', { q: word })
      const found = items.map((one) => ({
        key: one.id, conversation: one.conversation_id, seq: one.seq, text: one.text, who: WHO[one.author], time: format.ago(one.at),
      }))
      this.setData({ asked: word, found })
    })
  },

  forget() {
    this.setData({ asked: '', word: '', found: [] })
  },

  call() {
    dial(this.data.emergency)
  },
})
