// WXSS as one style sheet: each page's rules in its own page, each component's in itself.
const postcss = require('postcss')
const { cut } = require('./tree.cjs')

const scopeOf = (file) => cut(file).replace(/\W/g, '-')

/** `app.wxss` first, so that a page may overrule it; `@import`ed files come with who imports them. */
function compileStyles(tree, wanted) {
  const imported = new Set(tree.by('.wxss').flatMap((file) => importsOf(tree, file)))
  const files = wanted.filter((file) => file.endsWith('.wxss') && !imported.has(file))
  files.sort((a, b) => rank(tree, a) - rank(tree, b))
  return files.map((file) => compileOne(tree, file)).join('\n')
}

function rank(tree, file) {
  if (file === 'app.wxss') return 0
  return tree.isComponent(file) ? 1 : 2
}

function compileOne(tree, file) {
  const sheet = postcss.parse(inline(tree, file), { from: file })
  sheet.walkDecls((decl) => { decl.value = units(decl.value) })
  sheet.walkRules((rule) => {
    if (rule.parent.type === 'atrule' && rule.parent.name.endsWith('keyframes')) return
    rule.selectors = rule.selectors.map((selector) => scoped(tree, file, selector))
  })
  return sheet.toString()
}

function importsOf(tree, file) {
  return [...tree.read(file).matchAll(/@import\s+["']([^"']+)["']\s*;/g)].map(([, target]) => resolve(file, target))
}

function inline(tree, file) {
  return tree.read(file).replace(/@import\s+["']([^"']+)["']\s*;/g, (_, target) => inline(tree, resolve(file, target)))
}

function resolve(from, target) {
  return new URL(target, `http://mp/${from}`).pathname.slice(1)
}

/** rpx is 1/750 of the phone's width; vw and vh are those of the page, not of the browser. */
function units(value) {
  if (/url\(/i.test(value)) return value
  return value.replace(/(?<![\w#.-])(-?\d*\.?\d+)(rpx|vw|vh)\b/g, (_, number, unit) => `calc(${number} * var(--${unit}))`)
}

/** A component's classes get the prefix that the framework gives them; a page's rules stay inside it. */
function scoped(tree, file, selector) {
  if (tree.isComponent(file)) return selector.replace(/\.(?=[A-Za-z_])/g, `.${scopeOf(file)}--`)
  const home = file === 'app.wxss' ? 'wx-page' : `wx-page[data-path="${cut(file)}"]`
  const inner = selector.trim()
  if (/^page(?![\w-])/.test(inner)) return inner.replace(/^page/, `:where(${home})`)
  return `:where(${home}) ${inner}`
}

module.exports = { compileStyles, scopeOf }
