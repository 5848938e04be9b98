// How every `wx.name(options)` answers: success, fail and complete, or a promise.

/** WeChat's `name:fail why`. `extra` is for `errno` and `errCode`. */
export class Refusal extends Error {
  constructor(why, extra = {}) {
    super(why)
    this.extra = extra
  }
}

/** The person has been told already: nobody need catch it. */
export class Told extends Refusal {}

/** `work(options)` gives the result or throws a Refusal; anything else thrown is our own mistake. */
export function call(name, work) {
  return (options = {}) => {
    const done = Promise.resolve(options).then(work).then(
      (result) => ({ errMsg: `${name}:ok`, ...result }),
      (error) => {
        if (!(error instanceof Refusal)) reportError(error)
        if (error instanceof Told) done.catch(() => {})
        throw { errMsg: `${name}:fail ${error.message}`.trim(), ...error.extra }
      },
    )
    if (!options.success && !options.fail && !options.complete) return done
    done.then(
      (result) => { options.success?.(result); options.complete?.(result) },
      (refusal) => { options.fail?.(refusal); options.complete?.(refusal) },
    )
  }
}

/** `on` and `off` for one kind of news. */
export function news() {
  const listeners = new Set()
  return {
    on: (listener) => { listeners.add(listener) },
    off: (listener) => (listener ? listeners.delete(listener) : listeners.clear()),
    tell: (detail) => listeners.forEach((listener) => listener(detail)),
  }
}
