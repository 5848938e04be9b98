// Conversations: how many wait stands in the title, a sound if one wants it, the last words in view.
'use strict'
{
  const title = document.title
  const KEY = 'chat-sound'
  let context = null
  let known = null

  const ring = () => {
    context ??= new AudioContext()
    const tone = context.createOscillator()
    const volume = context.createGain()
    tone.frequency.value = 660
    volume.gain.setValueAtTime(0.15, context.currentTime)
    volume.gain.exponentialRampToValueAtTime(0.001, context.currentTime + 0.4)
    tone.connect(volume).connect(context.destination)
    tone.start()
    tone.stop(context.currentTime + 0.4)
  }

  const sound = document.querySelector('[data-sound]')
  const isOn = () => localStorage.getItem(KEY) === 'on'
  const showSound = () => {
    sound.setAttribute('aria-pressed', String(isOn()))
    sound.textContent = `新消息响一声：${isOn() ? '开' : '关'}`
  }
  if (sound) {
    showSound()
    sound.addEventListener('click', () => {
      localStorage.setItem(KEY, isOn() ? 'off' : 'on')
      showSound()
      if (isOn()) ring() // a browser lets a page sound only after it was touched
    })
  }

  const count = () => {
    const news = document.querySelector('[data-news]')
    if (!news) return
    const now = Number(news.dataset.news)
    document.title = now ? `(${now}) ${title}` : title
    if (known !== null && now > known && isOn()) ring()
    known = now
  }

  const log = document.getElementById('log')
  const atEnd = () => innerHeight + scrollY >= document.documentElement.scrollHeight - 240
  const lastSaid = () => log?.querySelector('.log > li:last-child')
  const toEnd = () => { lastSaid()?.scrollIntoView({ block: 'nearest' }) }
  let follow = true
  let said = lastSaid()?.id

  // The whole talk is drawn anew; only what is new is read aloud.
  const spoken = document.querySelector('[data-said]')
  const tell = () => {
    const last = lastSaid()
    if (!last) return
    if (last.id !== said && last.matches('.theirs')) spoken.textContent = last.innerText
    else if (spoken.textContent && ![...log.querySelectorAll('.theirs')].some((one) => one.innerText === spoken.textContent)) spoken.textContent = '' // taken back
    said = last.id
  }

  const TYPING_EVERY_MS = 3000
  let typed = 0
  const type = () => {
    if (Date.now() - typed < TYPING_EVERY_MS) return
    typed = Date.now()
    const { 'x-csrf-token': token } = JSON.parse(document.body.getAttribute('hx-headers'))
    fetch(document.getElementById('answer').dataset.typing, { method: 'POST', headers: { 'x-csrf-token': token } }).catch(() => {})
  }

  const TYPING_MS = 5000
  let typingEnds = 0
  const showTyping = ({ target, detail }) => {
    clearTimeout(typingEnds)
    const end = () => { document.getElementById('typing').textContent = '' }
    if (detail.type === 'typing') typingEnds = setTimeout(end, TYPING_MS)
    else if (target === log) end()
  }
  // What stays the same is left alone, with what is unfolded in it.
  const isSame = ({ target, fragment }) => ['triage', 'card'].includes(target.id) && target.textContent === fragment.textContent

  count()
  if (location.hash === '#end' && matchMedia('(pointer: fine)').matches) document.querySelector('form.answer textarea')?.focus({ preventScroll: true })
  document.addEventListener('htmx:sseBeforeMessage', () => { follow = atEnd() })
  document.addEventListener('htmx:sseMessage', showTyping)
  document.addEventListener('htmx:oobBeforeSwap', ({ detail }) => { if (isSame(detail)) detail.shouldSwap = false })
  document.addEventListener('htmx:afterSettle', () => { count(); tell(); if (follow) toEnd() })
  document.addEventListener('input', ({ target }) => { if (target.closest('form.answer textarea')) type() })
  document.addEventListener('htmx:afterRequest', ({ detail }) => {
    if (detail.successful && detail.elt.matches('form.answer')) document.querySelector('form.answer textarea')?.focus()
  })
  document.addEventListener('keydown', (event) => {
    const form = event.target.closest?.('form.answer')
    if (form && event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault()
      form.requestSubmit(form.querySelector('button:not([name])'))
    }
  })
}
