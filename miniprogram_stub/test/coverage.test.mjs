// The table of what pages may use, against the host that does it.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const { readTree } = require('../pack/tree.cjs')
const { uncovered } = require('../pack/coverage.cjs')
const WEB = join(__dirname, '../web')
const table = JSON.parse(readFileSync(join(WEB, 'coverage.json'), 'utf8'))
const using = (tree, file, text) => uncovered({ ...tree, read: (one) => (one === file ? text : tree.read(one)) })

describe('coverage', () => {
  const tree = readTree()
  const page = 'pages/home/home'

  test('the pages keep to the table', () => {
    expect(uncovered(tree)).toEqual([])
  })

  test.each([
    ['a tag', '.wxml', '<video />', '<video> is not covered'],
    ['an attribute', '.wxml', '<image webp />', 'attribute webp of <image>'],
    ['an event', '.wxml', '<view bind:longtap="x" />', 'event longtap of <view>'],
    ['a value', '.wxml', '<button open-type="feedback" />', 'open-type="feedback"'],
    ['a tap that no keyboard reaches', '.wxml', '<view bind:tap="x" />', 'no keyboard reaches it'],
    ['the old spelling', '.wxml', '<button bindtap="x" />', 'write bind:tap'],
    ['a call', '.js', 'wx.chooseVideo({})', 'wx.chooseVideo is not covered'],
    ['a handler', '.js', 'Page({ onShareTimeline() {} })', 'onShareTimeline is not covered'],
  ])('%s outside the table is refused', (_, ending, text, fault) => {
    expect(using(tree, page + ending, text).join()).toContain(fault)
  })

  test('every call in the table is one that the host has', () => {
    const files = ['device', 'interface', 'media', 'network', 'open', 'privacy', 'storage'].map((name) => readFileSync(join(WEB, `wx/${name}.js`), 'utf8'))
    const host = [...files, readFileSync(join(WEB, 'wx.js'), 'utf8')].join('\n')
    expect(table.wx.filter((name) => !new RegExp(`\\b${name}\\b`).test(host))).toEqual([])
  })

  test('every tag and attribute in the table is one that the host takes', () => {
    const host = readFileSync(join(WEB, 'elements.js'), 'utf8')
    const names = Object.entries(table.tags).flatMap(([tag, { attributes }]) => [tag, ...attributes])
    expect(names.filter((name) => !new RegExp(`(^|[\\s'{,])${name}['"]?[:,]`, 'm').test(host))).toEqual([])
  })
})
