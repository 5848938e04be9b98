// What happens in the DOM becomes the event that WeChat documents, with its detail.
const TAP_S = 0.1
let send
let tappedAt = -Infinity
let labelledAt = -Infinity

/** Some calls are allowed only as the answer to a tap. */
export const inTap = () => (performance.now() - tappedAt) / 1000 < TAP_S
export const noteTap = () => { tappedAt = performance.now() }

/** The nearest element of the mini-program around a DOM node. */
function owner(node) {
  while (node && !node.__wxElement) node = node.parentNode
  return node?.__wxElement
}

export function fire(node, name, detail = {}, options = { bubbles: false, composed: false }) {
  const element = owner(node)
  if (element) send(element, name, detail, options)
}

const BUBBLES = { bubbles: true, composed: true }
const KEYED = '[role=button],[role=link],[role=checkbox],[role=radio],[role=switch],[role=tab]'
const FIELDS = 'input[name],textarea[name],wx-switch[name],wx-radio-group[name],wx-checkbox-group[name],wx-picker[name]'

const ARROWS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }

/** Where an arrow key leads from one of several choices, round and round. */
function neighbour(choice, step) {
  const group = choice.matches('[role=radio],[role=tab]') && choice.closest('[role=radiogroup],[role=tablist]')
  if (!group) return undefined
  const choices = [...group.querySelectorAll(`[role=${choice.getAttribute('role')}]:not(:disabled)`)]
  return choices[(choices.indexOf(choice) + step + choices.length) % choices.length]
}

/** `deliver(element, name, detail, options)` hands an event to the framework. */
export function listenToDom(deliver) {
  send = deliver
  const stage = document.getElementById('stage')
  const on = (name, listener) => stage.addEventListener(name, listener, true)

  on('click', (event) => {
    // A click on a label comes back as a click on its control; the finger tapped once.
    const now = performance.now()
    const echo = event.target.matches('input') && event.target.closest('label') && now - labelledAt < 50
    if (event.target.closest('label')) labelledAt = now
    if (echo || event.target.closest('[aria-disabled=true]')) return
    noteTap()
    fire(event.target, 'tap', { x: event.clientX, y: event.clientY }, BUBBLES)
  })
  stage.addEventListener('click', (event) => {
    const link = event.target.closest('a')
    if (link?.follow) {
      event.preventDefault()
      link.follow()
    }
    event.target.closest('button')?.pressed?.()
  })
  on('keydown', (event) => {
    const field = event.target
    if (event.key === 'Enter' && field.matches('input') && !event.isComposing) {
      fire(field, 'confirm', { value: field.value })
      if (!field.form) event.preventDefault()
    }
    const space = event.key === ' '
    if ((space || event.key === 'Enter') && field.matches(KEYED) && !field.matches('button,a,input')) {
      event.preventDefault()
      field.click()
    }
    if (space && field.matches('a[role=button]')) {
      event.preventDefault()
      field.click()
    }
    const next = ARROWS[event.key] && neighbour(field, ARROWS[event.key])
    if (next) {
      event.preventDefault()
      next.focus()
      next.click()
    }
  })
  on('input', ({ target }) => {
    if (target.matches('input:not([type=checkbox],[type=radio]),textarea') && target.__wxElement) {
      fire(target, 'input', { value: target.value, cursor: target.selectionStart ?? target.value.length })
    }
  })
  on('focus', ({ target }) => target.__wxElement && fire(target, 'focus', { value: target.value, height: 0 }))
  on('blur', ({ target }) => target.__wxElement && fire(target, 'blur', { value: target.value, cursor: target.value?.length ?? 0 }))
  on('load', ({ target }) => fire(target, 'load', { width: target.naturalWidth, height: target.naturalHeight }))
  on('error', ({ target }) => fire(target, 'error', { errMsg: `${target.src} 404 (Not Found)` }))
  on('wx', ({ target, detail }) => fire(target, detail.name, detail.detail))
  on('submit', (event) => {
    event.preventDefault()
    const { submitter, target: form } = event
    if (submitter && submitter.formType !== 'submit') return
    const fields = [...form.querySelectorAll(FIELDS)].filter((field) => field.__wxElement)
    fire(form, 'submit', { value: Object.fromEntries(fields.map((field) => [field.getAttribute('name'), field.value])) })
  })
  on('reset', (event) => fire(event.target, 'reset'))

  press(stage)
  touches(stage)
}

/** `hover-class` while a finger or the mouse is down. */
function press(stage) {
  let pressed
  const mark = (on) => {
    const names = pressed?.hover ?? ''
    for (const name of names.split(/\s+/)) if (name && name !== 'none') pressed.__wxElement.classList?.toggle(name, on)
  }
  const release = () => {
    mark(false)
    pressed = null
  }
  stage.addEventListener('pointerdown', (event) => {
    let node = event.target
    while (node && node !== stage && !node.hover) node = node.parentNode
    pressed = node?.hover && !node.disabled ? node : null
    mark(true)
  })
  for (const name of ['pointerup', 'pointercancel', 'pointerleave']) stage.addEventListener(name, release)
}

/** `catch:touchmove` also keeps the page behind from scrolling. */
function touches(stage) {
  for (const name of ['touchstart', 'touchmove', 'touchend', 'touchcancel']) {
    stage.addEventListener(name, (event) => {
      const plain = (list) => [...list].map(({ identifier, clientX, clientY, pageX, pageY }) => ({ identifier, clientX, clientY, pageX, pageY }))
      fire(event.target, name, { touches: plain(event.touches), changedTouches: plain(event.changedTouches) }, BUBBLES)
    }, { passive: true })
  }
}
