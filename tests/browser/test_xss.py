"""The corpus bites where a page is careless, and does nothing where a text is only text."""

import pytest
from playwright.sync_api import Browser

from tests import xss

pytestmark = pytest.mark.browser

CARELESS = """texts => texts.map((text) => {
  window.__xss = 0
  const room = document.createElement('div')
  document.body.append(room)
  room.innerHTML = text
  for (const dead of room.querySelectorAll('script')) {
    const alive = document.createElement('script')
    alive.textContent = dead.textContent
    dead.replaceWith(alive)
  }
  const found = (LOOK)()
  room.remove()
  return found.length > 0
})"""
CAREFUL = """texts => texts.forEach((text) => {
  const room = document.createElement('p')
  room.textContent = room.title = text
  document.body.append(room)
})"""
BITES_LEAST = 60  # of markup; addresses, templates and broken attributes need their own place


def test_the_corpus_bites_and_text_does_not(browser: Browser) -> None:
    assert len(set(xss.VECTORS)) >= 150
    page = browser.new_page()
    page.add_init_script(xss.TRAP)
    page.goto("about:blank")
    bitten = page.evaluate(CARELESS.replace("LOOK", xss.LOOK), list(xss.VECTORS))
    assert sum(bitten) >= BITES_LEAST
    page.goto("about:blank")
    page.evaluate(CAREFUL, list(xss.VECTORS))
    assert xss.wounds(page) == []
    page.close()
