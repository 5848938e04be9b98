// What HTML can't do alone: a question before a deed, and one click for one deed.
'use strict'
{
  const dialog = document.getElementById('confirm')
  let goOn = null

  const ask = (text, yes, by, then) => {
    const button = dialog.querySelector('[data-answer=yes]')
    dialog.querySelector('#confirm-text').textContent = text
    button.textContent = yes || '确定'
    button.classList.toggle('alarm', Boolean(by?.matches('.alarm, .quiet-alarm')))
    goOn = then
    dialog.showModal()
    dialog.querySelector('[data-answer=no]').focus() // Enter must not do what can't be undone
  }

  dialog.addEventListener('click', ({ target }) => {
    const answer = target.dataset.answer
    if (!answer) return
    const then = goOn
    goOn = null
    dialog.close()
    if (answer === 'yes' && then) then()
  })

  // Forms with data-confirm, sent by the browser itself.
  document.addEventListener('submit', (event) => {
    const form = event.target
    if (form.hasAttribute('hx-post') || form.hasAttribute('hx-get')) return
    const by = event.submitter
    const elsewhere = by && by.hasAttribute('formaction') // a preview is not the deed
    if (form.dataset.confirm && !form.dataset.confirmed && !elsewhere) {
      event.preventDefault()
      ask(form.dataset.confirm, form.dataset.yes, by, () => {
        if (!form.isConnected) { // a list that changes by itself took it away meanwhile
          form.hidden = true
          document.body.append(form)
        }
        form.dataset.confirmed = 'yes'
        form.requestSubmit(by)
      })
      return
    }
    delete form.dataset.confirmed
    if (form.method !== 'post') return
    if (form.dataset.sent) {
      event.preventDefault() // a second click is not a second deed
      return
    }
    form.dataset.sent = 'yes'
  })

  // The same for htmx: data-confirm on what sends the request.
  document.addEventListener('htmx:confirm', (event) => {
    const { confirm, yes } = event.detail.elt.dataset
    if (!confirm) return
    event.preventDefault()
    ask(confirm, yes, event.detail.elt, () => event.detail.issueRequest(true))
  })

  // Back from the next page, the form may be sent again.
  addEventListener('pageshow', () => {
    for (const form of document.querySelectorAll('form[data-sent]')) delete form.dataset.sent
  })

  // Selects and dates that narrow a list apply themselves.
  document.addEventListener('change', ({ target }) => {
    const form = target.form
    if (form && form.matches('form[data-auto]')) form.requestSubmit()
  })

  document.addEventListener('click', ({ target }) => {
    if (target.closest('[data-print]')) print()
  })
}
