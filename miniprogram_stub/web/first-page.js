// The first page as it starts, before any answer came: `early.js` shows it at the next start, while the
// code is on its way. So it holds nothing personal.
const KEPT = 'first page'
const asks = [] // addresses of everybody's answers that it asks for
const reads = new Set() // what it looked up on this phone: a change makes it look different
let starting = true

export const noteAsk = (address) => { if (starting) asks.push(address) }
export const noteRead = (key) => { if (starting) reads.add(key) }
export const noteChange = (key) => { if (!starting && reads.has(key)) forgetFirstPage() }
export const forgetFirstPage = () => localStorage.removeItem(KEPT)

/** What is on the screen, if that is the first page; then what was tapped meanwhile is done. */
export function endStart(isFirst) {
  starting = false
  const phone = document.getElementById('phone')
  if (isFirst) {
    // Styles as text are forbidden by the content policy; pictures not yet cached would delay the code.
    const html = phone.innerHTML.replace(/ (style|src)="/g, ' data-$1="')
    const { code } = phone.dataset
    try {
      localStorage.setItem(KEPT, JSON.stringify({ code, asks, html }))
    } catch { /* no room: the next start shows it later */ }
  }
  const { tap, tapped } = globalThis.early ?? {}
  phone.removeEventListener('click', tap)
  if (tapped >= 0) phone.querySelectorAll('button,a')[tapped]?.click()
}
