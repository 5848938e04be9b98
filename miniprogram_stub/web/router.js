// Pages on a stack, as WeChat keeps them, in step with the browser's history.
import { assets, configs, pages } from 'mp'
import { appLife } from './life.js'
import { Refusal } from './call.js'
import { needCode } from './packs.js'
import { pull } from './pull.js'
import { dismissAll, leaveDialog } from './sheets.js'

export const DEEP_MOST = 10
const SCENE = 1001 // from the list of mini-programs
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

/** Where `url` leads. Throws a Refusal. */
function goal(url, most = Infinity) {
  if (typeof url !== 'string') throw new Refusal(`parameter error: parameter.url should be String instead of ${typeOf(url)};`)
  const where = parse(url)
  if (!pages.includes(where.path)) throw new Refusal(`page "${where.path}" is not found`)
  if (stack.length >= most) throw new Refusal('webview count limit exceed')
  return where
}

const typeOf = (value) => Object.prototype.toString.call(value).slice(8, -1)

let wanted = 0

/** `go` as soon as the page's code is here. Of several taps meanwhile, the last one counts. */
async function whenHere({ path }, go) {
  const turn = (wanted += 1)
  const coming = needCode(path)
  if (coming) await coming
  if (turn === wanted) go()
}

/** Somebody's tap came to nothing, and was told why; anything else is our own mistake. */
function unlessRefused(error) {
  if (!(error instanceof Refusal)) reportError(error)
}

/** A page that is not yet on the stack. */
function open({ path, query }) {
  const root = createPage(path)
  const component = root.getComponent()
  const instance = component.getMethodCaller()
  const element = component.$$
  const page = { key: `${Date.now()}-${++serial}`, path, query, root, component, instance, element, loaded: false }
  Object.assign(instance, { route: path, options: query })
  element.dataset.path = path
  element.hidden = true
  const place = document.createElement('div')
  $('stage').append(place)
  root.attach($('stage'), place)
  pull.listen(page, configs[path])
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
  const isNew = !page.loaded
  page.loaded = true
  if (isNew) life(page, 'onLoad', page.query)
  life(page, 'onShow')
  page.component.triggerPageLifetime('show', [])
  if (isNew) life(page, 'onReady')
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
  if (kept.get(page.path) === page) kept.delete(page.path)
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

/** Put `next` in front. `gone` is closed, the top first; a tab page that is left is only hidden. */
function settle(next, { focus = true, gone = stack.filter((page) => !next.includes(page) && !kept.has(page.path)).reverse() } = {}) {
  const before = stack.at(-1)
  const top = next.at(-1)
  stack = next
  if (before && before !== top && !gone.includes(before) && !before.element.hidden) hide(before)
  gone.forEach(close)
  show(top, { focus })
}

function openTab({ path, query }) {
  if (!kept.has(path)) kept.set(path, open({ path, query }))
  return kept.get(path)
}

const openAny = (where) => (isTab(where.path) ? openTab(where) : open(where))

const RETURN_MOST_MS = 3000
let at = history.state?.at ?? 0 // which of the history's entries is in front
let returning = null // browsers go back some time later: what follows waits for it
const waiting = []
const inTurn = (work) => (returning ? waiting.push(work) : work())

/** The page in front, as an entry of the browser's history. */
function write(method) {
  const { key, path, query } = stack.at(-1)
  const entry = { key, at, depth: stack.length }
  inTurn(() => history[method](entry, '', addressOf({ path, query })))
}

function push() {
  at += 1
  write('pushState')
}

const replace = () => write('replaceState')

function goBack(steps) {
  at -= steps
  travel(-steps)
}

/** Bring the browser's history to the page in front, `steps` from where it is. */
function travel(steps) {
  const { key } = stack.at(-1)
  inTurn(() => {
    const late = setTimeout(hasReturned, RETURN_MOST_MS)
    returning = { key, late }
    history.go(steps)
  })
}

function hasReturned() {
  clearTimeout(returning.late)
  returning = null
  while (!returning && waiting.length) waiting.shift()()
}

export const router = {
  start(wired) {
    createPage = wired.createPage
    $('tabs').replaceChildren(...tabs.map(tabLink))
    $('back').onclick = () => (stack.length > 1 ? router.navigateBack({}) : router.reLaunch({ url: '/' + pages[0] }).catch(unlessRefused))
    $('refresh').onclick = () => pull.start(stack.at(-1))
    addEventListener('popstate', arrive)
    document.addEventListener('visibilitychange', () => router.foreground(!document.hidden))
    const where = location.hash.length > 2 ? parse(location.hash.slice(1)) : { path: pages[0], query: {} }
    appLife.launch({ path: where.path, query: where.query, scene: SCENE })
    begin(where)
  },

  current: () => stack.map((page) => page.instance),
  top: () => stack.at(-1),

  navigateTo({ url }) {
    const where = goal(url, DEEP_MOST)
    if (isTab(where.path)) throw new Refusal('can not navigateTo a tabbar page')
    return whenHere(where, () => {
      settle([...stack, open(where)])
      push()
    })
  },

  redirectTo({ url }) {
    const where = goal(url)
    if (isTab(where.path)) throw new Refusal('can not redirectTo a tabbar page')
    return whenHere(where, () => {
      settle([...stack.slice(0, -1), open(where)], { gone: stack.slice(-1) })
      replace()
    })
  },

  navigateBack({ delta = 1 }) {
    wanted += 1
    const steps = Math.min(Math.max(1, Math.trunc(delta) || 1), stack.length - 1)
    if (steps < 1) throw new Refusal('cannot navigate back at first page')
    settle(stack.slice(0, -steps))
    goBack(steps)
  },

  switchTab({ url }) {
    const where = goal(url)
    if (!isTab(where.path)) throw new Refusal('can not switch to no-tabBar page')
    if (stack.length === 1 && stack[0].path === where.path) return
    return whenHere(where, () => {
      settle([openTab({ path: where.path, query: {} })])
      push()
    })
  },

  reLaunch({ url }) {
    const where = goal(url)
    return whenHere(where, () => {
      const gone = [...new Set([...[...stack].reverse(), ...kept.values()])]
      kept.clear()
      settle([openAny(where)], { gone })
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
    if (now) appLife.show({ path: page.path, query: page.query, scene: SCENE })
    life(page, now ? 'onShow' : 'onHide')
    page.component.triggerPageLifetime(now ? 'show' : 'hide', [])
    if (!now) appLife.hide()
  },
}

/** A tab's picture; which of the two is seen follows `aria-current`. */
function tabIcon(path, className) {
  return path ? [Object.assign(document.createElement('img'), { src: assets['/' + path], alt: '', className })] : []
}

function tabLink({ pagePath, text, iconPath, selectedIconPath }, index) {
  const link = document.createElement('a')
  link.href = '#/' + pagePath
  link.dataset.path = pagePath
  link.append(...tabIcon(iconPath, 'plain'), ...tabIcon(selectedIconPath, 'chosen'), text, Object.assign(document.createElement('span'), { className: 'badge' }))
  link.onclick = (event) => {
    event.preventDefault()
    Promise.resolve(router.switchTab({ url: '/' + pagePath })).then(() => {
      if (stack[0].path === pagePath) life(stack[0], 'onTabItemTap', { index, pagePath, text })
    }).catch(unlessRefused)
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
  const words = Object.assign(document.createElement('p'), { textContent: '这一页没有取到。请看看手机网络，再试一次。' })
  const place = Object.assign(document.createElement('div'), { className: 'unreached', role: 'alert' })
  place.append(words, again)
  return place
}

/** The browser's own back and forward, or another address typed in. */
function arrive({ state }) {
  if (returning && state?.key === returning.key) return hasReturned() // navigateBack's own
  if (state && state.key === stack.at(-1)?.key) return
  // Back takes a page's sheet away, not the page.
  if (state?.at === at - 1 && leaveDialog($('stage'))) return travel(1)
  dismissAll()
  const isNext = state?.at === at + 1
  at = state?.at ?? at + 1
  const below = stack.findIndex((page) => page.key === state?.key)
  if (below >= 0) {
    wanted += 1
    return settle(stack.slice(0, below + 1))
  }
  const where = parse(location.hash.slice(1) || '/' + pages[0])
  if (!pages.includes(where.path)) return begin(where)
  return whenHere(where, () => {
    const forward = isNext && state.depth === stack.length + 1 && stack.length < DEEP_MOST && !isTab(where.path)
    settle(forward ? [...stack, open(where)] : [openAny(where)])
    replace()
  }).catch((error) => {
    if (!(error instanceof Refusal)) return reportError(error)
    if (stack.length) replace() // the address of what is still in front
  })
}
