// WeChat's tags as HTML elements: what each one is, and what its attributes do.
import { assets } from 'mp'
import { openTypes } from './open-types.js'
import { pick } from './pickers.js'
import { router } from './router.js'
import { addressOf } from './wx/network.js'

/** WXML: an attribute without a value, or any text, is true. */
const yes = (value) => value !== false && value !== undefined && value !== null && value !== ''
const text = (value) => (value === undefined || value === null ? '' : String(value))
const emit = (element, name, detail) => element.dispatchEvent(new CustomEvent('wx', { bubbles: true, detail: { name, detail } }))
const property = (name, read = text) => (element, value) => { element[name] = read(value) }
const attribute = (name) => (element, value) => (yes(value) ? element.setAttribute(name, text(value)) : element.removeAttribute(name))
const ignored = () => {} // a hint to the phone that means nothing in a browser

/** A hidden native control inside: the browser brings keyboard, name and state. */
class Control extends HTMLElement {
  constructor(type, role) {
    super()
    this.box = Object.assign(document.createElement('input'), { type })
    if (role) this.box.setAttribute('role', role)
    this.box.addEventListener('change', () => this.changed())
  }

  connectedCallback() {
    if (!this.box.isConnected) this.prepend(this.box)
  }

  set checked(on) { this.box.checked = on }
  get checked() { return this.box.checked }
  set disabled(on) { this.box.disabled = on }
  get disabled() { return this.box.disabled }
}

customElements.define('wx-switch', class extends Control {
  constructor() { super('checkbox', 'switch') }
  changed() { emit(this, 'change', { value: this.checked }) }
  get value() { return this.checked }
})

customElements.define('wx-checkbox', class extends Control {
  constructor() { super('checkbox') }
  changed() { this.closest('wx-checkbox-group')?.changed() }
})

customElements.define('wx-radio', class extends Control {
  constructor() { super('radio') }
  connectedCallback() {
    super.connectedCallback()
    const group = this.closest('wx-radio-group')
    if (group) this.box.name = group.serial
  }
  changed() { this.closest('wx-radio-group')?.changed() }
})

let serial = 0
customElements.define('wx-checkbox-group', class extends HTMLElement {
  connectedCallback() { this.setAttribute('role', 'group') }
  get value() { return [...this.querySelectorAll('wx-checkbox')].filter((one) => one.checked).map((one) => one.answer ?? '') }
  changed() { emit(this, 'change', { value: this.value }) }
})
customElements.define('wx-radio-group', class extends HTMLElement {
  serial = `radio-${++serial}`
  connectedCallback() { this.setAttribute('role', 'radiogroup') }
  get value() { return [...this.querySelectorAll('wx-radio')].find((one) => one.checked)?.answer ?? '' }
  changed() { emit(this, 'change', { value: this.value }) }
})

customElements.define('wx-picker', class extends HTMLElement {
  given = { mode: 'selector', range: [], value: '' }
  constructor() {
    super()
    this.addEventListener('click', () => this.open())
  }
  connectedCallback() {
    this.setAttribute('role', 'button')
    this.setAttribute('aria-haspopup', 'dialog')
    this.tabIndex = 0
  }
  set disabled(on) {
    this.ariaDisabled = String(on)
    this.tabIndex = on ? -1 : 0
  }
  get value() { return this.given.value }
  async open() {
    if (this.ariaDisabled === 'true') return
    const value = await pick(this.given, this.ariaLabel || this.innerText.trim())
    this.focus()
    if (value === null) return emit(this, 'cancel', {})
    this.given.value = value
    emit(this, 'change', { value })
  }
})

const given = (name) => (element, value) => { element.given[name] = value }

function scrollTo(side) {
  return (element, value) => { if (Number.isFinite(Number(value))) element[side] = Number(value) }
}

customElements.define('wx-scroll-view', class extends HTMLElement {
  near = { upper: true, lower: false }
  upper = 50
  lower = 50
  constructor() {
    super()
    this.addEventListener('scroll', () => this.scrolled(), { passive: true })
  }
  scrolled() {
    const { scrollTop, scrollLeft, scrollHeight, scrollWidth } = this
    emit(this, 'scroll', { scrollTop, scrollLeft, scrollHeight, scrollWidth })
    const across = this.classList.contains('across')
    const before = across ? scrollLeft : scrollTop
    const after = across ? scrollWidth - scrollLeft - this.clientWidth : scrollHeight - scrollTop - this.clientHeight
    this.reach('upper', before <= this.upper, across ? 'left' : 'top')
    this.reach('lower', after <= this.lower, across ? 'right' : 'bottom')
  }
  reach(edge, now, direction) {
    if (now && !this.near[edge]) emit(this, edge === 'upper' ? 'scrolltoupper' : 'scrolltolower', { direction })
    this.near[edge] = now
  }
  show(id) {
    const find = () => [...this.querySelectorAll('*')].find((node) => node.__wxElement?.id === id)
    requestAnimationFrame(() => find()?.scrollIntoView({ block: 'nearest', inline: 'start' }))
  }
})

const MODES = { scaleToFill: 'fill', aspectFit: 'contain', aspectFill: 'cover', widthFix: 'fill', heightFix: 'fill', center: 'none' }

function image(element, value) {
  const src = text(value)
  const path = new URL(src, 'http://mp/' + (router.top()?.path ?? '')).pathname
  element.src = assets[path] ?? addressOf(src)
  if (!element.hasAttribute('alt')) element.alt = ''
}

const KEYBOARDS = { text: 'text', nickname: 'text', number: 'numeric', digit: 'decimal', idcard: 'text', tel: 'tel', 'safe-password': 'text' }

function keyboard(element, value) {
  element.inputMode = KEYBOARDS[value] ?? 'text'
  if (value === 'nickname') element.autocomplete = 'nickname'
}

const MAXLENGTH = 140

function maxlength(element, value) {
  const most = value === undefined || value === '' ? MAXLENGTH : Number(value)
  if (most < 0) element.removeAttribute('maxlength')
  else element.maxLength = most
}

const focus = (element, value) => { if (yes(value)) requestAnimationFrame(() => element.focus()) }
const show = (element, value) => { if (element.value !== text(value)) element.value = text(value) }

const NAVIGATIONS = { navigate: 'navigateTo', redirect: 'redirectTo', switchTab: 'switchTab', reLaunch: 'reLaunch', navigateBack: 'navigateBack' }

/** A link leads where its address says, also when it is opened in another window. */
function lead(element) {
  const { url = '', openType = 'navigate', delta = 1 } = element
  element.href = url ? '#' + new URL(url, 'http://mp/' + (router.top()?.path ?? '')).href.slice('http://mp'.length) : '#'
  element.follow = () => {
    if (element.ariaDisabled === 'true') return
    globalThis.wx[NAVIGATIONS[openType]]({ url, delta: Number(delta) }).then(
      () => emit(element, 'success', {}), (refusal) => emit(element, 'fail', refusal))
  }
}

const navigation = (name) => (element, value) => {
  element[name] = text(value) || undefined
  lead(element)
}

function openType(element, value) {
  element.openType = text(value)
  element.pressed = openTypes[value] && ((found = openTypes[value]) => !element.disabled && found(element, (name, detail) => emit(element, name, detail)))
}

function formType(element, value) {
  element.formType = text(value)
  element.type = value === 'submit' || value === 'reset' ? value : 'button'
}

const flag = (name) => (element, value) => element.classList.toggle(name, yes(value))
const field = {
  value: show, name: attribute('name'), placeholder: property('placeholder'), disabled: property('disabled', yes),
  maxlength, focus, 'auto-focus': focus, 'confirm-type': (element, value) => { element.enterKeyHint = text(value) },
  'cursor-spacing': ignored, 'adjust-position': ignored, 'placeholder-style': ignored, 'placeholder-class': ignored,
}
const choice = {
  checked: property('checked', yes), disabled: property('disabled', yes), color: (element, value) => { element.style.accentColor = text(value) },
}

/** WeChat's tag → {html, attributes}. */
export const elements = {
  view: { html: 'wx-view', attributes: {} },
  text: { html: 'wx-text', attributes: { 'user-select': flag('selectable'), selectable: flag('selectable'), space: ignored, decode: ignored } },
  image: { html: 'img', attributes: {
    src: image, mode: (element, value) => { element.style.objectFit = MODES[value] ?? ''; element.dataset.mode = text(value) },
    'lazy-load': (element, value) => { element.loading = yes(value) ? 'lazy' : 'eager' },
  } },
  button: { html: 'button', attributes: {
    disabled: property('disabled', yes), type: (element, value) => { element.dataset.type = text(value) },
    size: (element, value) => { element.dataset.size = text(value) }, plain: flag('plain'),
    loading: (element, value) => { element.ariaBusy = yes(value) ? 'true' : null },
    'form-type': formType, 'open-type': openType,
  } },
  form: { html: 'form', attributes: {} },
  label: { html: 'label', attributes: {} },
  input: { html: 'input', attributes: { ...field, type: keyboard, password: (element, value) => { element.type = yes(value) ? 'password' : 'text' } } },
  textarea: { html: 'textarea', attributes: { ...field, 'auto-height': flag('grows'), 'show-confirm-bar': ignored, 'disable-default-padding': ignored } },
  switch: { html: 'wx-switch', attributes: { ...choice, name: attribute('name') } },
  'checkbox-group': { html: 'wx-checkbox-group', attributes: { name: attribute('name') } },
  checkbox: { html: 'wx-checkbox', attributes: { ...choice, value: property('answer') } },
  'radio-group': { html: 'wx-radio-group', attributes: { name: attribute('name') } },
  radio: { html: 'wx-radio', attributes: { ...choice, value: property('answer') } },
  picker: { html: 'wx-picker', attributes: {
    mode: given('mode'), range: given('range'), 'range-key': given('key'), value: given('value'), start: given('start'),
    end: given('end'), fields: given('fields'), 'header-text': given('title'), disabled: property('disabled', yes), name: attribute('name'),
  } },
  navigator: { html: 'a', attributes: { url: navigation('url'), 'open-type': navigation('openType'), delta: navigation('delta') } },
  'scroll-view': { html: 'wx-scroll-view', attributes: {
    'scroll-x': flag('across'), 'scroll-y': flag('along'), 'enable-flex': flag('flex'), 'show-scrollbar': (element, value) => { element.classList.toggle('bare', value === false) },
    'scroll-top': scrollTo('scrollTop'), 'scroll-left': scrollTo('scrollLeft'), 'scroll-into-view': (element, value) => { if (value) element.show(value) },
    'scroll-with-animation': flag('smooth'), 'upper-threshold': property('upper', Number), 'lower-threshold': property('lower', Number), enhanced: ignored,
  } },
}

const FOCUSABLE = new Set(['button', 'link', 'checkbox', 'radio', 'switch', 'tab', 'menuitem', 'option'])
const NATIVE = 'button,a,input,textarea,wx-picker'

/** What every element takes. */
const common = {
  hidden: (element, value) => { element.hidden = yes(value) },
  'hover-class': (element, value) => { element.hover = text(value) },
  'hover-stay-time': ignored,
  'hover-start-time': ignored,
  'aria-role': (element, value) => {
    attribute('role')(element, value)
    if (value === 'heading') element.ariaLevel = '2' // WeChat knows no levels; the title above is the first
    if (FOCUSABLE.has(value) && !element.matches(NATIVE)) element.tabIndex = 0
  },
}
export const commonAttributes = Object.keys(common)

/** An attribute of `tag` from a template: see also `coverage.json`. */
export function receive(element, tag, name, value) {
  const known = byHtml.get(tag)?.attributes[name] ?? common[name]
  if (known) known(element, value)
  else if (name.startsWith('aria-')) label(element, name, value)
}

/** ARIA goes to what has the focus: an image's name, or the control inside. */
function label(element, name, value) {
  if (element.matches('img') && name === 'aria-label') element.alt = text(value)
  else attribute(name)(element.box ?? element, value === false ? 'false' : value)
}

const byHtml = new Map(Object.values(elements).map((element) => [element.html, element]))
