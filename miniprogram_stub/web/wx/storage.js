// Storage of one mini-program for one person on this phone: 1 MB a value, 10 MB in all.
import { call, Refusal } from '../call.js'
import { noteChange, noteRead } from '../first-page.js'
import { phone } from '../phone.js'

const VALUE_MOST = 1024 * 1024
const ALL_MOST_KB = 10 * 1024
const prefix = () => `mp/${phone.user}/`
const names = () => Object.keys(localStorage).filter((name) => name.startsWith(prefix())).map((name) => name.slice(prefix().length))
const own = () => names().filter((name) => !name.startsWith('('))

export const store = {
  /** undefined: nothing there. */
  get(key) {
    const text = localStorage.getItem(prefix() + key)
    const value = text === null ? undefined : JSON.parse(text).value
    noteRead(prefix() + key, value)
    return value
  },
  set(key, value) {
    if (typeof key !== 'string' || !key) throw new Refusal('key should be a non-empty string')
    const text = JSON.stringify({ value })
    if (text.length > VALUE_MOST) throw new Refusal('entry size limit reached')
    try {
      localStorage.setItem(prefix() + key, text)
    } catch {
      throw new Refusal('exceed storage max size 10Mb')
    }
    noteChange(prefix() + key)
  },
  remove(key) {
    localStorage.removeItem(prefix() + key)
    noteChange(prefix() + key)
  },
}

const size_kb = () => Math.ceil(own().reduce((sum, name) => sum + localStorage.getItem(prefix() + name).length, 0) / 1024)
const info = () => ({ keys: own(), currentSize: size_kb(), limitSize: ALL_MOST_KB })
const clear = () => own().forEach(store.remove)

/** As if this person had removed the mini-program: also what WeChat keeps about it. */
export const forgetAll = () => names().forEach(store.remove)

/** The same as `setStorage`, whose refusal is thrown. */
function setStorageSync(key, value) {
  try {
    store.set(key, value)
  } catch (error) {
    const errMsg = `setStorageSync:fail ${error.message}`
    throw Object.assign(new Error(errMsg), { errMsg })
  }
}

export const storage = {
  getStorageSync: (key) => store.get(key) ?? '',
  setStorageSync,
  removeStorageSync: (key) => store.remove(key),
  clearStorageSync: clear,
  getStorageInfoSync: info,
  getStorage: call('getStorage', ({ key }) => {
    const data = store.get(key)
    if (data === undefined) throw new Refusal('data not found')
    return { data }
  }),
  setStorage: call('setStorage', ({ key, data }) => store.set(key, data)),
  removeStorage: call('removeStorage', ({ key }) => store.remove(key)),
  clearStorage: call('clearStorage', clear),
}
