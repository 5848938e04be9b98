// What WeChat draws over the page: dialogs, sheets, toasts. Focus stays inside, Escape closes.
import { noteTap } from './events.js'

const $ = (id) => document.getElementById(id)

export function make(tag, properties = {}, ...children) {
  const { dataset, ...rest } = properties
  const element = Object.assign(document.createElement(tag), rest)
  Object.assign(element.dataset, dataset)
  element.append(...children)
  return element
}

/**
 * A modal dialog. `body` is a list of nodes; `actions` are {text, value, main?, color?}.
 * Resolves to the action's value (a function is asked for it), or null when it is dismissed.
 */
export function dialog({ title, body = [], actions = [], kind = 'center', dismissable = true }) {
  return new Promise((resolve) => {
    const back = document.activeElement
    const frame = make('dialog', { className: `sheet ${kind}` })
    const heading = make('h2', { textContent: title, id: 'sheet-title', tabIndex: -1 })
    if (title) frame.setAttribute('aria-labelledby', 'sheet-title')
    const close = (value) => {
      noteTap()
      frame.close()
      frame.remove()
      if (back?.isConnected) back.focus({ preventScroll: true })
      resolve(value)
    }
    const buttons = actions.map((action) => {
      const button = make('button', { type: 'button', textContent: action.text, className: action.main ? 'main' : '' })
      if (action.color) Object.assign(button.style, { color: action.color, background: '#fff' })
      button.onclick = () => close(typeof action.value === 'function' ? action.value() : action.value)
      return button
    })
    frame.append(...(title ? [heading] : []), ...body, make('div', { className: 'actions' }, ...buttons))
    frame.addEventListener('cancel', (event) => {
      event.preventDefault()
      if (dismissable) close(null)
    })
    frame.addEventListener('click', (event) => { if (event.target === frame && dismissable && kind === 'bottom') close(null) })
    frame.choose = close
    document.body.append(frame)
    frame.showModal()
  })
}

/** The page behind has gone: whatever was asked is as if refused. */
export const dismissAll = () => document.querySelectorAll('dialog[open]').forEach((one) => one.choose(null))

export const paragraph = (text) => make('p', { textContent: text })

let hiding
/** `lasts_ms` 0: until it is hidden. `mask` keeps taps from what is below. */
export function toast(text, { lasts_ms = 1500, mask = false, busy = false } = {}) {
  clearTimeout(hiding)
  $('toast').replaceChildren(make('span', { className: busy ? 'busy' : '', textContent: text }))
  $('toast').classList.toggle('mask', mask)
  if (lasts_ms) hiding = setTimeout(hideToast, lasts_ms)
}

export function hideToast() {
  clearTimeout(hiding)
  $('toast').replaceChildren()
  $('toast').classList.remove('mask')
}

/** A page's own dialog, if one is open. */
const ownDialog = (stage) => [...stage.querySelectorAll('[role=dialog][aria-modal=true]')].findLast((one) => one.checkVisibility())

const leave = (one) => one.querySelector('[aria-label="关闭"]')?.click()

/** Leave a page's own dialog undecided; says whether one was open. */
export function leaveDialog(stage) {
  const open = document.querySelector('dialog[open]') ? null : ownDialog(stage)
  if (open) leave(open)
  return Boolean(open)
}

/** A page's own dialogs (aria-modal) hold the focus and hear Escape as well. */
export function guardDialogs(stage) {
  let opened = null
  let back = null
  const modal = () => ownDialog(stage)
  const inside = (one) => [...one.querySelectorAll('button,a,input,textarea,[tabindex="0"]')].filter((node) => !node.disabled && node.checkVisibility())
  new MutationObserver(() => {
    const now = modal() ?? null
    if (now === opened) return
    if (now) {
      if (!opened) back = document.activeElement
      if (!now.contains(document.activeElement)) {
        now.tabIndex = -1
        now.focus({ preventScroll: true })
      }
    } else if (back?.isConnected) {
      back.focus({ preventScroll: true })
    }
    opened = now
  }).observe(stage, { childList: true, subtree: true, attributes: true, attributeFilter: ['hidden', 'role', 'class'] })
  document.addEventListener('keydown', (event) => {
    if (!opened?.isConnected || document.querySelector('dialog[open]')) return
    const nodes = inside(opened)
    if (event.key === 'Escape') leave(opened)
    if (event.key !== 'Tab' || !nodes.length) return
    const first = nodes[0], last = nodes.at(-1), at = document.activeElement
    if (event.shiftKey ? at === first || at === opened : at === last) {
      event.preventDefault()
      ;(event.shiftKey ? last : first).focus()
    }
  })
}

/** What had the focus has gone with its step of the page: on to what the page says now. */
export function keepFocus(stage) {
  let last = null
  stage.addEventListener('focusin', ({ target }) => { last = target })
  new MutationObserver(() => {
    if (!last || last.isConnected || document.activeElement !== document.body) return
    last = null
    const page = [...stage.children].find(({ hidden }) => !hidden)
    const news = page?.querySelector('[role=alert],[role=status],[role=heading]') ?? $('title')
    if (!news.hasAttribute('tabindex')) news.tabIndex = -1
    news.focus({ preventScroll: true })
  }).observe(stage, { childList: true, subtree: true })
}
