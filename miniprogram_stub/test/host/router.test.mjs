// Pages on a stack, as WeChat's page on routes says it, and in step with the browser's history.
import { switchOn, until } from './browser.mjs'

const [HOME, FIND, A, B] = ['home', 'find', 'a', 'b'].map((name) => `pages/${name}/${name}`)
const to = (page, query = '') => ({ url: '/' + page + query })

describe('the start', () => {
  test('the app comes before its first page', async () => {
    const { seen, shown, address } = await switchOn()
    expect(seen).toEqual([['app.onLaunch', HOME], 'app.onShow', ['h.onLoad', {}], 'h.onShow', 'h.onReady'])
    expect(shown()).toBe(HOME)
    expect(address()).toBe('#/' + HOME)
  })

  test('a link from a message opens its page alone, with its query', async () => {
    const { seen, routes, wx, document } = await switchOn({ address: `#/${A}?id=1&from=inbox` })
    expect(seen).toContainEqual(['a.onLoad', { id: '1', from: 'inbox' }])
    expect(routes()).toEqual([A])
    expect(document.getElementById('back').ariaLabel).toBe('回到首页')
    expect(wx.getLaunchOptionsSync()).toMatchObject({ path: A, query: { id: '1', from: 'inbox' } })
    await wx.navigateTo(to(B))
    expect(wx.getLaunchOptionsSync().path).toBe(A)
  })

  test('a page that does not exist is the app’s to answer', async () => {
    const { seen, routes } = await switchOn({ address: '#/pages/old/old' })
    expect(seen).toContainEqual(['app.onPageNotFound', 'pages/old/old'])
    await until(() => expect(routes()).toEqual([B]))
  })
})

describe('handlers in WeChat’s order', () => {
  test('navigateTo hides, navigateBack closes without hiding', async () => {
    const { wx, news } = await switchOn()
    news()
    await wx.navigateTo(to(A, '?id=1'))
    expect(news()).toEqual(['h.onHide', ['a.onLoad', { id: '1' }], 'a.onShow', 'a.onReady'])
    await wx.navigateBack()
    expect(news()).toEqual(['a.onUnload', 'h.onShow'])
  })

  test('redirectTo closes the page it leaves, a tab too', async () => {
    const { wx, news, routes } = await switchOn()
    await wx.navigateTo(to(A))
    news()
    await wx.redirectTo(to(B))
    expect(news()).toEqual(['a.onUnload', ['b.onLoad', {}], 'b.onShow', 'b.onReady'])
    expect(routes()).toEqual([HOME, B])
    await wx.navigateBack()
    news()
    await wx.redirectTo(to(A))
    expect(news()).toEqual(['h.onUnload', ['a.onLoad', {}], 'a.onShow', 'a.onReady'])
    expect(routes()).toEqual([A])
  })

  test('switchTab keeps the tabs and closes what is above them, the top first', async () => {
    const { wx, news, routes } = await switchOn()
    await wx.navigateTo(to(A))
    await wx.navigateTo(to(B))
    news()
    await wx.switchTab(to(FIND))
    expect(news()).toEqual(['b.onUnload', 'a.onUnload', ['f.onLoad', {}], 'f.onShow', 'f.onReady'])
    await wx.switchTab(to(HOME))
    expect(news()).toEqual(['f.onHide', 'h.onShow'])
    expect(routes()).toEqual([HOME])
  })

  test('reLaunch closes everything, also tabs out of sight, and opens anew', async () => {
    const { wx, news, routes, document } = await switchOn()
    await wx.switchTab(to(FIND))
    await wx.navigateTo(to(A))
    news()
    await wx.reLaunch(to(HOME))
    expect(news()).toEqual(['a.onUnload', 'f.onUnload', 'h.onUnload', ['h.onLoad', {}], 'h.onShow', 'h.onReady'])
    expect(routes()).toEqual([HOME])
    expect(document.querySelectorAll('wx-page')).toHaveLength(1)
  })

  test('a page being loaded is on the stack, and its title is its own', async () => {
    const { wx, window, document } = await switchOn()
    await wx.navigateTo(to(A))
    expect(document.title).toBe('A - Test')
    expect(Array.from(window.getCurrentPages().at(-1).stack)).toEqual([HOME, A])
  })

  test('onTabItemTap is for a finger on the tab, not for switchTab', async () => {
    const { wx, seen, news, tab } = await switchOn()
    await wx.switchTab(to(FIND))
    expect(news().flat()).not.toContain('f.onTabItemTap')
    const tapped = ['h.onTabItemTap', { index: 0, pagePath: HOME, text: 'h' }]
    tab(0)
    await until(() => expect(seen).toContainEqual(tapped))
    expect(news()).toEqual(['f.onHide', 'h.onShow', tapped])
    tab(0)
    await until(() => expect(seen).toEqual([tapped]))
  })

  test('background and foreground', async () => {
    const { wx, news, turn } = await switchOn()
    const heard = []
    wx.onAppHide(() => heard.push('hide'))
    wx.onAppShow(() => heard.push('show'))
    news()
    turn('background')
    turn('background')
    expect(news()).toEqual(['h.onHide', 'app.onHide'])
    turn('foreground')
    expect(news()).toEqual(['app.onShow', 'h.onShow'])
    wx.offAppShow()
    turn('background')
    turn('foreground')
    expect(heard).toEqual(['hide', 'show', 'hide'])
  })
})

describe('refusals', () => {
  test.each([
    ['navigateTo', to(FIND), 'can not navigateTo a tabbar page'],
    ['redirectTo', to(FIND), 'can not redirectTo a tabbar page'],
    ['switchTab', to(A), 'can not switch to no-tabBar page'],
    ['navigateTo', to('pages/x/x'), 'page "pages/x/x" is not found'],
    ['reLaunch', {}, 'parameter error: parameter.url should be String instead of Undefined;'],
    ['navigateBack', {}, 'cannot navigate back at first page'],
  ])('%s %j', async (name, options, why) => {
    const { wx, routes } = await switchOn()
    const heard = []
    await new Promise((resolve) => wx[name]({ ...options, fail: (error) => heard.push(error.errMsg), complete: resolve }))
    expect(heard).toEqual([`${name}:fail ${why}`])
    expect(routes()).toEqual([HOME])
  })

  test('ten pages, and no eleventh; redirectTo still works', async () => {
    const { wx, routes } = await switchOn()
    for (let depth = 1; depth < 10; depth += 1) await wx.navigateTo(to(A, '?n=' + depth))
    await expect(wx.navigateTo(to(B))).rejects.toEqual({ errMsg: 'navigateTo:fail webview count limit exceed' })
    await wx.redirectTo(to(B))
    expect(routes()).toHaveLength(10)
    expect(routes().at(-1)).toBe(B)
  })

  test('navigateBack goes no further than the first page', async () => {
    const { wx, routes } = await switchOn()
    await wx.navigateTo(to(A))
    await wx.navigateTo(to(B))
    await wx.navigateBack({ delta: 9 })
    expect(routes()).toEqual([HOME])
  })
})

describe('the browser’s history', () => {
  test('back and forward are the pages’ back and forward', async () => {
    const { wx, routes, travel, address, news } = await switchOn()
    await wx.navigateTo(to(A, '?id=1'))
    await wx.navigateTo(to(B))
    news()
    await travel(-1)
    expect(routes()).toEqual([HOME, A])
    expect(news()).toEqual(['b.onUnload', 'a.onShow'])
    await travel(1)
    expect(routes()).toEqual([HOME, A, B])
    expect(address()).toBe('#/' + B)
    await travel(-2)
    expect(routes()).toEqual([HOME])
  })

  test('navigateBack leaves the address of the page it shows', async () => {
    const { wx, address } = await switchOn()
    await wx.navigateTo(to(A, '?id=1'))
    await wx.navigateTo(to(B))
    await wx.navigateBack()
    await until(() => expect(address()).toBe(`#/${A}?id=1`))
  })

  test('a page that goes back and on at once ends where it wanted', async () => {
    const { wx, routes, address, travel } = await switchOn()
    await wx.navigateTo(to(A))
    await wx.navigateBack()
    await wx.navigateTo(to(B))
    await until(() => expect(address()).toBe('#/' + B))
    expect(routes()).toEqual([HOME, B])
    await travel(-1)
    expect(routes()).toEqual([HOME])
  })

  test('back past a relaunch opens that page again, alone', async () => {
    const { wx, routes, travel } = await switchOn()
    await wx.navigateTo(to(A, '?id=1'))
    await wx.reLaunch(to(HOME))
    await travel(-1)
    expect(routes()).toEqual([A])
  })

  test('an address typed in is opened alone; an unknown one is the app’s to answer', async () => {
    const { window, routes } = await switchOn()
    window.location.hash = `#/${A}?id=2`
    await until(() => expect(routes()).toEqual([A]))
    window.location.hash = '#/pages/x/x'
    await until(() => expect(routes()).toEqual([B]))
  })

  test('going back takes WeChat’s question away, as cancelled', async () => {
    const { wx, travel, routes, asks, sheet } = await switchOn()
    await wx.navigateTo(to(A))
    const answer = wx.showModal({ title: '确定取消预约？' })
    await asks()
    await travel(-1)
    expect(await answer).toMatchObject({ confirm: false, cancel: true })
    expect(sheet()).toBeUndefined()
    expect(routes()).toEqual([HOME])
  })
})

test('pulling down tells the page once until it says that it is done', async () => {
  const { wx, news, document } = await switchOn({ address: '#/' + A })
  const pulled = () => news().filter((one) => one === 'a.onPullDownRefresh')
  document.getElementById('refresh').click()
  document.getElementById('refresh').click()
  expect(pulled()).toHaveLength(1)
  wx.stopPullDownRefresh()
  await wx.startPullDownRefresh()
  expect(pulled()).toHaveLength(1)
})
