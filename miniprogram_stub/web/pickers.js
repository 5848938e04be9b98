// What a tap on <picker> opens: a list, several lists, a date or a time.
import { dialog, make } from './sheets.js'

const nameOf = (item, key) => String(key ? item[key] : item)

/** Resolves to the new value in WeChat's form, or null. */
export function pick(given, name) {
  const title = given.title || name
  if (given.mode === 'date' || given.mode === 'time') return when(given, title)
  if (given.mode === 'multiSelector') return several(given, title)
  return one(given, title)
}

function one({ range = [], key, value }, title) {
  const actions = range.map((item, index) => ({ text: nameOf(item, key), value: index, main: index === Number(value) }))
  return dialog({ title, actions, kind: 'bottom list' })
}

function several({ range = [], key, value = [] }, title) {
  const lists = range.map((items, column) => {
    const list = make('select', { ariaLabel: `${title} ${column + 1}` }, ...items.map((item, index) => new Option(nameOf(item, key), index)))
    list.value = value[column] ?? 0
    return list
  })
  const done = () => lists.map((list) => Number(list.value))
  return dialog({ title, body: lists, actions: [{ text: '取消', value: null }, { text: '确定', value: done, main: true }], kind: 'bottom' })
}

const FIELDS = { year: 4, month: 7, day: 10 }

function when({ mode, value, start, end, fields = 'day' }, title) {
  const type = mode === 'time' ? 'time' : fields === 'day' ? 'date' : fields === 'month' ? 'month' : 'number'
  const box = make('input', { type, ariaLabel: title, value: value ?? '', min: start ?? '', max: end ?? '', required: true })
  const done = () => (box.checkValidity() ? (mode === 'time' ? box.value : box.value.slice(0, FIELDS[fields])) : null)
  return dialog({ title, body: [box], actions: [{ text: '取消', value: null }, { text: '确定', value: done, main: true }], kind: 'bottom' })
}
