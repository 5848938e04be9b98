// The first page as it starts, before any answer came: `early.js` shows it at the next start, and asks
// for what it asked for, while the code is on its way. So it holds nothing personal.
const KEPT = 'first page'
const asks = [] // {where, authorization}: what it asks the service for
const reads = new Map() // what it looked up on this phone: a change makes it look different
let starting = true
let asking = true
let changed = false

/** `authorization` without the secret that is stored on this phone: [what stands before it, its name]. */
function withoutSecret(authorization) {
  for (const [name, value] of reads) {
    if (value && typeof value === 'string' && authorization.endsWith(value)) return [authorization.slice(0, -value.length), name]
  }
  return undefined
}

export function noteAsk(where, { authorization }) {
  if (!asking) return
  const kept = authorization ? withoutSecret(authorization) : null
  if (kept !== undefined) asks.push({ where, authorization: kept })
}

export const noteRead = (name, value) => { if (starting) reads.set(name, value) }

export function noteChange(name) {
  if (starting || !reads.has(name)) return
  changed = true
  forgetFirstPage()
}

export const forgetFirstPage = () => localStorage.removeItem(KEPT)

/** What is on the screen, if that is the first page; then what was tapped meanwhile is done. */
export function endStart(isFirst) {
  starting = false
  const phone = document.getElementById('phone')
  // Styles as text are forbidden by the content policy; pictures not yet cached would delay the code.
  const html = phone.innerHTML.replace(/ (style|src)="/g, ' data-$1="')
  setTimeout(() => { // what needs a log-in is asked for a moment later
    asking = false
    if (isFirst && !changed) keep({ code: phone.dataset.code, asks, html })
  })
  const { tap, tapped } = globalThis.early ?? {}
  phone.removeEventListener('click', tap)
  if (tapped >= 0) phone.querySelectorAll('button,a')[tapped]?.click()
}

function keep(page) {
  try {
    localStorage.setItem(KEPT, JSON.stringify(page))
  } catch { /* no room: the next start shows it later */ }
}
