// What belongs to WeChat's account: log-in, subscriptions, permissions, the place where one is.
import { configs } from 'mp'
import { call, Refusal } from '../call.js'
import { inTap } from '../events.js'
import { answerSubscription, login, position, templates } from '../phone.js'
import { dialog, make, paragraph } from '../sheets.js'
import { needPrivacy } from './privacy.js'
import { store } from './storage.js'

const TEMPLATES_MOST = 5
const NOT_A_TAP = 'can only be invoked by user TAP gesture.'
const SCOPES = { 'scope.userLocation': '位置信息', 'scope.userFuzzyLocation': '模糊位置信息', 'scope.addPhoneCalendar': '日历', 'scope.record': '麦克风' }
const granted = () => store.get('(scopes)') ?? {}

/** WeChat asks once and remembers; a refusal is changed only in its settings. */
export async function needScope(scope, why) {
  const known = granted()[scope]
  if (known === undefined) {
    const text = configs.app.permission?.[scope]?.desc ?? why
    const yes = await dialog({
      title: `申请使用你的${SCOPES[scope]}`, kind: 'bottom', body: text ? [paragraph(text)] : [],
      actions: [{ text: '拒绝', value: false }, { text: '允许', value: true, main: true }],
    })
    store.set('(scopes)', { ...granted(), [scope]: yes === true })
    if (!yes) throw new Refusal('auth deny')
  } else if (!known) {
    throw new Refusal('auth deny')
  }
}

const located = (api, scope) => call(api, async ({ type = 'wgs84' }) => {
  if (!configs.app.requiredPrivateInfos?.includes(api)) throw new Refusal('the api need to be declared in the requiredPrivateInfos field in app.json/ext.json')
  await needPrivacy(api)
  await needScope(scope)
  const found = await position()
  return { ...found, type, speed: -1, horizontalAccuracy: found.accuracy, verticalAccuracy: 0, altitude: 0 }
})

/** WeChat was not reached: before the question 10002, with the answer 10003. */
const lost = (errCode) => (error) => { throw new Refusal(error.message, { errCode }) }

async function requestSubscribeMessage({ tmplIds = [] }) {
  if (!inTap()) throw new Refusal(NOT_A_TAP, { errCode: 10001 })
  if (!Array.isArray(tmplIds)) throw new Refusal('parameter error: parameter.tmplIds should be Array', { errCode: 10004 })
  if (!tmplIds.length) throw new Refusal('TmplIds is empty', { errCode: 10001 })
  if (tmplIds.length > TEMPLATES_MOST) throw new Refusal('Templates count out of max bounds', { errCode: 20003 })
  const known = await templates().catch(lost(10002))
  if (tmplIds.some((id) => !known[id])) throw new Refusal('No template data return, verify the template id exist', { errCode: 20001 })
  if (new Set(tmplIds.map((id) => known[id].long_term)).size > 1) throw new Refusal('Templates type must be same', { errCode: 20002 })
  const boxes = tmplIds.map((id) => make('input', { type: 'checkbox', checked: true, value: id }))
  const allowed = await dialog({
    title: `${configs.app.window.navigationBarTitleText} 申请发送消息给你`, kind: 'bottom', dismissable: false,
    body: boxes.map((box) => make('label', { className: 'line' }, known[box.value].title, box)),
    actions: [
      { text: '取消', value: () => [] },
      { text: '允许', value: () => boxes.filter((box) => box.checked).map((box) => box.value), main: true },
    ],
  })
  const answers = {}
  for (const id of tmplIds) {
    answers[id] = allowed?.includes(id) ? 'accept' : 'reject'
    await answerSubscription(id, answers[id]).catch(lost(10003))
  }
  return answers
}

async function openSetting() {
  if (!inTap()) throw new Refusal(NOT_A_TAP)
  const boxes = Object.entries(granted()).map(([scope, on]) => make('input', { type: 'checkbox', checked: on, value: scope }))
  await dialog({
    title: '设置', kind: 'bottom', dismissable: false,
    body: boxes.length ? boxes.map((box) => make('label', { className: 'line' }, SCOPES[box.value], box)) : [paragraph('还没有用过需要允许的功能。')],
    actions: [{ text: '完成', value: true, main: true }],
  })
  store.set('(scopes)', Object.fromEntries(boxes.map((box) => [box.value, box.checked])))
  return { authSetting: granted() }
}

export const open = {
  login: call('login', login),
  checkSession: call('checkSession', () => undefined),
  getLocation: located('getLocation', 'scope.userLocation'),
  getFuzzyLocation: located('getFuzzyLocation', 'scope.userFuzzyLocation'),
  requestSubscribeMessage: call('requestSubscribeMessage', requestSubscribeMessage),
  getSetting: call('getSetting', () => ({ authSetting: granted() })),
  openSetting: call('openSetting', openSetting),
}

