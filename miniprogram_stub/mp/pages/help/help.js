// How it works in plain words, and a person to talk to.
const page = require('../../utils/page')
const api = require('../../utils/api')
const format = require('../../utils/format')
const mode = require('../../utils/mode')
const place = require('../../utils/place')
const call = require('../../utils/call')
const emergencyPhone = require('../../utils/emergency')

const TOPICS = [
  {
    id: 'book',
    title: '怎么预约',
    lines: [
      '点下面的“找医生”，点一下哪里不舒服，或者选医院。',
      '选科室或医生，再选日期和时间。写着“余号”的还有号。',
      '看清楚要多少钱、最晚什么时候能取消，再点“预约”。',
      '约好后在“我的预约”里能看到。看病当天带上身份证和医保卡。',
    ],
  },
  {
    id: 'cancel',
    title: '来不了，怎么取消或改时间',
    lines: [
      '点“我的预约”，点开那一条。',
      '点“取消”或“改时间”。点之前会告诉您算不算爽约。',
      '早点取消，号就能让给别人。',
    ],
  },
  { id: 'rules', title: '爽约有什么影响', lines: [], rules: true },
  {
    id: 'family',
    title: '替父母、孩子预约',
    lines: [
      '点“我的”，再点“就诊人”，点“添加就诊人”。',
      '父母自己用手机登记过的，要父母点“同意”，您才能帮忙。',
      '不满 18 岁的孩子，由家长添加。',
      '不想让谁再帮忙，点开就诊人，点“不再帮忙”，马上就停。',
    ],
  },
  {
    id: 'elder',
    title: '长辈模式是什么',
    lines: ['字更大，按钮更大，一步只做一件事。', '首页最上面也能打开和关上。'],
  },
  {
    id: 'pay',
    title: '在哪里付钱',
    lines: ['手机上只看价钱，不付钱。看病当天在医院付。', '有人打电话、发消息叫您转账付挂号费，是骗人的。'],
  },
]

page({
  data: {
    emergency: '120', topics: TOPICS, open: '', rules: [], hospitals: [],
  },

  onLoad() {
    return this.load()
  },

  /** Rules and phone numbers are the county's own. The rest of the page does not wait for them. */
  load() {
    return this.show(async () => {
      const [emergency, hospitals, ...rules] = await Promise.all([
        emergencyPhone(), this.hospitals(), ...Object.keys(format.TIERS).map((tier) => this.rulesOf(tier)),
      ])
      return { emergency, hospitals, rules: together(rules.filter(Boolean)) }
    })
  },

  rulesOf(tier) {
    return api.get('/schedules', { tier, limit: 1 })
      .then(({ items, rules }) => (items.length ? { name: format.TIERS[tier], text: rules[items[0].rules_index] } : null))
  },

  hospitals() {
    const near = place.current()
    return api.get('/organizations', near ? { near, limit: 5 } : { tier: 'county', limit: 5 })
      .then(({ items }) => items.filter(({ phone }) => phone).map(({ id, name, phone, hours, distance_km: km }) => ({
        id, name, phone, note: [format.distance(km), format.hours(hours)].filter(Boolean).join(' · '),
      })))
  },

  onPullDownRefresh() {
    this.load().then(() => wx.stopPullDownRefresh())
  },

  toggle({ currentTarget }) {
    const { id } = currentTarget.dataset
    this.setData({ open: this.data.open === id ? '' : id })
  },

  setElder({ detail }) {
    mode.setElder(detail.value)
  },

  call({ currentTarget }) {
    call(currentTarget.dataset.phone)
  },

  find() {
    wx.switchTab({ url: '/pages/find/find' })
  },
})

/** Tiers with the same rules are said once. */
function together(rules) {
  return rules.reduce((said, { name, text }) => {
    const same = said.find((one) => one.text === text)
    if (same) same.name += '、' + name
    else said.push({ name, text })
    return said
  }, [])
}
