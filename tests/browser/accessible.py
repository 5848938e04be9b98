"""Whether everybody can use a page: axe's rules of WCAG 2.2 AA."""

import functools
from typing import Any

from playwright.sync_api import Page

from tests.processes import ROOT

AXE = ROOT / "miniprogram_stub" / "node_modules" / "axe-core" / "axe.min.js"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# It reads each colour anew for every text and all that lies under it: half of its time.
COLOURS_ONCE = """;(() => {
  const { Color } = axe.commons.color, known = new Map(), parse = Color.prototype.parseString
  Color.prototype.parseString = function (text) {
    if (!known.has(text)) known.set(text, parse.call(new Color(), text))
    const { r, g, b, alpha } = known.get(text)
    return Object.assign(this, { r, g, b, alpha })
  }
})()"""
# Of what passes only that it was looked at: to name each place costs more than to look.
RUN = """async (tags) => {
  const options = { runOnly: tags, resultTypes: ['violations'], preload: false }
  const { passes, violations } = await axe.run(document, options)
  return [passes.length, violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => [id, target, failureSummary]))]
}"""


@functools.cache
def script() -> str:
    return AXE.read_text() + COLOURS_ONCE


def axe(page: Page) -> list[Any]:
    """What breaks a rule: its name, where, and why."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(script())
    passed, found = page.evaluate(RUN, WCAG)
    assert passed > 10  # it did look
    return list(found)


# Rows of a table or a list, cards, links of a menu; what has no parts of its own is cheap.
FEW = """(most) => {
  const shape = (one) => `${one.tagName}.${one.className}(${[...one.children].map(shape)})`
  const thin = (one) => {
    const seen = new Map()
    for (const part of [...one.children]) {
      const alike = part.childElementCount && !part.matches('td,th') ? shape(part) : ''
      seen.set(alike, (seen.get(alike) ?? 0) + 1)
      if (alike && seen.get(alike) > most) part.remove()
      else thin(part)
    }
  }
  thin(document.body)
}"""
MOST_ALIKE = 3


def keep_few(page: Page) -> None:
    """Take away what comes a fourth time beside the same tags and classes, only the text new.

    For good: what depends on how long the page is must have been looked at.
    """
    page.evaluate(FEW, MOST_ALIKE)
