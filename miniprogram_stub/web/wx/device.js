// The phone itself: its sizes, its dialler, its clipboard, its calendar, its files.
import { call, Refusal } from '../call.js'
import { appLife } from '../life.js'
import { phone } from '../phone.js'
import { dialog, make, paragraph, toast } from '../sheets.js'
import { inTap } from '../events.js'
import { addressOf, fileAt, keepFile } from './network.js'
import { needScope } from './open.js'
import { needPrivacy } from './privacy.js'

const VERSION = '3.8.0'
const env = { USER_DATA_PATH: 'http://usr' }
const DOCUMENTS = ['doc', 'docx', 'xls', 'xlsx', 'ppt', 'pptx', 'pdf']

const base = () => ({ SDKVersion: VERSION, language: 'zh_CN', version: '8.0.50', theme: 'light', fontSizeScaleFactor: phone.font, fontSizeSetting: 16 * phone.font, host: { appId: '' } })
const sizes = () => {
  const { width, height } = document.getElementById('stage').getBoundingClientRect()
  return { pixelRatio: devicePixelRatio, windowWidth: width, windowHeight: height, screenWidth: width, screenHeight: innerHeight, statusBarHeight: 0, safeArea: { left: 0, top: 0, right: width, bottom: height, width, height } }
}
const device = () => ({ brand: '浏览器', model: navigator.userAgentData?.platform ?? navigator.platform, platform: 'devtools', system: navigator.platform })

async function makePhoneCall({ phoneNumber }) {
  if (!phoneNumber) throw new Refusal('parameter error: parameter.phoneNumber should be String')
  const yes = await dialog({ title: phoneNumber, kind: 'bottom', actions: [{ text: '取消', value: false }, { text: '呼叫', value: true, main: true }] })
  if (!yes) throw new Refusal('cancel')
  make('a', { href: 'tel:' + phoneNumber }).click()
}

async function setClipboardData({ data }) {
  await needPrivacy('setClipboardData')
  await navigator.clipboard.writeText(data).catch(() => { throw new Refusal('system permission denied') })
  toast('内容已复制')
}

/** WeChat writes into the phone's calendar; a browser gets the same entry as a file. */
async function addPhoneCalendar({ title, startTime, endTime = startTime + 3600, description = '', location = '', alarmOffset = 0, alarm = true }) {
  if (!title || !startTime) throw new Refusal('parameter error')
  await needPrivacy('addPhoneCalendar')
  await needScope('scope.addPhoneCalendar', '用来把就诊时间加到手机日历')
  const at = (seconds) => new Date(seconds * 1000).toISOString().replace(/[-:]|\.\d+/g, '')
  const say = (text) => text.replace(/[\\;,]/g, '\\$&').replace(/\n/g, '\\n')
  const lines = [
    'BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Jiamenkou//Phone//ZH', 'BEGIN:VEVENT', `UID:${crypto.randomUUID()}`, `DTSTAMP:${at(Date.now() / 1000)}`,
    `DTSTART:${at(Number(startTime))}`, `DTEND:${at(Number(endTime))}`, `SUMMARY:${say(title)}`, `LOCATION:${say(location)}`, `DESCRIPTION:${say(description)}`,
    ...(alarm ? ['BEGIN:VALARM', 'ACTION:DISPLAY', `DESCRIPTION:${say(title)}`, `TRIGGER:-PT${Math.round(alarmOffset / 60)}M`, 'END:VALARM'] : []),
    'END:VEVENT', 'END:VCALENDAR',
  ]
  save(new Blob([lines.join('\r\n')], { type: 'text/calendar' }), 'appointment.ics')
}

function save(blob, name) {
  const href = URL.createObjectURL(blob)
  make('a', { href, download: name }).click()
  setTimeout(() => URL.revokeObjectURL(href), 60000)
}

async function openDocument({ filePath, fileType }) {
  const blob = fileAt(filePath)
  if (!blob) throw new Refusal("file doesn't exist")
  const type = fileType ?? blob.type.split('/').pop()
  if (!DOCUMENTS.includes(type)) throw new Refusal('filetype not supported')
  save(blob, `document.${type}`)
}

const folder = {
  writeFile: call('writeFile', ({ filePath = '', data = '' }) => {
    if (!filePath.startsWith(env.USER_DATA_PATH + '/')) throw new Refusal(`permission denied, open "${filePath}"`)
    keepFile(filePath, new Blob([data]))
  }),
}

/** WeChat sends a file into a chat; a browser keeps it. */
async function shareFileMessage({ filePath, fileName }) {
  if (!inTap()) throw new Refusal('can only be invoked by user TAP gesture.')
  const blob = fileAt(filePath)
  if (!blob) throw new Refusal("file doesn't exist")
  save(blob, fileName ?? filePath.split('/').pop())
}

/** WeChat opens the camera; here the code's text is typed, or pasted, into a field. */
async function scanCode() {
  const box = make('input', { ariaLabel: '二维码里的文字', placeholder: '二维码里的文字', autocomplete: 'off' })
  const said = await dialog({
    title: '扫一扫', kind: 'bottom', body: [paragraph('在微信里，这里会打开相机。请输入屏幕上二维码里的文字。'), box],
    actions: [{ text: '取消', value: null }, { text: '确定', value: () => box.value.trim(), main: true }],
  })
  if (!said) throw new Refusal('cancel')
  return { result: said, scanType: 'QR_CODE', charSet: 'UTF-8', path: '' }
}

async function openLocation({ latitude, longitude, name = '', address = '' }) {
  if (!Number.isFinite(latitude) || !Number.isFinite(longitude)) throw new Refusal('parameter error: latitude and longitude should be Number')
  await dialog({
    title: name || '位置', kind: 'bottom',
    body: [paragraph(address), make('a', { href: `geo:${latitude},${longitude}`, textContent: '用地图打开' })],
    actions: [{ text: '关闭', value: true }],
  })
}

async function previewImage({ urls = [], current = urls[0] }) {
  if (!urls.length) throw new Refusal('parameter error: parameter.urls should be Array')
  await dialog({ body: [make('img', { src: addressOf(current), alt: '图片' })], actions: [{ text: '关闭', value: true }] })
}

export const hardware = {
  getAppBaseInfo: base,
  getWindowInfo: sizes,
  getDeviceInfo: device,
  getSystemInfoSync: () => ({ ...base(), ...sizes(), ...device() }),
  getAccountInfoSync: () => ({ miniProgram: { appId: '', envVersion: 'develop', version: '' } }),
  getLaunchOptionsSync: appLife.launched,
  nextTick: (work) => queueMicrotask(work),
  scanCode: call('scanCode', scanCode),
  makePhoneCall: call('makePhoneCall', makePhoneCall),
  setClipboardData: call('setClipboardData', setClipboardData),
  vibrateShort: call('vibrateShort', () => { navigator.vibrate?.(15) }),
  addPhoneCalendar: call('addPhoneCalendar', addPhoneCalendar),
  openDocument: call('openDocument', openDocument),
  env,
  getFileSystemManager: () => folder,
  shareFileMessage: call('shareFileMessage', shareFileMessage),
  openLocation: call('openLocation', openLocation),
  previewImage: call('previewImage', previewImage),
  onAppShow: (listener) => appLife.on('show', listener),
  offAppShow: (listener) => appLife.off('show', listener),
  onAppHide: (listener) => appLife.on('hide', listener),
  offAppHide: (listener) => appLife.off('hide', listener),
  onError: (listener) => appLife.on('error', listener),
  offError: (listener) => appLife.off('error', listener),
}
