// The tags of a template with their attributes: enough to look at them, not to run them.

const TAG = /<!--[\s\S]*?-->|<wxs\b[^>]*>[\s\S]*?<\/wxs>|<([a-z][\w-]*)((?:\s+[^\s=>/]+(?:\s*=\s*(?:"[^"]*"|'[^']*'))?)*)\s*\/?>/gi
const ATTRIBUTE = /([^\s=>/]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'))?/g

/** [{tag, attributes: {name: text or true}, line}] */
function readTags(wxml) {
  return [...wxml.matchAll(TAG)].filter(([, tag]) => tag).map((match) => ({
    tag: match[1],
    attributes: Object.fromEntries([...match[2].matchAll(ATTRIBUTE)].map(([, name, double, single]) => [name, double ?? single ?? true])),
    line: wxml.slice(0, match.index).split('\n').length,
  }))
}

/** The values that an attribute can have, as far as they are written there. */
function literals(value) {
  if (value === true) return []
  if (!value.includes('{{')) return [value]
  return [...value.matchAll(/[?:]\s*'([^']*)'/g)].map(([, text]) => text)
}

module.exports = { readTags, literals }
