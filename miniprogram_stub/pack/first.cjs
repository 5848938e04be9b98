// The first page as a new visitor's phone draws it before any answer: the browser host itself, in jsdom.
const { openWindow } = require('./window.cjs')

const FIRST = 'http://first/m/'

/** `code` is one classic script. Returns {html, asks}. */
async function drawFirst(page, code) {
  const window = openWindow(page, FIRST)
  window.fetch = () => new Promise(() => {})
  const faults = []
  window.addEventListener('error', (event) => faults.push(event.error))
  window.eval(code)
  await new Promise((resolve) => window.setTimeout(resolve))
  const kept = window.localStorage.getItem('first page')
  window.close()
  if (faults.length || !kept) throw faults[0] ?? new Error('the first page did not start')
  return JSON.parse(kept)
}

module.exports = { drawFirst, FIRST }
