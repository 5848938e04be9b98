// The app's life: launched, shown, hidden, a page that does not exist, an error nobody caught.
let app
let launched
const listeners = { show: new Set(), hide: new Set(), error: new Set() }

const tell = (name, method, detail) => {
  app?.[method]?.call(app, detail)
  listeners[name]?.forEach((listener) => listener(detail))
}

export const appLife = {
  start(found) {
    app = found
    addEventListener('error', (event) => tell('error', 'onError', String(event.error?.stack ?? event.message)))
    addEventListener('unhandledrejection', (event) => app?.onUnhandledRejection?.({ reason: event.reason, promise: event.promise }))
  },
  launch: (options) => {
    launched = options
    app?.onLaunch?.call(app, options)
    tell('show', 'onShow', options)
  },
  launched: () => launched,
  show: (options) => tell('show', 'onShow', options),
  hide: () => tell('hide', 'onHide', undefined),
  /** Whether the app took care of it. */
  pageNotFound: (options) => {
    if (!app?.onPageNotFound) return false
    app.onPageNotFound(options)
    return true
  },
  on: (name, listener) => listeners[name].add(listener),
  off: (name, listener) => (listener ? listeners[name].delete(listener) : listeners[name].clear()),
}
