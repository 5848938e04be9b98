// Builds the pages in mp/ and their browser host into static files: node build-h5.cjs [folder]
//
// index.html is asked for anew each time; everything else has its hash in its name and never changes.
const crypto = require('crypto')
const fs = require('fs')
const path = require('path')
const zlib = require('zlib')
const esbuild = require('esbuild')
const { TmplGroup } = require('glass-easel-template-compiler')
const { cut, readTree } = require('./pack/tree.cjs')
const { compileStyles, scopeOf } = require('./pack/styles.cjs')
const { uncovered } = require('./pack/coverage.cjs')

const WEB = path.join(__dirname, 'web')
const OUT = path.resolve(process.argv[2] ?? path.join(__dirname, '../backend/miniprogram/built'))
const TARGET = ['chrome100', 'firefox100', 'safari15']

/** Tags as functions; a fault in a template ends the build. */
function compileTemplates(tree) {
  const group = new TmplGroup()
  const faults = []
  for (const file of tree.by('.wxs')) group.addScript(cut(file), tree.read(file))
  for (const file of tree.by('.wxml')) {
    for (const fault of group.addTmpl(cut(file), tree.read(file)) ?? []) faults.push(`${file}: ${fault.message ?? fault}`)
  }
  if (faults.length) throw new Error(faults.join('\n'))
  return group.getTmplGenObjectGroups()
}

function wrapModule(tree, file) {
  return `${JSON.stringify(cut(file))}: function (require, module, exports) {\n${tree.read(file)}\n}`
}

/** What `web/host.js` imports as `mp`. */
function packModule(tree, assets) {
  const scopes = tree.by('.wxss').filter(tree.isComponent).map((file) => [cut(file), scopeOf(file)])
  return [
    `export const templates = ${compileTemplates(tree)}`,
    `export const modules = {\n${tree.by('.js').map((file) => wrapModule(tree, file)).join(',\n')}\n}`,
    `export const scopes = ${JSON.stringify(scopes)}`,
    `export const configs = ${JSON.stringify(tree.configs)}`,
    `export const pages = ${JSON.stringify(tree.pages.filter((page) => tree.has(page + '.js') && tree.has(page + '.wxml')))}`,
    `export const assets = ${JSON.stringify(assets)}`,
  ].join(';\n')
}

const hashed = (name, bytes) => {
  const { name: stem, ext } = path.parse(name)
  return `${stem}.${crypto.createHash('sha256').update(bytes).digest('hex').slice(0, 12)}${ext}`
}

/** Writes the file and, where it pays, its compressed twins. Returns the name it got. */
function put(name, content) {
  const bytes = Buffer.from(content)
  fs.writeFileSync(path.join(OUT, name), bytes)
  const best = { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: zlib.constants.BROTLI_MAX_QUALITY } }
  for (const [ending, small] of [['.br', zlib.brotliCompressSync(bytes, best)], ['.gz', zlib.gzipSync(bytes, { level: 9 })]]) {
    if (small.length < bytes.length * 0.9 && !name.endsWith('.html')) fs.writeFileSync(path.join(OUT, name + ending), small)
  }
  return name
}

function build() {
  const tree = readTree()
  const faults = uncovered(tree)
  if (faults.length) throw new Error(faults.join('\n'))
  fs.rmSync(OUT, { recursive: true, force: true })
  fs.mkdirSync(OUT, { recursive: true })
  const images = tree.files.filter((file) => /\.(png|jpe?g|svg|gif|webp)$/.test(file))
  const assets = Object.fromEntries(images.map((file) => {
    const bytes = fs.readFileSync(path.join(tree.root, file))
    return ['/' + file, put(hashed(path.basename(file), bytes), bytes)]
  }))
  const mp = { name: 'mp', setup(on) {
    on.onResolve({ filter: /^mp$/ }, () => ({ path: 'mp', namespace: 'mp' }))
    on.onLoad({ filter: /.*/, namespace: 'mp' }, () => ({ contents: packModule(tree, assets), loader: 'js' }))
  } }
  const common = { bundle: true, minify: true, write: false, target: TARGET, logLevel: 'warning', legalComments: 'none' }
  return esbuild.build({ ...common, entryPoints: [path.join(WEB, 'host.js')], format: 'esm', plugins: [mp], define: { 'process.env.NODE_ENV': '"production"' } }).then(async (code) => {
    const sheet = fs.readFileSync(path.join(WEB, 'base.css'), 'utf8') + compileStyles(tree)
    const styles = await esbuild.build({ ...common, stdin: { contents: sheet, loader: 'css' } })
    const js = code.outputFiles[0].contents, css = styles.outputFiles[0].contents
    const page = fs.readFileSync(path.join(WEB, 'index.html'), 'utf8')
      .replace('app.js', put(hashed('app.js', js), js)).replace('app.css', put(hashed('app.css', css), css))
    put('index.html', page)
    const sizes = `app.js ${js.length} B, app.css ${css.length} B, ${tree.pages.length} pages`
    console.log(`${path.relative(process.cwd(), OUT)}: ${sizes}`)
  })
}

Promise.resolve().then(build).catch((error) => {
  console.error(error.message)
  process.exit(1)
})
