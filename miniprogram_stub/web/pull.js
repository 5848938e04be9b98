// Pull down to refresh: by finger at the top of a page, by the button in the bar, or by the page.
const FAR = 64 // px
let busy = null

export const pull = {
  listen(page, config) {
    const { element } = page
    element.addEventListener('scroll', () => {
      page.instance.onPageScroll?.({ scrollTop: element.scrollTop })
      const near = element.scrollHeight - element.scrollTop - element.clientHeight <= (config?.onReachBottomDistance ?? 50)
      if (near && !page.atBottom) page.instance.onReachBottom?.()
      page.atBottom = near
    }, { passive: true })
    if (!config?.enablePullDownRefresh) return
    let from = null
    element.addEventListener('touchstart', (event) => { from = element.scrollTop <= 0 ? event.touches[0].clientY : null }, { passive: true })
    element.addEventListener('touchend', (event) => {
      if (from !== null && element.scrollTop <= 0 && event.changedTouches[0].clientY - from > FAR) pull.start(page)
      from = null
    }, { passive: true })
  },

  start(page) {
    if (busy === page) return
    busy = page
    document.body.classList.add('refreshing')
    document.getElementById('refresh').ariaBusy = 'true'
    const result = page.instance.onPullDownRefresh?.()
    result?.catch?.((error) => reportError(error))
  },

  stop() {
    busy = null
    document.body.classList.remove('refreshing')
    document.getElementById('refresh').ariaBusy = null
  },
}
