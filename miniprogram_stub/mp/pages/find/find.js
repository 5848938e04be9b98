// Find care: institutions, the nearest first, or whatever a word leads to: what hurts, a
// department, a doctor, a name.
const page = require('../../utils/page')
const api = require('../../utils/api')
const format = require('../../utils/format')
const place = require('../../utils/place')
const recent = require('../../utils/recent')
const call = require('../../utils/call')
const emergencyPhone = require('../../utils/emergency')

const PAUSE_MS = 400 // after the last key, before the search goes out
const LOCATING_MS = 2000 // the list does not wait longer for the place
const BROWSED = 10
const FOUND = 4
const NEAR_KM = 15 // how far a free place may be to count as near

const SOURCES = {
  schedules: { path: '/schedules', heading: '最早能约的', row: free },
  departments: { path: '/departments', heading: '科室', row: department },
  practitioners: { path: '/practitioners', heading: '医生', row: practitioner },
  organizations: { path: '/organizations', heading: '医院、卫生院、卫生室', row: organization },
}
const TIERS = [{ value: '', text: '全部' }].concat(format.LEVELS)

function organization(found) {
  return {
    id: found.id,
    name: found.name,
    tier: format.TIERS[found.tier],
    far: format.distance(found.distance_km),
    address: found.address,
    hours: format.hours(found.hours),
    phone: found.phone,
    url: `/pages/organization/organization?id=${found.id}`,
  }
}

function department(found, q) {
  const words = found.keywords.slice().sort((a, b) => q.includes(b) - q.includes(a))
  return {
    id: found.id,
    name: found.name,
    note: [found.organization, format.TIERS[found.tier], format.distance(found.distance_km)].filter(Boolean).join(' · '),
    treats: words.length ? `常看：${words.slice(0, 5).join('、')}` : '',
    url: `/pages/department/department?id=${found.id}`,
  }
}

function free(found) {
  const { clinic } = found
  const doctor = clinic.practitioner
  const places = format.places(found)
  return {
    id: found.id,
    name: `${format.day(found.held_on)} ${format.PERIODS[found.period]}`,
    note: [clinic.organization.name, clinic.department.name, doctor && `${doctor.name} ${doctor.title}`].filter(Boolean).join(' · '),
    treats: [format.KINDS[found.kind], found.fee, format.distance(clinic.distance_km)].filter(Boolean).join(' · '),
    places: places.text,
    tone: places.tone,
    url: `/pages/doctor/doctor?${doctor ? `id=${doctor.id}&` : ''}department=${clinic.department.id}&on=${found.held_on}`,
  }
}

function practitioner(found) {
  return {
    id: found.id,
    name: `${found.name} ${found.title}`,
    note: found.roles.map((role) => `${role.organization} ${role.department}${role.kind === 'outreach' ? '（定期坐诊）' : ''}`).join('；'),
    treats: found.good_at ? `擅长：${found.good_at}` : '',
    url: `/pages/doctor/doctor?id=${found.id}`,
  }
}

page({
  data: {
    kinds: [{ value: 'organizations', text: '医院' }, { value: 'departments', text: '科室' }, { value: 'practitioners', text: '医生' }, { value: 'schedules', text: '有号' }],
    tiers: TIERS,
    kind: 'organizations',
    tier: '',
    q: '',
    searched: '', // the word that `sections` answer; '' while browsing
    sections: [],
    words: [],
    blanks: [1, 2, 3, 4, 5, 6, 7, 8], // where the words will be
    emergency: '120',
    recent: [],
    near: false,
    nearKm: NEAR_KM,
    place: 'ask', // ask, locating, on, refused, failed
    adding: '', // the section that is being lengthened
    searching: false,
  },

  onLoad() {
    this.lists = {}
    this.setData({ recent: recent.list() })
    return this.open()
  },

  onUnload() {
    clearTimeout(this.timer)
  },

  /** Browse; with the place if the user allowed it before. */
  open() {
    return this.show(async () => {
      const [near, words, emergency] = await Promise.all([this.located(), this.commonWords(), emergencyPhone()])
      const sections = await this.sections(['organizations'], '', near)
      return { sections, words, emergency, near: Boolean(near), place: near ? 'on' : 'ask' }
    })
  },

  located() {
    if (!place.isOn()) return Promise.resolve('')
    const late = new Promise((resolve) => setTimeout(resolve, LOCATING_MS, place.current()))
    return Promise.race([place.find().catch(() => place.current()), late])
  },

  commonWords() {
    return api.get('/symptom-words').then(({ items }) => items, () => []) // only a help
  },

  /** First pages of some kinds; of a search, only what was found. */
  sections(kinds, q, near) {
    this.lists = {}
    const limit = q ? FOUND : BROWSED
    return Promise.all(kinds.map((kind) => {
      const query = { q, limit }
      if (kind !== 'practitioners') Object.assign(query, { near, tier: q ? '' : this.data.tier })
      if (kind === 'schedules') Object.assign(query, { free: true, within_km: near ? NEAR_KM : '' })
      const list = (this.lists[kind] = api.list(SOURCES[kind].path, query))
      return list.more().then((found) => ({
        kind,
        heading: q ? SOURCES[kind].heading : '',
        items: found.map((one) => SOURCES[kind].row(one, q)),
        done: list.done,
      }))
    })).then((sections) => (q ? sections.filter(({ items }) => items.length) : sections))
  },

  reload() {
    clearTimeout(this.timer)
    const q = this.data.q.trim()
    const kinds = q ? this.order() : [this.data.kind]
    this.setData({ searching: true })
    return this.show(() => this.sections(kinds, q, place.current()).then((sections) => ({
      sections, searched: q, near: Boolean(place.current()),
    }))).then(() => { if (q === this.data.q.trim()) this.setData({ searching: false }) })
  },

  /** Elder mode begins with what can be booked at once. */
  order() {
    const rest = ['departments', 'practitioners', 'organizations']
    return this.data.elder ? ['schedules'].concat(rest) : ['departments', 'schedules', 'practitioners', 'organizations']
  },

  onPullDownRefresh() {
    const again = this.data.loading ? this.open() : this.reload()
    again.then(() => wx.stopPullDownRefresh())
  },

  retry() {
    return this.data.loading || !this.data.sections.length && !this.data.q ? this.open() : this.reload()
  },

  // --- searching ---

  type({ detail }) {
    this.setData({ q: detail.value })
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.reload(), PAUSE_MS)
  },

  search() {
    this.remember()
    return this.reload()
  },

  clear() {
    this.setData({ q: '' })
    return this.reload()
  },

  pickWord({ currentTarget }) {
    this.setData({ q: currentTarget.dataset.word })
    return this.search()
  },

  /** A word is worth keeping when it was asked for outright, or led somewhere. */
  remember() {
    const q = this.data.q.trim()
    if (q) this.setData({ recent: recent.add(q) })
  },

  forget() {
    recent.clear()
    this.setData({ recent: [] })
  },

  more({ currentTarget }) {
    const { kind } = currentTarget.dataset
    const { sections, searched, adding } = this.data
    if (adding) return undefined
    const list = this.lists[kind]
    const at = sections.findIndex((section) => section.kind === kind)
    this.setData({ adding: kind })
    return list.more().then((found) => {
      if (this.lists[kind] !== list) return
      const items = sections[at].items.concat(found.map((one) => SOURCES[kind].row(one, searched)))
      this.setData({ [`sections[${at}].items`]: items, [`sections[${at}].done`]: list.done })
    }, (problem) => wx.showToast({ title: problem.title, icon: 'none' }))
      .then(() => this.setData({ adding: '' }))
  },

  // --- browsing ---

  pickKind({ detail }) {
    this.setData({ kind: detail.value })
    return this.reload()
  },

  pickTier({ detail }) {
    this.setData({ tier: detail.value })
    return this.reload()
  },

  // --- the place ---

  locate() {
    this.setData({ place: 'locating' })
    return place.find().then(
      () => { this.setData({ place: 'on' }); return this.reload() },
      (why) => this.setData({ place: why }),
    )
  },

  openSettings() {
    return place.openSettings().then((allowed) => (allowed ? this.locate() : undefined))
  },

  stopLocating() {
    place.turnOff()
    this.setData({ place: 'ask' })
    return this.reload()
  },

  call({ currentTarget }) {
    call(currentTarget.dataset.phone)
  },
})
