// Scripts and templates of the mini-program as ES modules, which the browser host installs.
const { TmplGroup } = require('glass-easel-template-compiler')
const { cut } = require('./tree.cjs')
const { componentsOf } = require('./split.cjs')
const { scopeOf } = require('./styles.cjs')

/** Tags as functions; a fault in a template ends the build. */
function compileTemplates(tree, files) {
  const group = new TmplGroup()
  const faults = []
  for (const file of tree.by('.wxs')) group.addScript(cut(file), tree.read(file))
  for (const file of files.filter((one) => one.endsWith('.wxml'))) {
    for (const fault of group.addTmpl(cut(file), tree.read(file)) ?? []) faults.push(`${file}: ${fault.message ?? fault}`)
  }
  if (faults.length) throw new Error(faults.join('\n'))
  return group.getTmplGenObjectGroups()
}

function wrapModule(tree, file) {
  return `${JSON.stringify(cut(file))}: function (require, module, exports) {\n${tree.read(file)}\n}`
}

/** What `web/host.js` installs: templates and modules by their paths. */
function packModule(tree, files) {
  const scripts = files.filter((file) => file.endsWith('.js'))
  return [
    `export const templates = ${compileTemplates(tree, files)}`,
    `export const modules = {\n${scripts.map((file) => wrapModule(tree, file)).join(',\n')}\n}`,
  ].join(';\n')
}

/** Each unit with no more components than its template names. */
function configsOf(tree) {
  return Object.fromEntries(Object.entries(tree.configs).map(([unit, config]) => [
    unit, tree.has(unit + '.wxml') ? { ...config, usingComponents: componentsOf(tree, unit) } : { ...config, usingComponents: undefined },
  ]))
}

/** What `web/` imports as `mp`: the first page's pack, what is known of all, where the others are. */
function coreModule(tree, files, more) {
  const scopes = tree.by('.wxss').filter(tree.isComponent).map((file) => [cut(file), scopeOf(file)])
  const all = { scopes, configs: configsOf(tree), pages: tree.pages, ...more }
  return [packModule(tree, files), ...Object.entries(all).map(([name, value]) => `export const ${name} = ${JSON.stringify(value)}`)].join(';\n')
}

/** For esbuild: what `web/` imports as `mp`. */
const asMp = (contents) => ({ name: 'mp', setup(build) {
  build.onResolve({ filter: /^mp$/ }, () => ({ path: 'mp', namespace: 'mp' }))
  build.onLoad({ filter: /.*/, namespace: 'mp' }, () => ({ contents, loader: 'js' }))
} })

module.exports = { asMp, coreModule, packModule }
