// A draw: what it is for, taking part, and the result. Without a draw: the entries of all in one's care.
const api = require('../../utils/api')
const format = require('../../utils/format')
const page = require('../../utils/page')
const session = require('../../utils/session')

const OUTCOMES = {
  waiting: { text: '等开奖', tone: 'wait' },
  won: { text: '摇中了', tone: 'good' },
  lost: { text: '没摇中', tone: 'plain' },
  withdrawn: { text: '退出了', tone: 'plain' },
}

function lot(found) {
  const doctor = found.practitioner
  return {
    id: found.id,
    day: `${format.day(found.held_on)} ${format.PERIODS[found.period]}`,
    kind: format.KINDS[found.kind],
    doctor: doctor ? `${doctor.name} ${doctor.title}` : '不指定医生',
    place: `${found.organization.name} ${found.department.name}`,
    open: found.open,
    over: found.state === 'drawn',
    soon: found.state === 'announced' && !found.open,
    opens: format.moment(found.opens_at),
    closes: format.moment(found.closes_at),
    entries: found.entries,
    places: found.places,
    hash: found.seed_hash,
    seed: found.seed,
  }
}

function entry(found) {
  return {
    id: found.id,
    draw: lot(found.draw),
    patient: found.patient,
    code: found.code,
    rank: found.rank,
    outcome: found.outcome,
    said: OUTCOMES[found.outcome],
    appointment: found.appointment_id || '',
    open: found.outcome === 'waiting' && found.draw.open,
    why: found.reason ? '轮到时不能约：当天已有预约，或正在限约。' : '',
  }
}

page({
  data: { lot: null, mine: [], people: [], who: '', agreed: false, busy: false, refusal: null, missing: false },

  onLoad({ id = '', schedule = '' }) {
    this.wanted = { id, schedule }
    this.enter = api.deed()
    return this.load()
  },

  onPullDownRefresh() {
    return this.load().finally(() => wx.stopPullDownRefresh())
  },

  load() {
    return this.show(async () => {
      const agreed = session.hasAgreed()
      const [found, own, people] = await Promise.all([
        this.find(),
        agreed ? api.get('/me/draws') : { items: [] },
        agreed ? api.get('/patients') : { items: [] },
      ])
      const asked = Boolean(this.wanted.id || this.wanted.schedule)
      const mine = own.items.filter(({ draw }) => !found || draw.id === found.id).map(entry)
      const inIt = mine.filter(({ outcome }) => outcome !== 'withdrawn').map(({ patient }) => patient.id)
      const free = people.items.filter(({ id, scope }) => scope !== 'view' && !inIt.includes(id))
      return {
        agreed, mine, missing: asked && !found, lot: found && lot(found), people: free,
        who: free.length ? free[0].id : '',
      }
    })
  },

  async find() {
    const { id, schedule } = this.wanted
    if (id) return api.get(`/draws/${id}`)
    if (!schedule) return null
    const { items } = await api.get('/draws', { schedule })
    return items[0] || null
  },

  pick(event) {
    this.setData({ who: event.currentTarget.dataset.id, refusal: null })
  },

  join() {
    if (!this.data.who) return undefined
    return this.during('busy', async () => {
      await this.enter(`/draws/${this.data.lot.id}/entries`, { patient_id: this.data.who })
      wx.showToast({ title: '报上了' })
      await this.load()
    })
  },

  leave(event) {
    const { draw, patient } = event.currentTarget.dataset
    return this.during('busy', async () => {
      await api.remove(`/draws/${draw}/entries/${patient}`)
      wx.showToast({ title: '退出了' })
      await this.load()
    })
  },

  findDoctor() {
    wx.switchTab({ url: '/pages/find/find' })
  },
})
