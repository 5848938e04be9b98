// The phone that this browser plays: who holds it, where it is, whether it is connected. WeChat's own
// part of it is the simulator, whose address the page was given; without one nobody can log in here.
import { configs } from 'mp'
import { Refusal, news } from './call.js'
import { forgetFirstPage } from './first-page.js'
import { dialog, make, paragraph } from './sheets.js'

const WECHAT = document.querySelector('meta[name=phone]').content
const KEPT = 'phone'
const PEOPLE = { 'wang-nainai': '王奶奶', 'wang-min': '王敏（王奶奶的女儿）', 'li-dashu': '李大叔' }
const FONTS = { 1: '标准', 1.15: '大', 1.3: '更大', 1.5: '最大' }
const PLACES = { county: '演示县的县城', here: '这台设备的真实位置', none: '定位关闭' }
const SEAT = { latitude: 28.43, longitude: 118.24 } // the seat of the invented county

export const connection = news()
export const phone = { user: 'wang-nainai', font: 1, place: 'county', offline: false, ...read() }

function read() {
  try {
    return JSON.parse(localStorage.getItem(KEPT)) ?? {}
  } catch {
    return {}
  }
}

function keep(changes) {
  Object.assign(phone, changes)
  localStorage.setItem(KEPT, JSON.stringify(phone))
  forgetFirstPage()
}

export const isConnected = () => navigator.onLine && !phone.offline
for (const name of ['online', 'offline']) addEventListener(name, () => connection.tell(isConnected()))

/** Ask the simulator what WeChat would do. Throws a Refusal. */
export async function wechat(path, body) {
  if (!WECHAT) throw new Refusal('请在微信里打开')
  if (!isConnected()) throw new Refusal('network is unavailable')
  let response
  try {
    response = await fetch(WECHAT + path, body && { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  } catch {
    throw new Refusal('network is unavailable')
  }
  const answer = await response.json().catch(() => ({}))
  if (!response.ok) throw new Refusal(answer.error ?? `HTTP ${response.status}`)
  return answer
}

export const login = () => wechat('/_sim/login', { user: phone.user })
export const phoneCode = () => wechat('/_sim/phone', { user: phone.user })
export const answerSubscription = (template_id, result) => wechat('/_sim/subscribe', { user: phone.user, template_id, result })
export const templates = () => wechat('/_sim/templates').then(({ templates: found }) => found)
const messages = () => wechat('/_sim/messages?user=' + encodeURIComponent(phone.user)).then(({ messages: found }) => found)

/** Where the phone is, or a Refusal. */
export function position() {
  if (phone.place === 'county') return Promise.resolve({ ...SEAT, accuracy: 65 })
  if (phone.place === 'none' || !navigator.geolocation) return Promise.reject(new Refusal('system permission denied', { errCode: 2 }))
  return new Promise((resolve, reject) => navigator.geolocation.getCurrentPosition(
    ({ coords }) => resolve({ latitude: coords.latitude, longitude: coords.longitude, accuracy: coords.accuracy }),
    () => reject(new Refusal('system permission denied', { errCode: 2 })), { timeout: 10000 }))
}

function select(label, options, value) {
  const list = make('select', {}, ...Object.entries(options).map(([key, text]) => new Option(text, key)))
  list.value = String(value)
  return [make('label', {}, label, list), list]
}

/** The menu behind "…": everything here belongs to the phone, not to the mini-program, which `forget` removes. */
export async function showMenu(forget) {
  const user = make('input', { value: phone.user, maxLength: 64, required: true, pattern: '[\\w.-]+', autocomplete: 'off' })
  user.setAttribute('list', 'people')
  const people = make('datalist', { id: 'people' }, ...Object.entries(PEOPLE).map(([name, who]) => make('option', { value: name, textContent: who })))
  const [fontLabel, font] = select('微信字体大小', FONTS, phone.font)
  const [placeLabel, place] = select('手机位置', PLACES, phone.place)
  const [netLabel, net] = select('手机网络', { on: '已连接', off: '没有网络' }, phone.offline ? 'off' : 'on')
  const received = await messages().catch(() => [])
  const list = make('ul', {}, ...received.slice(-5).reverse().map((message) => make('li', {}, notice(message))))
  const wanted = await dialog({
    title: '模拟的手机和微信',
    kind: 'bottom settings',
    body: [
      paragraph('这里模拟微信和手机本身，只用于演示和测试。'),
      make('label', {}, '谁在用这部手机', user), people, fontLabel, placeLabel, netLabel,
      ...(received.length ? [make('h3', { textContent: '收到的微信通知' }), list] : []),
    ],
    actions: [
      { text: '关闭', value: null },
      { text: '清除这个人的小程序数据', value: 'clear' },
      { text: '确定', main: true, value: () => (user.checkValidity() ? { user: user.value, font: Number(font.value), place: place.value, offline: net.value === 'off' } : null) },
    ],
  })
  if (wanted === 'clear') forget()
  else if (!wanted) return
  const { user: before, font: size, offline } = phone
  if (wanted !== 'clear') keep(wanted)
  if (wanted === 'clear' || phone.user !== before || phone.font !== size) {
    location.hash = ''
    location.reload()
  } else if (phone.offline !== offline) {
    connection.tell(isConnected())
  }
}

/** A message in the chat list; a tap opens its page, as from WeChat. */
function notice({ page, title, data = {}, content }) {
  const words = Object.values(data).map((field) => field.value ?? field).join(' · ')
  const text = [title, words || content].filter(Boolean).join(':') || configs.app.window.navigationBarTitleText
  return page ? make('a', { href: '#/' + page.replace(/^\//, ''), textContent: text, onclick() { this.closest('dialog').choose(null) } }) : text
}
