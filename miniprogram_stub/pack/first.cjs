// The first page as a new visitor's phone draws it before any answer: the browser host itself, in jsdom.
const { JSDOM } = require('jsdom')

// What jsdom does not know of a browser, as far as a start needs it.
const REFLECTED = { ariaBusy: 'aria-busy', ariaCurrent: 'aria-current', ariaDisabled: 'aria-disabled', ariaLabel: 'aria-label', ariaLevel: 'aria-level' }

/** `code` is one classic script. Returns {html, asks}. */
function drawFirst(page, code) {
  const { window } = new JSDOM(page, { url: 'http://first/m/', runScripts: 'outside-only', pretendToBeVisual: true })
  for (const [property, name] of Object.entries(REFLECTED)) {
    Object.defineProperty(window.Element.prototype, property, {
      get() { return this.getAttribute(name) },
      set(value) { value === null ? this.removeAttribute(name) : this.setAttribute(name, value) },
    })
  }
  window.Element.prototype.checkVisibility = () => true
  window.fetch = () => new Promise(() => {})
  const faults = []
  window.addEventListener('error', (event) => faults.push(event.error))
  window.eval(code)
  const kept = window.localStorage.getItem('first page')
  window.close()
  if (faults.length || !kept) throw faults[0] ?? new Error('the first page did not start')
  return JSON.parse(kept)
}

module.exports = { drawFirst }
