// Everything about mp/ that can be seen without running it: node check.cjs
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { cut, readTree } = require('./pack/tree.cjs')
const { uncovered } = require('./pack/coverage.cjs')
const { literals, readTags } = require('./pack/wxml.cjs')

const MAIN_MOST = 300 * 1024 // ours; WeChat takes 2 MB
const PACK_MOST = 2 * 1024 * 1024
const TENCENT = path.join(__dirname, 'node_modules/miniprogram-compiler/bin/linux')
const LINK = /['"`]\/?(pages\/[\w-]+\/[\w-]+)/g
const CALL = /wx\.(navigateTo|redirectTo|switchTab)\(\{\s*url:\s*['"`]\/(pages\/[\w-]+\/[\w-]+)/g

const resolve = (from, to) => new URL(to, `http://mp/${from}`).pathname.slice(1)

/** Tencent's own compilers refuse what WeChat would refuse. */
function compiles(tree) {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    console.log('wcc, wcsc: 只有 Linux x64 的版本，没有检查 / not checked on this machine')
    return []
  }
  const run = (tool, ...args) => {
    const program = path.join(TENCENT, tool)
    fs.chmodSync(program, 0o755)
    try {
      execFileSync(program, args, { cwd: tree.root, maxBuffer: 1e8, stdio: ['ignore', 'pipe', 'pipe'] })
      return []
    } catch (error) {
      return [`${tool}: ${error.stderr.toString().trim() || error.message}`]
    }
  }
  return [
    ...run('wcc', '-d', ...tree.by('.wxml'), ...tree.by('.wxs')),
    ...run('wcsc', '-pc', String(tree.by('.wxss').length), ...tree.by('.wxss')),
  ]
}

function whole(tree) {
  return tree.pages.flatMap((page) => ['.js', '.json', '.wxml', '.wxss'].filter((end) => !tree.has(page + end)).map((end) => `${page}${end} is missing`))
}

function sizes(tree) {
  const bytes = (files) => files.reduce((sum, file) => sum + fs.statSync(path.join(tree.root, file)).size, 0)
  const inPack = (pack) => tree.files.filter((file) => file.startsWith(pack.root.replace(/\/?$/, '/')))
  const packs = tree.packs.map((pack) => [pack.root, bytes(inPack(pack)), PACK_MOST])
  const main = bytes(tree.files) - packs.reduce((sum, [, size]) => sum + size, 0)
  const all = [['main package', main, MAIN_MOST], ...packs]
  for (const [name, size, most] of all) console.log(`${name}: ${(size / 1024).toFixed(1)} KB of ${most / 1024} KB`)
  return all.filter(([, size, most]) => size > most).map(([name, size, most]) => `${name}: ${size} bytes, ${most} allowed`)
}

function links(tree) {
  const tabs = tree.app.tabBar.list.map((tab) => tab.pagePath)
  const text = tree.files.filter((file) => /\.(js|wxml)$/.test(file))
  const dead = text.flatMap((file) => [...tree.read(file).matchAll(LINK)]
    .filter(([, page]) => !tree.pages.includes(page)).map(([, page]) => `${file}: there is no page ${page}`))
  const wrongCalls = tree.by('.js').flatMap((file) => [...tree.read(file).matchAll(CALL)]
    .filter(([, call, page]) => (call === 'switchTab') !== tabs.includes(page)).map(([, call, page]) => `${file}: ${call} cannot open ${page}`))
  const wrongLinks = tree.by('.wxml').flatMap((file) => readTags(tree.read(file))
    .filter(({ tag, attributes }) => tag === 'navigator' && typeof attributes.url === 'string' && !attributes.url.startsWith('{{'))
    .filter(({ attributes }) => {
      const types = literals(attributes['open-type'] ?? 'navigate')
      return types.every((type) => (type === 'switchTab') !== tabs.includes(attributes.url.slice(1).split('?')[0]) && type !== 'reLaunch')
    })
    .map(({ attributes, line }) => `${file}:${line}: the open-type does not fit ${attributes.url}`))
  return [...dead, ...wrongCalls, ...wrongLinks, ...tabs.filter((tab) => !tree.app.pages.includes(tab)).map((tab) => `tab ${tab} is not in the main package`)]
}

/** What no page leads to: files, and components that are declared but used nowhere. */
function unused(tree) {
  const seen = new Set(['app.js', 'app.json', 'app.wxss'])
  const faults = []
  const reach = (file) => {
    if (seen.has(file) || !tree.has(file)) return tree.has(file) || faults.push(`${file} is not there`)
    seen.add(file)
    follow(file)
  }
  const follow = (file) => {
    const body = tree.read(file)
    if (file.endsWith('.js') || file.endsWith('.wxs')) {
      for (const [, to] of body.matchAll(/require\(\s*['"]([^'"]+)['"]\s*\)/g)) reach(withEnding(tree, resolve(file, to), '.js'))
    } else if (file.endsWith('.wxss')) {
      for (const [, to] of body.matchAll(/@import\s+['"]([^'"]+)['"]/g)) reach(resolve(file, to))
    } else if (file.endsWith('.wxml')) {
      for (const { tag, attributes } of readTags(body)) {
        if (['import', 'include', 'wxs', 'image'].includes(tag) && typeof attributes.src === 'string' && !/^(data:|\{\{)/.test(attributes.src)) reach(resolve(file, attributes.src))
      }
      for (const [, to] of body.matchAll(/<wxs\b[^>]*\bsrc="([^"]+)"/g)) reach(resolve(file, to))
    }
  }
  const enter = (unit) => {
    if (seen.has(unit + '.wxml')) return
    for (const end of ['.js', '.json', '.wxml', '.wxss']) if (tree.has(unit + end)) reach(unit + end)
    const own = tree.configs[unit]?.usingComponents ?? {}
    const all = { ...tree.app.usingComponents, ...own }
    const tags = new Set(tree.has(unit + '.wxml') ? readTags(tree.read(unit + '.wxml')).map(({ tag }) => tag) : [])
    for (const name of Object.keys(own)) if (!tags.has(name)) faults.push(`${unit}.json: <${name}> is not used`)
    for (const name of tags) if (all[name]) enter(resolve(unit, all[name]))
  }
  follow('app.js')
  follow('app.wxss')
  tree.pages.forEach(enter)
  for (const { iconPath, selectedIconPath } of tree.app.tabBar?.list ?? []) [iconPath, selectedIconPath].filter(Boolean).forEach((file) => seen.add(file))
  return [...faults, ...tree.files.filter((file) => !seen.has(file)).map((file) => `${file} is not used`)]
}

const withEnding = (tree, file, ending) => (tree.has(file) ? file : file + ending)

/** WeChat applies nothing but class selectors inside a component. */
function selectors(tree) {
  const postcss = require('postcss')
  return tree.by('.wxss').filter(tree.isComponent).flatMap((file) => {
    const found = []
    postcss.parse(tree.read(file)).walkRules((rule) => {
      if (rule.parent.name?.endsWith('keyframes')) return
      for (const one of rule.selectors) if (/(^|[\s>+~])(?![.:&\d])[\w#*[]/.test(one)) found.push(`${file}: selector ${one}: only classes work in a component`)
    })
    return found
  })
}

function check(tree) {
  return [whole, uncovered, compiles, links, unused, selectors, sizes].flatMap((look) => look(tree))
}

if (require.main === module) {
  const faults = check(readTree())
  for (const fault of faults) console.error(fault)
  console.log(faults.length ? `${faults.length} faults` : 'mp/: no faults')
  process.exitCode = faults.length ? 1 : 0
}

module.exports = { check, links, selectors, unused, whole }
