// The browser host, whole, in a window of its own: web/ with a mini-program of four pages, two of them tabs.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createRequire } from 'node:module'
import esbuild from 'esbuild'

const require = createRequire(import.meta.url)
const { treeOf } = require('../../pack/tree.cjs')
const { asMp, coreModule } = require('../../pack/modules.cjs')
const { openWindow } = require('../../pack/window.cjs')

const WEB = join(import.meta.dirname, '../../web')
export const SITE = 'https://county.example'
export const WECHAT = 'http://wechat.example'
const HERE = 'http://browser.example/m/'
const TABS = ['pages/home/home', 'pages/find/find']
const PAGES = [...TABS, 'pages/a/a', 'pages/b/b']
const BUTTONS = ['getPhoneNumber', 'agreePrivacyAuthorization']
const HANDLERS = ['onLoad', 'onShow', 'onReady', 'onHide', 'onUnload', 'onTabItemTap', 'onPullDownRefresh']

/** Every handler tells `seen`; `stack` is what the page sees of the others while it is loaded. */
const script = (path) => `
  const seen = (what, detail) => globalThis.seen.push(detail === undefined ? '${path[6]}.' + what : ['${path[6]}.' + what, detail])
  Page({
    ${HANDLERS.map((name) => `${name}(detail) { ${name === 'onLoad' ? 'this.stack = getCurrentPages().map((page) => page.route);' : ''} seen('${name}', detail) },`).join('\n')}
    tap() { globalThis.tapped?.() },
    answered(event) { seen(event.type, event.detail) },
  })`
const template = `<button id="tap" bind:tap="tap">tap</button>${BUTTONS.map((type) => (
  `<button id="${type}" open-type="${type}" bind:${type.toLowerCase()}="answered">${type}</button>`)).join('')}`

const app = {
  pages: PAGES,
  window: { navigationBarTitleText: 'Test' },
  tabBar: { list: TABS.map((pagePath) => ({ pagePath, text: pagePath[6] })) },
  requiredPrivateInfos: ['getFuzzyLocation'],
  __usePrivacyCheck__: true,
}
const files = {
  'app.json': JSON.stringify(app),
  'app.js': `App({
    onLaunch(options) { globalThis.seen.push(['app.onLaunch', options.path]) },
    onShow() { globalThis.seen.push('app.onShow') },
    onHide() { globalThis.seen.push('app.onHide') },
    onPageNotFound({ path }) { globalThis.seen.push(['app.onPageNotFound', path]); globalThis.wx.reLaunch({ url: '/pages/b/b' }) },
  })`,
  'utils/config.js': `module.exports = { site: '${SITE}' }`,
  ...Object.fromEntries(PAGES.flatMap((page) => [
    [page + '.js', script(page)], [page + '.wxml', template], [page + '.wxss', ''],
    [page + '.json', JSON.stringify(page.startsWith('pages/a/') ? { enablePullDownRefresh: true, navigationBarTitleText: 'A' } : {})],
  ])),
}

/** Busy machines take their time. */
export const until = (look) => vi.waitFor(look, { timeout: 10000 })

const faults = []
afterEach(() => expect(faults.splice(0)).toEqual([]))

let built
async function code() {
  const tree = treeOf(Object.keys(files).sort(), (file) => files[file])
  const mp = coreModule(tree, tree.files.filter((file) => !file.endsWith('.json')), { assets: {}, sheet: '', common: '', packs: {} })
  const { outputFiles } = await esbuild.build({
    entryPoints: [join(WEB, 'host.js')], bundle: true, write: false, format: 'iife', logLevel: 'error',
    define: { 'import.meta.url': JSON.stringify(HERE) }, plugins: [asMp(mp)],
  })
  return outputFiles[0].text
}

/** jsdom has no modal dialogs; focus and layout are for the tests in Chromium. */
function teachDialogs(window) {
  Object.assign(window.HTMLDialogElement.prototype, {
    showModal() { this.setAttribute('open', '') },
    close() { this.removeAttribute('open') },
  })
}

/**
 * A phone that was just switched on. `stored` are values of the mini-program; `answer(url, options)` is the
 * county's service, `simulator(path, body)` WeChat's, each giving a Response or throwing.
 */
export async function switchOn({ address = '', stored = {}, phone = {}, answer, simulator = () => ({}), wechat = WECHAT } = {}) {
  built ??= code()
  const page = readFileSync(join(WEB, 'index.html'), 'utf8').replace('{{phone}}', wechat)
  const window = openWindow(page, HERE + address)
  teachDialogs(window)
  const seen = []
  const asked = []
  const { document, localStorage } = window
  localStorage.setItem('phone', JSON.stringify({ user: 'wang-nainai', ...phone }))
  for (const [name, value] of Object.entries(stored)) localStorage.setItem('mp/wang-nainai/' + name, JSON.stringify({ value }))
  Object.assign(window, {
    seen,
    setTimeout: (...given) => globalThis.setTimeout(...given), // so that vi.useFakeTimers moves the page's clock
    clearTimeout: (timer) => globalThis.clearTimeout(timer),
    reportError: (error) => faults.push(error),
    async fetch(url, options = {}) {
      if (!String(url).startsWith(wechat || 'none:')) return answer(String(url), options)
      const body = options.body && JSON.parse(options.body)
      asked.push([String(url).slice(wechat.length), body])
      const found = await simulator(String(url).slice(wechat.length), body)
      return found instanceof Response ? found : Response.json(found)
    },
  })
  window.addEventListener('error', (event) => faults.push(event.error))
  window.eval(await built)
  let hidden = false
  Object.defineProperty(document, 'hidden', { get: () => hidden })
  const sheet = () => [...document.querySelectorAll('dialog[open]')].at(-1)
  /** A finger on the page in front, on the element with this id. */
  const tap = (id = 'tap') => [...document.querySelectorAll('wx-page:not([hidden]) button')].find((one) => one.__wxElement.id === id).click()
  /** The open sheet's words, once there is one. */
  const asks = async () => {
    await until(() => expect(sheet()).toBeTruthy())
    return sheet().textContent
  }
  return {
    window, wx: window.wx, seen, asked, faults, document, sheet, tap, asks,
    /** What the handlers told since the last time. */
    news: () => seen.splice(0),
    routes: () => Array.from(window.getCurrentPages(), (one) => one.route),
    shown: () => document.querySelector('wx-page:not([hidden])').dataset.path,
    address: () => window.location.hash,
    /** `work` as a page does it in answer to a tap. */
    inTap: (work) => new Promise((resolve) => {
      window.tapped = () => resolve(work())
      tap()
    }),
    tab: (index) => document.getElementById('tabs').children[index].click(),
    /** Tap a button of the open sheet. */
    async choose(name) {
      await asks()
      ;[...sheet().querySelectorAll('button')].find((one) => one.textContent === name).click()
    },
    turn(now) {
      hidden = now === 'background'
      document.dispatchEvent(new window.Event('visibilitychange'))
    },
    /** The browser's own back and forward. */
    async travel(steps) {
      const there = new Promise((resolve) => window.addEventListener('popstate', resolve, { once: true }))
      window.history.go(steps)
      await there
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}
