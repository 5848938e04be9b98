// What WeChat asks over the page: yes, no, and when it cannot ask.
import { switchOn, until } from './browser.mjs'

const TEMPLATES = {
  booked: { title: '预约成功通知', long_term: false }, visit: { title: '就诊提醒', long_term: false },
  plan: { title: '随访提醒', long_term: true },
}
const simulator = (path) => (path === '/_sim/templates' ? { templates: TEMPLATES } : path === '/_sim/phone' ? { code: 'phone-code' } : path === '/_sim/login' ? { code: 'login-code' } : { result: 'accept', left: 1 })
const refused = (error) => () => Response.json({ error }, { status: 422 })
const agreed = { '(privacy agreed)': true }

describe('showModal', () => {
  test.each([['确定', true], ['取消', false]])('%s', async (name, confirm) => {
    const { wx, asks, choose } = await switchOn()
    const answer = wx.showModal({ title: '取消预约？', content: '号会放出来' })
    expect(await asks()).toContain('号会放出来')
    await choose(name)
    expect(await answer).toEqual({ errMsg: 'showModal:ok', confirm, cancel: !confirm })
  })

  test('Escape is a no, where a no is offered', async () => {
    const { wx, asks, sheet, window, choose } = await switchOn()
    const escape = () => sheet().dispatchEvent(new window.Event('cancel', { cancelable: true }))
    const first = wx.showModal({ content: '1' })
    await asks()
    escape()
    expect(await first).toMatchObject({ confirm: false, cancel: true })
    const second = wx.showModal({ content: '2', showCancel: false, confirmText: '知道了' })
    await asks()
    escape()
    expect(sheet().textContent).toBe('2知道了')
    await choose('知道了')
    expect(await second).toMatchObject({ confirm: true })
  })

  test('a page may ask for words', async () => {
    const { wx, asks, choose, sheet } = await switchOn()
    const answer = wx.showModal({ title: '称呼', editable: true, placeholderText: '写在这里' })
    await asks()
    sheet().querySelector('input').value = '王奶奶'
    await choose('确定')
    expect(await answer).toMatchObject({ confirm: true, content: '王奶奶' })
  })

  test.each(['cancelText', 'confirmText'])('%s has four characters at most', async (name) => {
    const { wx, sheet } = await switchOn()
    await expect(wx.showModal({ [name]: '我再想一想' })).rejects.toEqual({ errMsg: `showModal:fail ${name} length should not larger than 4 Chinese characters` })
    expect(sheet()).toBeUndefined()
  })
})

test('an action sheet has one to six lines; leaving it is a failure', async () => {
  const { wx, choose } = await switchOn()
  const picked = wx.showActionSheet({ itemList: ['打电话', '导航'] })
  await choose('导航')
  expect(await picked).toMatchObject({ tapIndex: 1 })
  const left = wx.showActionSheet({ itemList: ['打电话'] })
  await choose('取消')
  await expect(left).rejects.toEqual({ errMsg: 'showActionSheet:fail cancel' })
  for (const itemList of [[], [...'1234567']]) await expect(wx.showActionSheet({ itemList })).rejects.toMatchObject({ errMsg: expect.stringContaining('parameter error') })
})

test('a toast goes by itself, a loading sign when it is told', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const { wx, document } = await switchOn()
  const words = () => document.getElementById('toast').textContent
  await wx.showToast({ title: '已取消' })
  expect(words()).toBe('已取消')
  vi.advanceTimersByTime(1500)
  expect(words()).toBe('')
  await wx.showLoading({ title: '正在预约', mask: true })
  vi.advanceTimersByTime(60000)
  expect(words()).toBe('正在预约')
  expect(document.getElementById('toast').className).toBe('mask')
  await wx.hideLoading()
  expect(words()).toBe('')
  vi.useRealTimers()
})

describe('log-in', () => {
  test('the code is WeChat’s, for who holds the phone', async () => {
    const { wx, asked } = await switchOn({ simulator, phone: { user: 'li-dashu' } })
    expect(await wx.login()).toEqual({ errMsg: 'login:ok', code: 'login-code' })
    expect(asked).toEqual([['/_sim/login', { user: 'li-dashu' }]])
  })

  test.each([
    ['no phone to ask, outside demo', { wechat: '' }, '请在微信里打开'],
    ['WeChat cannot be reached', { simulator: () => { throw new TypeError('refused') } }, 'network is unavailable'],
    ['the phone has no network', { phone: { offline: true } }, 'network is unavailable'],
    ['WeChat refuses', { simulator: refused('too many users') }, 'too many users'],
    ['WeChat answers nonsense', { simulator: () => new Response('<html>', { status: 502 }) }, 'HTTP 502'],
  ])('%s', async (_, given, why) => {
    const { wx } = await switchOn(given)
    await expect(wx.login()).rejects.toEqual({ errMsg: `login:fail ${why}` })
  })
})

describe('subscriptions', () => {
  const ask = (phone, tmplIds) => phone.inTap(() => phone.wx.requestSubscribeMessage({ tmplIds }))

  test('each template is answered, here and to WeChat', async () => {
    const phone = await switchOn({ simulator })
    const answer = ask(phone, ['booked', 'visit'])
    expect(await phone.asks()).toContain('Test 申请发送消息给你预约成功通知就诊提醒')
    phone.sheet().querySelector('input[value=visit]').click()
    await phone.choose('允许')
    expect(await answer).toEqual({ errMsg: 'requestSubscribeMessage:ok', booked: 'accept', visit: 'reject' })
    const told = phone.asked.filter(([path]) => path === '/_sim/subscribe').map(([, body]) => body)
    expect(told).toEqual([
      { user: 'wang-nainai', template_id: 'booked', result: 'accept' }, { user: 'wang-nainai', template_id: 'visit', result: 'reject' },
    ])
  })

  test('cancelled, or left by going back, all are rejected and nothing fails', async () => {
    const phone = await switchOn({ simulator })
    const cancelled = ask(phone, ['booked', 'visit'])
    await phone.choose('取消')
    expect(await cancelled).toMatchObject({ booked: 'reject', visit: 'reject' })
    await phone.wx.navigateTo({ url: '/pages/a/a' })
    const left = ask(phone, ['booked'])
    await phone.asks()
    await phone.travel(-1)
    expect(await left).toMatchObject({ booked: 'reject' })
  })

  test('only a tap may ask', async () => {
    const phone = await switchOn({ simulator })
    await expect(phone.wx.requestSubscribeMessage({ tmplIds: ['booked'] })).rejects.toMatchObject({ errMsg: 'requestSubscribeMessage:fail can only be invoked by user TAP gesture.' })
    expect(phone.asked).toEqual([])
  })

  test.each([
    ['none', [], 10001], ['no list', 'booked', 10004], ['six', [...'123456'], 20003], ['an unknown one', ['booked', 'x'], 20001],
    ['one-time and long-term', ['booked', 'plan'], 20002],
  ])('%s is refused without a question', async (_, tmplIds, errCode) => {
    const phone = await switchOn({ simulator })
    await expect(ask(phone, tmplIds)).rejects.toMatchObject({ errCode })
    expect(phone.sheet()).toBeUndefined()
  })

  test('without WeChat there is no question, and its answer may get lost', async () => {
    const away = await switchOn({ simulator: () => { throw new TypeError('refused') } })
    await expect(ask(away, ['booked'])).rejects.toMatchObject({ errCode: 10002 })
    const lost = await switchOn({ simulator: (path, body) => (body ? refused('gone')() : simulator(path)) })
    const answer = ask(lost, ['booked'])
    lost.choose('允许')
    await expect(answer).rejects.toMatchObject({ errCode: 10003 })
  })
})

describe('the phone number', () => {
  const answered = ({ seen }) => until(() => expect(seen.find(([what]) => what === 'h.getphonenumber')).toBeTruthy())
    .then(() => seen.find(([what]) => what === 'h.getphonenumber')[1])

  test.each([
    ['允许', simulator, { errMsg: 'getPhoneNumber:ok', code: 'phone-code' }],
    ['不允许', simulator, { errMsg: 'getPhoneNumber:fail user deny' }],
    ['允许', refused('unknown user: log in first'), { errMsg: 'getPhoneNumber:fail unknown user: log in first' }],
  ])('%s', async (name, wechat, answer) => {
    const phone = await switchOn({ stored: agreed, simulator: wechat })
    phone.tap('getPhoneNumber')
    expect(await phone.asks()).toContain('申请获取并验证你的手机号')
    await phone.choose(name)
    expect(await answered(phone)).toEqual(answer)
    expect(phone.asked).toHaveLength(name === '允许' ? 1 : 0)
  })

  test('comes after the privacy terms, and not without them', async () => {
    const phone = await switchOn({ simulator })
    phone.tap('getPhoneNumber')
    expect(await phone.asks()).toContain('用户隐私保护提示')
    await phone.choose('拒绝')
    expect(await answered(phone)).toEqual({ errMsg: 'getPhoneNumber:fail privacy permission is not authorized', errno: 104 })
    expect(phone.asked).toEqual([])
  })
})

describe('privacy', () => {
  test('asked once, agreed for good; many who wait share the question', async () => {
    const { wx, choose, document } = await switchOn()
    expect(await wx.getPrivacySetting()).toMatchObject({ needAuthorization: true })
    const waiting = [wx.requirePrivacyAuthorize(), wx.requirePrivacyAuthorize()]
    await until(() => expect(document.querySelectorAll('dialog')).toHaveLength(1))
    await choose('同意')
    await Promise.all(waiting)
    expect(await wx.getPrivacySetting()).toMatchObject({ needAuthorization: false })
    expect(await wx.requirePrivacyAuthorize()).toEqual({ errMsg: 'requirePrivacyAuthorize:ok' })
  })

  test('refused, WeChat does not ask again for ten seconds', async () => {
    const { wx, choose, sheet, asks, window } = await switchOn()
    let now = 1e12
    window.Date.now = () => now
    const no = { errMsg: 'requirePrivacyAuthorize:fail privacy permission is not authorized', errno: 104 }
    const first = wx.requirePrivacyAuthorize()
    await choose('拒绝')
    await expect(first).rejects.toEqual(no)
    await expect(wx.requirePrivacyAuthorize()).rejects.toEqual(no)
    expect(sheet()).toBeUndefined()
    now += 10000
    const later = wx.requirePrivacyAuthorize()
    await asks()
    await choose('同意')
    await later
  })

  test.each([['agree', true], ['disagree', false]])('the page’s own pop-up: %s', async (event, allowed) => {
    const { wx, sheet } = await switchOn()
    const asked = []
    wx.onNeedPrivacyAuthorization((resolve, { referrer }) => {
      asked.push(referrer)
      resolve({ event: 'exposureAuthorization' })
      resolve({ event, buttonId: 'agree' })
    })
    const answer = wx.requirePrivacyAuthorize().then(() => true, ({ errno }) => errno !== 104)
    expect(await answer).toBe(allowed)
    expect(asked).toEqual(['requirePrivacyAuthorize'])
    expect(sheet()).toBeUndefined()
  })

  test('its button agrees and tells the page', async () => {
    const { wx, tap, seen } = await switchOn()
    tap('agreePrivacyAuthorization')
    expect(seen.at(-1)).toEqual(['h.agreeprivacyauthorization', { errMsg: 'agreePrivacyAuthorization:ok' }])
    expect(await wx.getPrivacySetting()).toMatchObject({ needAuthorization: false })
  })
})

describe('the place', () => {
  test('allowed once, it is not asked about again', async () => {
    const { wx, choose, asks, sheet } = await switchOn({ stored: agreed })
    const first = wx.getFuzzyLocation()
    expect(await asks()).toContain('申请使用你的模糊位置信息')
    await choose('允许')
    expect(await first).toMatchObject({ errMsg: 'getFuzzyLocation:ok', latitude: 28.43 })
    await wx.getFuzzyLocation()
    expect(sheet()).toBeUndefined()
  })

  test('refused, WeChat does not ask again', async () => {
    const { wx, choose, sheet } = await switchOn({ stored: agreed })
    const first = wx.getFuzzyLocation()
    await choose('拒绝')
    await expect(first).rejects.toEqual({ errMsg: 'getFuzzyLocation:fail auth deny' })
    await expect(wx.getFuzzyLocation()).rejects.toEqual({ errMsg: 'getFuzzyLocation:fail auth deny' })
    expect(sheet()).toBeUndefined()
  })

  test('the settings open for a tap only', async () => {
    const phone = await switchOn({ stored: { ...agreed, '(scopes)': { 'scope.userFuzzyLocation': false } } })
    const { wx, choose, sheet } = phone
    await expect(wx.openSetting()).rejects.toEqual({ errMsg: 'openSetting:fail can only be invoked by user TAP gesture.' })
    const settings = phone.inTap(() => wx.openSetting())
    await phone.asks()
    sheet().querySelector('input').click()
    await choose('完成')
    expect((await settings).authSetting).toEqual({ 'scope.userFuzzyLocation': true })
    await wx.getFuzzyLocation()
  })

  test('what app.json does not declare is not to be had; nor where the phone’s own switch is off', async () => {
    const { wx } = await switchOn({ stored: agreed })
    await expect(wx.getLocation()).rejects.toMatchObject({ errMsg: expect.stringContaining('requiredPrivateInfos') })
    const off = await switchOn({ stored: { ...agreed, '(scopes)': { 'scope.userFuzzyLocation': true } }, phone: { place: 'none' } })
    await expect(off.wx.getFuzzyLocation()).rejects.toMatchObject({ errMsg: 'getFuzzyLocation:fail system permission denied', errCode: 2 })
  })
})

test('a phone call is asked about, and not made without a yes', async () => {
  const { wx, choose } = await switchOn()
  const call = wx.makePhoneCall({ phoneNumber: '120' })
  await choose('取消')
  await expect(call).rejects.toEqual({ errMsg: 'makePhoneCall:fail cancel' })
})

test('a code is typed where WeChat would open the camera', async () => {
  const { wx, asks, choose, sheet } = await switchOn()
  const scanned = wx.scanCode({})
  await asks()
  sheet().querySelector('input').value = ' JMKQ1.code '
  await choose('确定')
  expect(await scanned).toMatchObject({ errMsg: 'scanCode:ok', result: 'JMKQ1.code' })
  const left = wx.scanCode({})
  await choose('取消')
  await expect(left).rejects.toEqual({ errMsg: 'scanCode:fail cancel' })
})
