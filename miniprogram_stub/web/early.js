// Stands in index.html and runs before the code is there. The build drew the first page into it as a new
// visitor sees it; another start shows it as `first-page.js` kept it. Taps wait for the code; a call for
// help does not.
(() => {
  const phone = document.getElementById('phone')
  const { code, address, asks } = phone.dataset
  const early = globalThis.early = { asked: new Map(), tapped: -1 }
  const isFirst = location.hash.length <= 2 || location.hash === address
  const kept = JSON.parse(localStorage.getItem('first page'))
  const isNew = !Object.keys(localStorage).some((name) => name.startsWith('mp/'))
  const page = !isFirst ? null : kept?.code === code ? kept : isNew ? { asks: JSON.parse(asks) } : null
  if (page?.html) phone.innerHTML = page.html.replace(/ data-src="/g, ' src="')
  phone.classList.remove('starting')
  if (!page) {
    for (const id of ['stage', 'tabs']) document.getElementById(id).replaceChildren()
    document.getElementById('refresh').hidden = true
    document.body.classList.remove('with-tabs')
    return
  }
  for (const one of phone.querySelectorAll('[data-style]')) one.style.cssText = one.dataset.style
  for (const { where, authorization: kept } of page.asks) {
    const authorization = kept && kept[0] + JSON.parse(localStorage.getItem(kept[1])).value
    const headers = { 'content-type': 'application/json', ...(authorization && { authorization }) }
    const answer = fetch(where, { headers, credentials: 'omit', cache: 'no-store' })
    answer.catch(() => {}) // whoever takes it hears of it
    early.asked.set(where, { answer, authorization: authorization ?? undefined })
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
