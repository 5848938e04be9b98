// WeChat's privacy gate (__usePrivacyCheck__): calls that touch personal data wait for an agreement.
import { configs } from 'mp'
import { call, Refusal } from '../call.js'
import { dialog, make, paragraph } from '../sheets.js'
import { store } from './storage.js'

const AGREED = '(privacy agreed)'
const CONTRACT = '《家门口隐私保护指引》'
const PEACE_MS = 10000 // after a refusal WeChat does not ask again at once
let listener = null
let waiting = null
let refusedAt = -Infinity

const needed = () => configs.app.__usePrivacyCheck__ === true && !store.get(AGREED)

/** The button with open-type agreePrivacyAuthorization was tapped, here or in WeChat's own dialog. */
export function agreeToPrivacy() {
  store.set(AGREED, true)
}

/** Throws a Refusal, errno 104, when the user does not agree. */
export async function needPrivacy(api) {
  if (!needed()) return
  waiting ??= (listener ? askPage(api) : askUser()).finally(() => { waiting = null })
  await waiting
  if (needed()) throw new Refusal('privacy permission is not authorized', { errno: 104 })
}

const askPage = (referrer) => new Promise((resolve) => {
  listener((answer) => {
    if (answer?.event === 'agree') agreeToPrivacy()
    if (answer?.event === 'agree' || answer?.event === 'disagree') resolve()
  }, { referrer })
})

async function askUser() {
  if (Date.now() - refusedAt < PEACE_MS) return
  const link = make('a', { href: '#', textContent: CONTRACT, onclick: (event) => { event.preventDefault(); wx.openPrivacyContract() } })
  const agreed = await dialog({
    title: '用户隐私保护提示', kind: 'bottom',
    body: [make('p', {}, '在你使用服务之前，请仔细阅读', link, '。如你同意，请点击"同意"开始使用。')],
    actions: [{ text: '拒绝', value: false }, { text: '同意', value: true, main: true }],
  })
  if (agreed) agreeToPrivacy()
  else refusedAt = Date.now()
}

export const privacy = {
  getPrivacySetting: call('getPrivacySetting', () => ({ needAuthorization: needed(), privacyContractName: CONTRACT })),
  onNeedPrivacyAuthorization: (found) => { listener = found },
  requirePrivacyAuthorize: call('requirePrivacyAuthorize', () => needPrivacy('requirePrivacyAuthorize')),
  openPrivacyContract: call('openPrivacyContract', () => dialog({
    title: CONTRACT, body: [paragraph('在微信里，这里会打开管理员在后台填写的隐私保护指引。')], actions: [{ text: '知道了', value: true, main: true }],
  }).then(() => undefined)),
}
