// What <button open-type=…> does: WeChat asks, and the page hears the answer.
import { Refusal } from './call.js'
import { router } from './router.js'
import { dialog, make, paragraph, toast } from './sheets.js'
import { phoneCode, wechat, phone } from './phone.js'
import { agreeToPrivacy, needPrivacy } from './wx/privacy.js'

async function answer(emit, name, api, work) {
  try {
    emit(name, { errMsg: `${api}:ok`, ...(await work()) })
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    emit(name, { errMsg: `${api}:fail ${error.message}`, ...error.extra })
  }
}

async function askForPhone() {
  await needPrivacy('getPhoneNumber')
  const yes = await dialog({
    title: '申请获取并验证你的手机号', kind: 'bottom',
    body: [paragraph('微信会把绑定的手机号告诉这个小程序。')],
    actions: [{ text: '不允许', value: false }, { text: '允许', value: true, main: true }],
  })
  if (!yes) throw new Refusal('user deny')
  return phoneCode()
}

async function askForAvatar() {
  await needPrivacy('chooseAvatar')
  const yes = await dialog({
    title: '选择头像', kind: 'bottom', actions: [{ text: '取消', value: false }, { text: '用微信头像', value: true, main: true }],
  })
  if (!yes) throw new Refusal('cancel')
  const initial = encodeURIComponent(phone.user[0].toUpperCase())
  return { avatarUrl: `data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 40 40'%3E%3Crect width='40' height='40' fill='%23576b95'/%3E%3Ctext x='20' y='27' font-size='20' text-anchor='middle' fill='%23fff'%3E${initial}%3C/text%3E%3C/svg%3E` }
}

/** A card for somebody's chat: here a link, to be opened on another phone. */
async function share(element) {
  const { title = '', path = '' } = (await router.top().instance.onShareAppMessage?.({ from: 'button', target: element.__wxElement })) ?? {}
  const link = `${location.origin}${location.pathname}#/${path.replace(/^\//, '')}`
  const box = make('input', { value: link, readOnly: true, ariaLabel: '链接' })
  const copied = await dialog({
    title: '转发给朋友', kind: 'bottom', body: [paragraph(title), box],
    actions: [{ text: '取消', value: false }, { text: '复制链接', value: true, main: true }],
  })
  if (copied) await navigator.clipboard.writeText(link).catch(() => toast('没有复制成功，请再试一次'))
}

export const openTypes = {
  share,
  getPhoneNumber: (_element, emit) => answer(emit, 'getphonenumber', 'getPhoneNumber', askForPhone),
  chooseAvatar: (_element, emit) => answer(emit, 'chooseavatar', 'chooseAvatar', askForAvatar),
  agreePrivacyAuthorization: (_element, emit) => {
    agreeToPrivacy()
    emit('agreeprivacyauthorization', { errMsg: 'agreePrivacyAuthorization:ok' })
  },
  openSetting: (_element, emit) => globalThis.wx.openSetting().then((found) => emit('opensetting', found)),
  contact: (_element, emit) => answer(emit, 'contact', 'contact', async () => {
    await wechat('/_sim/event', { user: phone.user, kind: 'enter' })
    await dialog({ title: '客服会话', body: [paragraph('在微信里，这里会打开与客服的聊天。')], actions: [{ text: '返回小程序', value: true, main: true }] })
    return { path: '', query: {} }
  }),
}
