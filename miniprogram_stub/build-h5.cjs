// Builds the pages in mp/ and their browser host into static files: node build-h5.cjs [folder]
//
// index.html is asked for anew each time and carries the first page's styles; everything else has its hash
// in its name and never changes: app.js with the first page, and a pack for each other page.
const crypto = require('crypto')
const fs = require('fs')
const path = require('path')
const zlib = require('zlib')
const esbuild = require('esbuild')
const { readTree } = require('./pack/tree.cjs')
const { split } = require('./pack/split.cjs')
const { asMp, coreModule, packModule } = require('./pack/modules.cjs')
const { compileStyles } = require('./pack/styles.cjs')
const { drawFirst, FIRST } = require('./pack/first.cjs')
const { uncovered } = require('./pack/coverage.cjs')

const WEB = path.join(__dirname, 'web')
const OUT = path.resolve(process.argv[2] ?? path.join(__dirname, '../backend/miniprogram/built'))
const TARGET = ['chrome100', 'firefox100', 'safari15']

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

async function build() {
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
  const common = { minify: true, target: TARGET, logLevel: 'warning', legalComments: 'none' }
  const bundle = { ...common, bundle: true, write: false }
  const parts = split(tree)
  const pack = async (name, files) => {
    const { code } = await esbuild.transform(packModule(tree, files), { ...common, format: 'esm' })
    return put(hashed(name, code), code)
  }
  const styles = async (sheet) => (await esbuild.build({ ...bundle, stdin: { contents: sheet, loader: 'css' } })).outputFiles[0].text
  const rest = await styles(compileStyles(tree, [parts.common, ...Object.values(parts.pages)].flat()))
  const more = { assets, sheet: put(hashed('pages.css', rest), rest), common: await pack('common.js', parts.common), packs: {} }
  for (const [page, files] of Object.entries(parts.pages)) more.packs[page] = await pack(path.basename(page) + '.js', files)
  const bundled = async (entry, options) => (await esbuild.build({ ...bundle, entryPoints: [path.join(WEB, entry)], plugins: [asMp(coreModule(tree, parts.core, more))], ...options })).outputFiles[0].text
  const js = await bundled('host.js', { format: 'esm' })
  const fill = {
    'app.js': put(hashed('app.js', js), js),
    'app.css': (await styles(fs.readFileSync(path.join(WEB, 'base.css'), 'utf8') + compileStyles(tree, parts.core))).trim(),
    'early.js': (await bundled('early.js', {})).trim(),
    'first.address': '#/' + tree.pages[0],
  }
  const page = fs.readFileSync(path.join(WEB, 'index.html'), 'utf8').replace(/\b(app\.js|app\.css|early\.js|first\.address)\b/g, (name) => fill[name])
  const first = await drawFirst(page, await bundled('host.js', { format: 'iife', define: { 'import.meta.url': JSON.stringify(FIRST) } }))
  const asks = JSON.stringify(first.asks).replaceAll('"', '&quot;')
  put('index.html', page.replace('first.asks', () => asks).replace(/(<div id="phone".*>)[^]*(?=<\/div>\n<script>)/, (_, open) => open + first.html))
  console.log(`${path.relative(process.cwd(), OUT)}: app.js ${js.length} B, ${tree.pages.length} pages`)
}

Promise.resolve().then(build).catch((error) => {
  console.error(error.message)
  process.exit(1)
})
