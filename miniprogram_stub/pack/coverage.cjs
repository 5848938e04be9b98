// What pages use of WeChat, compared with what the browser host does: web/coverage.json.
const { cut } = require('./tree.cjs')
const { literals, readTags } = require('./wxml.cjs')
const table = require('../web/coverage.json')

const EVENT = /^(?:capture-)?(?:mut-)?(?:bind|catch):(.+)$/
const FREE = /^(?:class|style|id|slot|data-.+|mark:.+|wx:.+|generic:.+)$/
const COMPILED = new Set(['block', 'slot', 'template', 'import', 'include', 'wxs'])

/** Sentences, one for each thing that the host does not know. */
function uncovered(tree) {
  return [
    ...tree.by('.wxml').flatMap((file) => inTemplate(tree, file)),
    ...tree.by('.js').flatMap((file) => inScript(tree, file)),
    ...inConfigs(tree),
  ]
}

function inTemplate(tree, file) {
  const own = { ...tree.app.usingComponents, ...tree.configs[cut(file)]?.usingComponents }
  return readTags(tree.read(file)).flatMap(({ tag, attributes, line }) => {
    if (COMPILED.has(tag) || own[tag]) return []
    const known = table.tags[tag]
    if (!known) return [`${file}:${line}: <${tag}> is not covered`]
    return Object.entries(attributes).flatMap(([name, value]) => fault(tag, known, name, value, attributes))
      .map((what) => `${file}:${line}: ${what}`)
  })
}

function fault(tag, known, name, value, all) {
  const event = EVENT.exec(name)?.[1]
  if (event) {
    if (!known.events.includes(event) && !table.common.events.includes(event)) return [`event ${event} of <${tag}> is not covered`]
    if (event === 'tap' && !known.focusable && all['aria-hidden'] !== 'true' && !table.focusable.some((role) => literals(all['aria-role'] ?? true).includes(role))) {
      return [`<${tag}> is tapped, but no keyboard reaches it: use a button, or give it an aria-role`]
    }
    return []
  }
  if (/^(bind|catch)/.test(name)) return [`write ${name.replace(/^(bind|catch)/, '$1:')}`]
  const plain = name.replace(/^model:/, '')
  if (FREE.test(plain)) return []
  if (!known.attributes.includes(plain) && !table.common.attributes.includes(plain)) return [`attribute ${plain} of <${tag}> is not covered`]
  const values = table.values[`${tag} ${plain}`]
  return values ? literals(value).filter((one) => !values.includes(one)).map((one) => `${plain}="${one}" of <${tag}> is not covered`) : []
}

function inScript(tree, file) {
  const code = tree.read(file)
  const calls = [...code.matchAll(/\bwx\.(\w+)/g)].filter(([, name]) => !table.wx.includes(name)).map(([, name]) => `wx.${name} is not covered`)
  const handlers = table.handlers.uncovered.filter((name) => new RegExp(`\\b${name}\\s*[(:]`).test(code)).map((name) => `${name} is not covered`)
  const hidden = /\bwx\[|=\s*wx\b(?!\.)/.test(code) ? ['wx is used in a way that cannot be checked'] : []
  const methods = [...code.matchAll(/method:\s*['"](\w+)['"]/g)].filter(([, name]) => name === 'PATCH').map(() => 'wx.request knows no PATCH')
  return [...new Set([...calls, ...handlers, ...hidden, ...methods])].map((what) => `${file}: ${what}`)
}

function inConfigs(tree) {
  const strange = (file, config, known) => Object.keys(config).filter((key) => !known.includes(key)).map((key) => `${file}.json: ${key} is not covered`)
  return [
    ...strange('app', tree.app, table.config.app),
    ...strange('app.window', tree.app.window ?? {}, table.config.window),
    ...strange('app.tabBar', tree.app.tabBar ?? {}, table.config.tabBar),
    ...tree.pages.flatMap((page) => strange(page, tree.configs[page] ?? {}, [...table.config.page, ...table.config.window])),
  ]
}

module.exports = { uncovered }
