// @vitest-environment jsdom
// The components as WeChat's own simulator renders them: what is seen, what is read out, what is told.
const path = require('node:path')
const simulate = require('miniprogram-simulate')
const { phone } = require('./phone.cjs')

const rootPath = path.join(__dirname, '..', 'mp')

function render(name, properties) {
  const id = simulate.load(path.join(rootPath, 'components', name, 'index'), { compiler: 'simulate', rootPath })
  const component = simulate.render(id, properties)
  component.attach(document.createElement('div'))
  const events = []
  for (const event of ['retry', 'act', 'pick', 'change', 'close']) {
    component.addEventListener(event, ({ detail }) => events.push([event, detail]))
  }
  return { component, events, html: () => component.dom.innerHTML, tap: (selector) => component.querySelector(selector).dispatchEvent('tap') }
}

const tick = () => simulate.sleep(20)

beforeEach(() => phone())

describe('state', () => {
  const PROBLEM = { status: 0, code: 'offline', title: '网络不通', detail: '请检查网络。', retryAfter: 0 }

  test('loading is a skeleton', () => {
    const { html } = render('state', { loading: true })
    expect(html().match(/bone/g)).toHaveLength(3)
  })

  test('a problem has words and a way on', async () => {
    const { html, tap, events } = render('state', { loading: true, problem: PROBLEM })
    expect(html()).toContain('请检查网络。')
    tap('.button')
    await tick()
    expect(events.map(([name]) => name)).toEqual(['retry'])
  })

  test('while the service wants peace, the button waits', () => {
    const { html, component } = render('state', { problem: { ...PROBLEM, retryAfter: 9 } })
    expect(html()).toContain('9 秒后')
    component.detach()
  })

  test('without the agreement the way on is the agreement', () => {
    const { html } = render('state', { problem: { ...PROBLEM, code: 'privacy-needed' } })
    expect(html()).toContain('看隐私协议')
    expect(html()).not.toContain('再试一次')
  })

  test('what does not exist is not asked for again and again', () => {
    const { html } = render('state', { problem: { ...PROBLEM, code: 'not-found' } })
    expect(html()).toContain('回首页')
    expect(html()).not.toContain('再试一次')
  })

  test('nothing there: says so, and where to go', async () => {
    const { html, tap, events } = render('state', { title: '没有预约', action: '去预约' })
    expect(html()).toContain('没有预约')
    tap('.button')
    await tick()
    expect(events.map(([name]) => name)).toEqual(['act'])
  })
})

describe('chips', () => {
  const items = [{ value: 'self', text: '本人', disabled: true, note: '已添加' }, { value: 'other', text: '其他亲友' }]

  test('what is not possible says why and can not be picked', async () => {
    const { component, html, events } = render('chips', { items, value: '' })
    expect(html()).toContain('本人（已添加）')
    const [self, other] = component.querySelectorAll('.chip')
    self.dispatchEvent('tap')
    other.dispatchEvent('tap')
    await tick()
    expect(events).toEqual([['change', { value: 'other' }]])
  })
})

describe('choice', () => {
  test('picked once tapped', async () => {
    const { tap, events } = render('choice', { label: '王*兰' })
    tap('.choice')
    await tick()
    expect(events).toHaveLength(1)
  })

  test('what is not possible can not be picked', async () => {
    const { tap, events } = render('choice', { label: '王*兰', disabled: true })
    tap('.choice')
    await tick()
    expect(events).toEqual([])
  })
})

test('a tag says its state by a sign too, not by colour alone', () => {
  expect(render('tag', { text: '爽约', tone: 'bad' }).component.querySelector('.tag').dom.querySelectorAll('wx-view')).toHaveLength(1)
  expect(render('tag', { text: '已取消', tone: 'plain' }).component.querySelector('.tag').dom.querySelectorAll('wx-view')).toHaveLength(0)
})

test('a field shows the error instead of the hint', () => {
  expect(render('field', { label: '姓名', hint: '与身份证一致' }).html()).toContain('与身份证一致')
  const wrong = render('field', { label: '姓名', hint: '与身份证一致', error: '请填写姓名' })
  expect(wrong.component.querySelector('.hint')).toBeFalsy()
  expect(wrong.html()).toContain('请填写姓名')
})

test('a sheet exists only while it is shown', async () => {
  const { html, component, tap, events } = render('sheet', { show: false, heading: '确定取消吗？' })
  expect(html()).not.toContain('确定取消吗？')
  component.setData({ show: true })
  expect(html()).toContain('确定取消吗？')
  tap('.close')
  await tick()
  expect(events.map(([name]) => name)).toEqual(['close'])
})

test('days: the chosen one is told once, and not again', async () => {
  const days = [{ on: '2026-11-23', near: '明天', date: '11月23日', note: '有号' }, { on: '2026-11-24', near: '后天', date: '11月24日', note: '约满' }]
  const { component, events } = render('date-bar', { days, value: '2026-11-23' })
  const [first, second] = component.querySelectorAll('.day')
  first.dispatchEvent('tap')
  second.dispatchEvent('tap')
  await tick()
  expect(events).toEqual([['change', { value: '2026-11-24' }]])
})
