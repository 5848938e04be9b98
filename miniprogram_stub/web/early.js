// Stands in index.html and runs before the code is there: shows the first page as `first-page.js` kept it
// at the last start, or on a first visit as the build did. Taps wait for the code; a call for help does not.
(() => {
  const built = document.getElementById('first')
  const phone = document.getElementById('phone')
  const early = globalThis.early = { asked: new Map(), tapped: -1 }
  const remembered = () => {
    const { code, address, asks } = built.dataset
    if (location.hash.length > 2 && location.hash !== address) return null
    const kept = JSON.parse(localStorage.getItem('first page'))
    if (kept?.code === code) return kept
    const isNew = !Object.keys(localStorage).some((name) => name.startsWith('mp/'))
    return isNew ? { asks: JSON.parse(asks), html: built.innerHTML } : null
  }
  const page = remembered()
  if (!page) return
  phone.innerHTML = page.html
  document.body.classList.add('with-tabs')
  for (const one of phone.querySelectorAll('[data-style]')) one.style.cssText = one.dataset.style
  for (const address of page.asks) {
    const answer = fetch(address, { headers: { 'content-type': 'application/json' }, credentials: 'omit', cache: 'no-store' })
    answer.catch(() => {}) // whoever takes it hears of it
    early.asked.set(address, answer)
  }
  early.tap = (event) => {
    const target = event.target.closest('button,a')
    if (!target) return
    event.preventDefault()
    early.tapped = [...phone.querySelectorAll('button,a')].indexOf(target)
    target.classList.add('waiting')
    const number = /^急救 (\d+)/.exec(target.getAttribute('aria-label'))
    if (number) location.href = 'tel:' + number[1]
  }
  phone.addEventListener('click', early.tap)
})()
