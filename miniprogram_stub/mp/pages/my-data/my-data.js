// What is kept about me, and what I may do with it: one thing at a time, each with its own screen.
const accesses = require('../../utils/accesses')
const api = require('../../utils/api')
const format = require('../../utils/format')
const page = require('../../utils/page')
const session = require('../../utils/session')

const TITLES = {
  devices: '登录的手机', reads: '谁看过记录', consents: '我的同意', export: '导出全部信息', delete: '注销账号',
}
const AGAIN = ['consents', 'delete']
const PURPOSES = {
  terms: '个人信息处理说明', identity: '保存实名信息', guardian: '监护人同意', carer: '家人代办',
}
const FATES = {
  shared: '别的家人还看得到，资料留给他们。',
  kept: '已经看过病、有医生写的记录，或正在限约，按规定保留，不会公开。',
  erased: '姓名、证件、手机号都会删除。',
}
const FILE = '我的家门口信息.json'

const failed = (problem) => {
  if (!problem.code) throw problem
  wx.showToast({ title: problem.detail, icon: 'none' })
}

page({
  data: {
    part: '', saving: false,
    devices: [], others: 0,
    people: [], person: '', rows: [], everyone: false,
    agreement: null, decisions: [],
    fault: '', written: '',
    deletion: null, understood: false,
    done: true, fetching: false,
  },

  onLoad({ part = '' }) {
    const known = TITLES[part] ? part : ''
    this.setData({ part: known })
    if (known) wx.setNavigationBarTitle({ title: TITLES[known] })
    return this.load()
  },

  // Back from cancelling an appointment, or from the terms: things may stand otherwise.
  onShow() {
    const back = this.seen
    this.seen = true
    return back && AGAIN.indexOf(this.data.part) >= 0 ? this.load() : undefined
  },

  onPullDownRefresh() {
    return this.load().finally(() => wx.stopPullDownRefresh())
  },

  onReachBottom() {
    return this.more()
  },

  load() {
    const load = { devices: this.loadDevices, reads: this.loadReads, consents: this.loadConsents, delete: this.loadDeletion }
    return this.show(load[this.data.part] || (async () => session.authorize().then(() => ({}))))
  },

  // --- where the account is logged in ---

  async loadDevices() {
    const { items } = await api.get('/me/devices')
    const devices = items.map((one) => ({
      id: one.id,
      name: one.device || '没有名字的手机',
      current: one.current,
      seen: one.current ? '正在用' : `${format.ago(one.last_seen_at)} 用过`,
      since: format.ago(one.created_at),
    }))
    return { devices, others: devices.filter(({ current }) => !current).length }
  },

  endDevice(event) {
    const { id, name, current } = event.currentTarget.dataset
    wx.showModal({
      title: current ? '这部手机退出登录？' : `让“${name}”退出登录？`,
      content: current ? '预约都还在，下次打开再登录就能看到。' : '那部手机马上就看不到您的信息了。',
      confirmText: '退出',
      cancelText: '先不退',
      success: ({ confirm }) => { if (confirm) this.end(`/me/devices/${id}`, current) },
    })
  },

  endOthers() {
    wx.showModal({
      title: '别的手机全部退出？',
      content: '只留下这部手机。',
      confirmText: '全部退出',
      cancelText: '先不退',
      success: ({ confirm }) => { if (confirm) this.end('/me/devices', false) },
    })
  },

  async end(path, here) {
    try {
      await api.remove(path)
    } catch (problem) {
      return failed(problem)
    }
    if (here) return this.away('已退出登录')
    wx.showToast({ title: '已退出' })
    return this.load()
  },

  /** This phone forgets the account. */
  away(title) {
    session.leave()
    wx.reLaunch({ url: '/pages/home/home', success: () => wx.showToast({ title, icon: 'none' }) })
  },

  // --- who read a record ---

  async loadReads() {
    const { items } = await api.get('/patients')
    const people = items.filter(({ state, scope }) => state === 'active' && scope === 'manage').map(({ id, name }) => ({ value: id, text: name }))
    if (!people.length) return { people, rows: [], done: true }
    const person = people.some(({ value }) => value === this.data.person) ? this.data.person : people[0].value
    const list = api.list(`/patients/${person}/accesses`, { everyone: this.data.everyone })
    const rows = accesses.joined([], await list.more())
    this.list = list
    return { people, person, rows, done: list.done }
  },

  choosePerson({ detail }) {
    this.setData({ person: detail.value, loading: true })
    return this.load()
  },

  toggleEveryone() {
    this.setData({ everyone: !this.data.everyone, loading: true })
    return this.load()
  },

  // --- what I agreed to ---

  async loadConsents() {
    const list = api.list('/me/consents')
    const [items, { agreement }] = await Promise.all([list.more(), api.get('/me/consents', { limit: 1 })])
    this.list = list
    return {
      agreement: {
        granted: agreement.granted === true,
        version: agreement.agreed_version || agreement.version,
        at: agreement.at ? format.ago(agreement.at) : '',
      },
      decisions: items.map(decision),
      done: list.done,
    }
  },

  withdraw() {
    wx.showModal({
      title: '撤回同意？',
      content: '您留的手机号马上删除。重新同意之前，不能再添加就诊人、预约。已经约好的号不受影响。',
      confirmText: '撤回',
      cancelText: '先不撤',
      confirmColor: '#ab1f1a',
      success: ({ confirm }) => { if (confirm) this.takeBack() },
    })
  },

  async takeBack() {
    if (this.data.saving) return
    this.setData({ saving: true })
    try {
      this.decide = this.decide || api.deed()
      await this.decide('/me/consents', { version: this.data.agreement.version, granted: false })
      this.away('已撤回同意')
    } catch (problem) {
      failed(problem)
    } finally {
      this.setData({ saving: false })
    }
  },

  async more() {
    const { part, fetching, done, loading } = this.data
    if (fetching || done || loading) return
    const { list } = this
    this.setData({ fetching: true })
    try {
      const items = await list.more()
      if (list !== this.list) return
      if (part === 'reads') this.setData({ rows: accesses.joined(this.data.rows, items), done: list.done })
      else this.setData({ decisions: this.data.decisions.concat(items.map(decision)), done: list.done })
    } catch (problem) {
      failed(problem)
    } finally {
      this.setData({ fetching: false })
    }
  },

  // --- all of it, as a file ---

  async makeFile() {
    if (this.data.saving) return
    this.setData({ saving: true, fault: '', written: '' })
    try {
      const found = await api.post('/me/export', { code: await session.code() })
      this.setData({ written: await write(JSON.stringify(found, null, 2)) })
    } catch (problem) {
      if (!problem.code) throw problem
      this.setData({ fault: problem.code === 'throttled' ? '一天只能导出三次，请明天再来。' : problem.detail })
    } finally {
      this.setData({ saving: false })
    }
  },

  sendFile() {
    wx.shareFileMessage({ filePath: this.data.written, fileName: FILE })
  },

  // --- the end ---

  async loadDeletion() {
    const { possible, people } = await api.get('/me/deletion')
    return {
      understood: false,
      deletion: {
        possible,
        people: people.map(({ patient, fate, appointment_ids: ids }) => ({
          id: patient.id, name: patient.name, fate: FATES[fate], appointments: ids, blocked: ids.length,
        })),
      },
    }
  },

  openAppointment(event) {
    wx.navigateTo({ url: `/pages/appointment/appointment?id=${event.currentTarget.dataset.id}` })
  },

  addPerson() {
    wx.navigateTo({ url: '/pages/patient-new/patient-new' })
  },

  understand() {
    this.setData({ understood: !this.data.understood })
  },

  askDeletion() {
    wx.showModal({
      title: '现在就注销？',
      content: '注销马上生效，不能恢复。',
      confirmText: '注销',
      cancelText: '再想想',
      confirmColor: '#ab1f1a',
      success: ({ confirm }) => { if (confirm) this.deleteAccount() },
    })
  },

  async deleteAccount() {
    if (this.data.saving) return
    this.setData({ saving: true, fault: '' })
    try {
      await api.post('/me/deletion', { code: await session.code() })
      this.away('账号已注销')
    } catch (problem) {
      if (!problem.code) throw problem
      if (problem.code === 'has-appointments') await this.load()
      this.setData({ fault: problem.detail })
    } finally {
      this.setData({ saving: false })
    }
  },
})

function decision(row) {
  return {
    id: row.id,
    what: PURPOSES[row.purpose],
    whom: row.patient ? `（${row.patient.name}）` : '',
    answer: row.granted ? '同意' : '撤回',
    granted: row.granted,
    when: `${format.ago(row.at)} · ${row.version} 版`,
  }
}

/** Where the file is. WeChat lets a page write into its own folder only. */
function write(text) {
  const filePath = `${wx.env.USER_DATA_PATH}/export.json`
  return new Promise((resolve, reject) => {
    wx.getFileSystemManager().writeFile({
      filePath, data: text, encoding: 'utf8',
      success: () => resolve(filePath),
      fail: () => reject({ code: 'no-room', detail: '手机里放不下这个文件，请腾出一点空间再试。' }),
    })
  })
}
