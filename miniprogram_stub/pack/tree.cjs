// The mini-program's own files, as WeChat would pack them.
const fs = require('fs')
const path = require('path')

const MP = path.join(__dirname, '..', 'mp')

function walk(root, below = '') {
  return fs.readdirSync(path.join(root, below), { withFileTypes: true }).flatMap((entry) => {
    const found = path.posix.join(below, entry.name)
    return entry.isDirectory() ? walk(root, found) : [found]
  }).sort()
}

/** A folder with `app.json` in it: paths, texts, pages, what is a component. */
const readTree = (root = MP) => ({ root, ...treeOf(walk(root), (file) => fs.readFileSync(path.join(root, file), 'utf8')) })

/** The same from anywhere: `read(file)` gives its text. */
function treeOf(files, read) {
  const has = (file) => files.includes(file)
  const json = (file) => {
    try {
      return JSON.parse(read(file))
    } catch (error) {
      throw new Error(`${file}: ${error.message}`)
    }
  }
  const app = json('app.json')
  const packs = app.subPackages ?? app.subpackages ?? []
  const pages = [...app.pages, ...packs.flatMap((pack) => pack.pages.map((page) => path.posix.join(pack.root, page)))]
  const configs = Object.fromEntries(files.filter((file) => file.endsWith('.json')).map((file) => [cut(file), json(file)]))
  return {
    files, read, has, app, packs, pages, configs,
    by: (extension) => files.filter((file) => file.endsWith(extension)),
    isComponent: (file) => configs[cut(file)]?.component === true,
  }
}

const cut = (file) => file.replace(/\.\w+$/, '')

module.exports = { MP, cut, readTree, treeOf }
