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
  const toEnd = () => { const last = log?.querySelector('.log > li:last-child'); last?.scrollIntoView({ block: 'nearest' }) }
  let follow = true

  count()
  document.addEventListener('htmx:sseBeforeMessage', () => { follow = atEnd() })
  document.addEventListener('htmx:afterSettle', () => { count(); if (follow) toEnd() })
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
