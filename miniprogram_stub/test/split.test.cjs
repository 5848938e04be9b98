const { componentsOf, split } = require('../pack/split.cjs')
const { readTree } = require('../pack/tree.cjs')

const tree = readTree()
const parts = split(tree)
const packs = [parts.core, parts.common, ...Object.values(parts.pages)]

test('every script, template and style of the pages is in exactly one pack', () => {
  const imported = tree.by('.wxss').flatMap((file) => [...tree.read(file).matchAll(/@import\s+["']([^"']+)/g)].map(([, to]) => new URL(to, `http://mp/${file}`).pathname.slice(1)))
  const wanted = ['.js', '.wxml', '.wxss'].flatMap(tree.by).filter((file) => !imported.includes(file))
  expect(packs.flat().filter((file) => !imported.includes(file)).sort()).toEqual(wanted.sort())
})

test('what the first page needs comes with it, and no other page does', () => {
  expect(parts.core).toEqual(expect.arrayContaining(['app.js', 'utils/api.js', 'pages/home/home.wxml', 'components/glyph/index.wxss']))
  expect(parts.core.filter((file) => file.startsWith('pages/') && !file.startsWith('pages/home/'))).toEqual([])
})

test('a page needs nothing but its own pack, the common one and the first page’s', () => {
  for (const [page, files] of Object.entries(parts.pages)) {
    const here = new Set([...files, ...parts.common, ...parts.core])
    for (const path of Object.values(componentsOf(tree, page))) expect(here).toContain(path.slice(1) + '.js')
  }
})
