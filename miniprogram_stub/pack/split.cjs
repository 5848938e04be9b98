// What the first page needs at once, and what each other page adds to it.
const { cut } = require('./tree.cjs')
const { readTags } = require('./wxml.cjs')

const resolve = (from, to) => new URL(to, `http://mp/${from}`).pathname.slice(1)

/** The components that a page's or component's template names, by their tags. */
function componentsOf(tree, unit) {
  const all = { ...tree.app.usingComponents, ...tree.configs[unit]?.usingComponents }
  const tags = new Set(readTags(tree.read(unit + '.wxml')).map(({ tag }) => tag))
  return Object.fromEntries(Object.entries(all).filter(([tag]) => tags.has(tag)))
}

/** Everything that `file` leads to, itself included: modules, and the components of a template. */
function reach(tree, file, found = new Set()) {
  if (found.has(file) || !tree.has(file)) return found
  found.add(file)
  if (file.endsWith('.js')) {
    for (const [, to] of tree.read(file).matchAll(/require\(\s*['"]([^'"]+)['"]\s*\)/g)) reach(tree, resolve(file, to).replace(/(\.js)?$/, '.js'), found)
  } else {
    for (const { tag, attributes } of readTags(tree.read(file))) if (['import', 'include'].includes(tag)) reach(tree, resolve(file, attributes.src), found)
    for (const path of Object.values(componentsOf(tree, cut(file)))) reachUnit(tree, resolve(file, path), found)
  }
  return found
}

function reachUnit(tree, unit, found = new Set()) {
  for (const end of ['.wxml', '.js', '.wxss']) {
    if (end !== '.wxss') reach(tree, unit + end, found)
    else if (tree.has(unit + end)) found.add(unit + end)
  }
  return found
}

/** {core, common, pages: {path: files}}: the first page's files, those of several others, those of one. */
function split(tree) {
  const core = reachUnit(tree, tree.pages[0], reach(tree, 'app.js', new Set(['app.wxss', 'utils/config.js'])))
  const others = tree.pages.slice(1).map((page) => [page, [...reachUnit(tree, page)].filter((file) => !core.has(file))])
  const uses = new Map()
  for (const file of others.flatMap(([, files]) => files)) uses.set(file, (uses.get(file) ?? 0) + 1)
  return {
    core: [...core],
    common: [...uses.keys()].filter((file) => uses.get(file) > 1),
    pages: Object.fromEntries(others.map(([page, files]) => [page, files.filter((file) => uses.get(file) === 1)])),
  }
}

module.exports = { componentsOf, split }
