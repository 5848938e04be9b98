// Pages on a stack, as WeChat keeps them, in step with the browser's history.
import { assets, configs, pages } from 'mp'
import { appLife } from './life.js'
import { Refusal } from './call.js'
import { needCode } from './packs.js'
import { pull } from './pull.js'

export const DEEP_MOST = 10
const $ = (id) => document.getElementById(id)
const tabs = configs.app.tabBar?.list ?? []
const isTab = (path) => tabs.some((tab) => tab.pagePath === path)

let createPage
let serial = 0
let stack = []
const kept = new Map() // tab pages stay alive: path → page
let inFront = true

/** '/pages/a/a?id=1', or relative to the page in front → {path, query}. */
function parse(url) {
  const base = 'http://mp/' + (stack.at(-1)?.path ?? '')
  const { pathname, searchParams } = new URL(url, base)
  return { path: pathname.slice(1).replace(/\.html$/, ''), query: Object.fromEntries(searchParams) }
}

const addressOf = ({ path, query }) => {
  const search = new URLSearchParams(query).toString()
  return `#/${path}${search ? '?' + search : ''}`
}

function insist(name, { path }, most = Infinity) {
  if (!pages.includes(path)) throw new Refusal(`page "${path}" is not found`)
  if (stack.length >= most) throw new Refusal(`webview count limit exceed`)
}

let wanted = 0

/** `go` as soon as the page's code is here. Of several taps meanwhile, the last one counts. */
async function whenHere({ path }, go) {
  const turn = (wanted += 1)
  const coming = needCode(path)
  if (coming) await coming
  if (turn === wanted) go()
}

function open({ path, query }) {
  const root = createPage(path)
  const component = root.getComponent()
  const instance = component.getMethodCaller()
  const element = component.$$
  const page = { key: `${Date.now()}-${++serial}`, path, query, root, component, instance, element, ready: false }
  Object.assign(instance, { route: path, options: query })
  element.dataset.path = path
  element.hidden = true
  const place = document.createElement('div')
  $('stage').append(place)
  root.attach($('stage'), place)
  pull.listen(page, configs[path])
  life(page, 'onLoad', query)
  return page
}

/** Call a page's handler; its mistake is its own. */
function life(page, name, ...args) {
  try {
    const result = page.instance[name]?.(...args)
    result?.catch?.((error) => reportError(error))
    return result
  } catch (error) {
    reportError(error)
  }
}

function show(page, { focus }) {
  const config = { ...configs.app.window, ...configs[page.path] }
  page.element.hidden = false
  if (page.scrolled) page.element.scrollTop = page.scrolled // even 0 would make the browser lay it out at once
  bar.title(page.title ?? config.navigationBarTitleText ?? '')
  bar.draw(page.path)
  life(page, 'onShow')
  page.component.triggerPageLifetime('show', [])
  if (!page.ready) {
    page.ready = true
    life(page, 'onReady')
  }
  if (focus) (page.focused?.isConnected ? page.focused : $('title')).focus({ preventScroll: true })
}

function hide(page) {
  page.scrolled = page.element.scrollTop
  page.focused = page.element.contains(document.activeElement) ? document.activeElement : null
  page.element.hidden = true
  life(page, 'onHide')
  page.component.triggerPageLifetime('hide', [])
}

function close(page) {
  life(page, 'onUnload')
  page.root.release()
  page.element.remove()
  kept.delete(page.path)
}

const bar = {
  title(text) {
    $('title').textContent = text
    document.title = text ? `${text} - ${configs.app.window.navigationBarTitleText}` : configs.app.window.navigationBarTitleText
  },
  draw(path) {
    const alone = stack.length === 1
    $('back').hidden = alone && isTab(path)
    $('back').className = alone ? 'home' : ''
    $('back').ariaLabel = alone ? '回到首页' : '返回'
    $('refresh').hidden = !configs[path]?.enablePullDownRefresh
    $('tabs').hidden = !isTab(path)
    document.body.classList.toggle('with-tabs', isTab(path))
    for (const link of $('tabs').children) link.ariaCurrent = link.dataset.path === path ? 'page' : null
  },
}

/** Put `next` in front; what is not on it any more is closed, tab pages are only hidden. */
function settle(next, { focus = true } = {}) {
  const before = stack.at(-1)
  const top = next.at(-1)
  if (before && before !== top && !before.element.hidden) hide(before)
  for (const page of stack) {
    if (!next.includes(page) && !kept.has(page.path)) close(page)
  }
  stack = next
  show(top, { focus })
}

function openTab({ path, query }) {
  if (!kept.has(path)) kept.set(path, open({ path, query }))
  return kept.get(path)
}

const openAny = (where) => (isTab(where.path) ? openTab(where) : open(where))

function closeKept(except) {
  for (const page of [...kept.values()]) if (page !== except) close(page)
}

const entry = () => ({ key: stack.at(-1).key, depth: stack.length })
const push = () => history.pushState(entry(), '', addressOf(stack.at(-1)))
const replace = () => history.replaceState(entry(), '', addressOf(stack.at(-1)))

export const router = {
  start(wired) {
    createPage = wired.createPage
    $('tabs').replaceChildren(...tabs.map(tabLink))
    $('back').onclick = () => (stack.length > 1 ? router.navigateBack({}) : router.reLaunch({ url: '/' + pages[0] }))
    $('refresh').onclick = () => pull.start(stack.at(-1))
    addEventListener('popstate', arrive)
    document.addEventListener('visibilitychange', () => router.foreground(!document.hidden))
    const where = location.hash.length > 2 ? parse(location.hash.slice(1)) : { path: pages[0], query: {} }
    appLife.launch({ path: where.path, query: where.query, scene: 1001 })
    begin(where)
  },

  current: () => stack.map((page) => page.instance),
  top: () => stack.at(-1),

  navigateTo({ url }) {
    const where = parse(url)
    insist('navigateTo', where, DEEP_MOST)
    if (isTab(where.path)) throw new Refusal('can not navigateTo a tabbar page')
    return whenHere(where, () => {
      hide(stack.at(-1))
      settle([...stack, open(where)])
      push()
    })
  },

  redirectTo({ url }) {
    const where = parse(url)
    insist('redirectTo', where)
    if (isTab(where.path)) throw new Refusal('can not redirectTo a tabbar page')
    return whenHere(where, () => {
      settle([...stack.slice(0, -1), open(where)])
      replace()
    })
  },

  navigateBack({ delta = 1 }) {
    wanted += 1
    const steps = Math.min(Math.max(1, Math.trunc(delta) || 1), stack.length - 1)
    if (steps < 1) throw new Refusal('cannot navigate back at first page')
    settle(stack.slice(0, -steps))
    history.go(-steps)
  },

  switchTab({ url }) {
    const where = parse(url)
    insist('switchTab', where)
    if (!isTab(where.path)) throw new Refusal('can not switch to no-tabBar page')
    if (stack.length === 1 && stack[0].path === where.path) return
    const { pagePath: path, text } = tabs.find((tab) => tab.pagePath === where.path)
    return whenHere(where, () => {
      settle([openTab({ path, query: {} })])
      push()
      life(stack[0], 'onTabItemTap', { index: tabs.findIndex((tab) => tab.pagePath === path), pagePath: path, text })
    })
  },

  reLaunch({ url }) {
    const where = parse(url)
    insist('reLaunch', where)
    return whenHere(where, () => {
      const old = stack
      stack = []
      closeKept()
      for (const page of old) if (page.element.isConnected) close(page)
      settle([openAny(where)])
      push()
    })
  },

  title: (text) => {
    stack.at(-1).title = text
    bar.title(text)
  },

  badge(index, text) {
    const link = $('tabs').children[index]
    if (!link) throw new Refusal('tabbar item not found')
    link.querySelector('.badge').textContent = text
  },

  /** The mini-program goes to the background, or comes back. */
  foreground(now) {
    if (now === inFront) return
    inFront = now
    const page = stack.at(-1)
    if (!page) return // the first one is still on its way
    if (now) appLife.show({ path: page.path, query: page.query, scene: 1001 })
    life(page, now ? 'onShow' : 'onHide')
    page.component.triggerPageLifetime(now ? 'show' : 'hide', [])
    if (!now) appLife.hide()
  },
}

/** A tab's picture; which of the two is seen follows `aria-current`. */
function tabIcon(path, className) {
  return path ? [Object.assign(document.createElement('img'), { src: assets['/' + path], alt: '', className })] : []
}

function tabLink({ pagePath, text, iconPath, selectedIconPath }) {
  const link = document.createElement('a')
  link.href = '#/' + pagePath
  link.dataset.path = pagePath
  link.append(...tabIcon(iconPath, 'plain'), ...tabIcon(selectedIconPath, 'chosen'), text, Object.assign(document.createElement('span'), { className: 'badge' }))
  link.onclick = (event) => {
    event.preventDefault()
    router.switchTab({ url: '/' + pagePath })
  }
  return link
}

/** The first page, or one whose history is gone: it stands alone, as from a shared link. */
function begin(where) {
  const known = pages.includes(where.path)
  if (!known && appLife.pageNotFound({ path: where.path, query: where.query, isEntryPage: true }) && stack.length) return
  const first = known ? where : { path: pages[0], query: {} }
  const early = [...$('stage').children]
  return whenHere(first, () => {
    settle([openAny(first)], { focus: false })
    for (const one of early) one.remove()
    replace()
  }).catch((error) => {
    if (!(error instanceof Refusal)) return reportError(error)
    if (!stack.length) $('stage').replaceChildren(unreached())
  })
}

/** In the first page's place when its code cannot be had. */
function unreached() {
  const again = Object.assign(document.createElement('button'), { textContent: '再试一次', onclick: () => location.reload() })
  const words = Object.assign(document.createElement('p'), { textContent: '这一页没有取到。请看看手机网络,再试一次。' })
  const place = Object.assign(document.createElement('div'), { className: 'unreached', role: 'alert' })
  place.append(words, again)
  return place
}

/** The browser's own back and forward, or another address typed in. */
function arrive({ state }) {
  if (state && state.key === stack.at(-1)?.key) return
  const below = stack.findIndex((page) => page.key === state?.key)
  if (below >= 0) {
    wanted += 1
    return settle(stack.slice(0, below + 1))
  }
  const where = parse(location.hash.slice(1) || '/' + pages[0])
  if (!pages.includes(where.path)) return begin(where)
  return whenHere(where, () => {
    if (state && state.depth === stack.length + 1 && stack.length < DEEP_MOST && !isTab(where.path)) {
      hide(stack.at(-1)) // forward again
      settle([...stack, open(where)])
    } else {
      const old = stack
      stack = []
      const page = openAny(where)
      for (const other of old) if (other !== page) kept.has(other.path) ? other.element.hidden || hide(other) : close(other)
      settle([page])
    }
    replace()
  }).catch((error) => {
    if (!(error instanceof Refusal)) return reportError(error)
    if (stack.length) replace() // the address of what is still in front
  })
}
