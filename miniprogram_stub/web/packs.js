// The code of pages other than the first: fetched when one is opened, or before that, when all is quiet.
import { common, modules, packs, sheet } from 'mp'
import { Told } from './call.js'
import { isConnected } from './phone.js'
import { hideToast, toast } from './sheets.js'

const TRIES = 3
const PAUSE_MS = 400
const QUICK_MS = 300 // a wait that need not be spoken of
const SAID_MS = 4000
const arrived = new Set()
const coming = new Map()
let install

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** Browsers remember that an address failed, so another try has another one. */
async function patiently(fetchIt) {
  for (let tries = 0; ; tries += 1) {
    try {
      return await fetchIt(tries ? `?${tries}` : '')
    } catch (error) {
      if (tries + 1 >= TRIES) throw error
      await sleep(PAUSE_MS * 2 ** tries)
    }
  }
}

const script = (name) => patiently((again) => import(new URL(name + again, import.meta.url).href))
const styles = () => patiently((again) => new Promise((resolve, reject) => {
  const link = Object.assign(document.createElement('link'), { rel: 'stylesheet', href: new URL(sheet + again, import.meta.url).href, onload: resolve })
  link.onerror = () => { link.remove(); reject(new Error(sheet)) }
  document.head.append(link)
}))

/** Each thing is fetched once, and again only when that failed. */
function once(name, work) {
  if (!coming.has(name)) coming.set(name, work().catch((error) => { coming.delete(name); throw error }))
  return coming.get(name)
}

const bring = (path) => once(path, async () => {
  const [all, own] = await Promise.all([once('common', () => script(common)), script(packs[path]), once('styles', styles)])
  if (!arrived.size) install(all)
  install(own)
  arrived.add(path)
})

const isHere = (path) => !packs[path] || arrived.has(path)

/** Resolves at once where the code is here. Throws `Told` when it cannot be had. */
export function needCode(path) {
  if (isHere(path)) return undefined
  const slow = setTimeout(() => toast('正在打开…', { lasts_ms: 0, busy: true }), QUICK_MS)
  return bring(path).then(hideToast, () => {
    toast(isConnected() ? '这一页没有取到，请刷新后再试。' : '没有连上网络，这一页打不开。请连上网络再试。', { lasts_ms: SAID_MS })
    throw new Told('loading the page failed')
  }).finally(() => clearTimeout(slow))
}

/** The browser has time: fetch what may be opened next. A failure shows when it is needed. */
async function fetchAhead() {
  const quiet = () => new Promise((resolve) => (globalThis.requestIdleCallback ?? setTimeout)(resolve))
  for (const path of Object.keys(packs)) {
    await quiet()
    await bring(path).catch(() => {})
  }
}

export const code = {
  start(wired) {
    install = (pack) => {
      Object.assign(modules, pack.modules)
      wired.install(pack)
    }
  },
  fetchAhead() {
    if (navigator.connection?.saveData) return
    if (document.readyState === 'complete') fetchAhead()
    else addEventListener('load', fetchAhead, { once: true })
  },
}
