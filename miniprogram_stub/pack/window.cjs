// A browser's window in jsdom, for the build and for tests of the host.
const { JSDOM, VirtualConsole } = require('jsdom')

// What jsdom does not know of a browser, as far as a start needs it.
const REFLECTED = { ariaBusy: 'aria-busy', ariaCurrent: 'aria-current', ariaDisabled: 'aria-disabled', ariaLabel: 'aria-label', ariaLevel: 'aria-level' }

/** The page's own scripts do not run: `window.eval` runs what is wanted. */
function openWindow(page, url) {
  const virtualConsole = new VirtualConsole().sendTo(console, { omitJSDOMErrors: true }) // they come as events too
  const { window } = new JSDOM(page, { url, runScripts: 'outside-only', pretendToBeVisual: true, virtualConsole })
  for (const [property, name] of Object.entries(REFLECTED)) {
    Object.defineProperty(window.Element.prototype, property, {
      get() { return this.getAttribute(name) },
      set(value) { value === null ? this.removeAttribute(name) : this.setAttribute(name, value) },
    })
  }
  window.Element.prototype.checkVisibility = () => true
  return window
}

module.exports = { openWindow }
