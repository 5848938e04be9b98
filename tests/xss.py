"""Texts that would run if a page took them for its own: for every field that people fill in.

`VECTORS` are the texts. Put them in, open the page in Chromium with `TRAP` as its first script, and
`wounds(page)` must be empty: nothing ran, and no tag, handler or address of theirs is in the tree.
"""

from itertools import product

from playwright.sync_api import Page

MARK = "xss"
RUN = f"window.__{MARK}=1"
TRAP = f"window.__{MARK}=0;window.alert=window.prompt=window.confirm=()=>{{{RUN}}}"

TAGS = (
    f"<script>{RUN}</script>",
    f"<ScRiPt>{RUN}</sCrIpT>",
    f"<script >{RUN}</script >",
    f"<script/x>{RUN}</script>",
    f"<script\n>{RUN}</script\n>",
    f"<script\t>{RUN}</script>",
    f"<scr<script>ipt>{RUN}</scr</script>ipt>",
    f"<script src=data:text/javascript,{RUN}></script>",
    f"<script type=module>{RUN}</script>",
    f"<svg><script>{RUN}</script></svg>",
    f"<svg><script>{RUN}<p>",
    f"<math><mtext><script>{RUN}</script></mtext></math>",
    f"<!--><script>{RUN}</script>-->",
    f"<![CDATA[><script>{RUN}</script>]]>",
    f"<%00script>{RUN}</script>",
    f"<iframe srcdoc='<script>parent.__{MARK}=1</script>'></iframe>",
    f"<iframe src=javascript:parent.__{MARK}=1></iframe>",
    f"<object data=javascript:{RUN}></object>",
    f"<embed src=javascript:{RUN}>",
    f"<base href='javascript:{RUN}//'><a href=#>x</a>",
    f"<meta http-equiv=refresh content='0;url=javascript:{RUN}'>",
    f"<form action=javascript:{RUN}><input type=submit autofocus></form>",
    f"<template><script>{RUN}</script></template>",
    f"<noscript><p title='</noscript><img src=x onerror={RUN}>'></noscript>",
    f"<style>@import 'javascript:{RUN}';</style>",
    "<link rel=stylesheet href=//evil.invalid/x.css>",
    f"<xmp><script>{RUN}</script></xmp>",
    f"<plaintext><script>{RUN}</script>",
)
HANDLERS = tuple(
    f"<{tag} {event}={RUN}{rest}>"
    for tag, event, rest in (
        ("img src=x", "onerror", ""), ("img src=x", "OnErRoR", ""), ("img/src=x", "/onerror", ""),
        ("svg", "onload", ""), ("svg/", "onload", ""), ("body", "onload", ""),
        ("video src=x", "onerror", "></video"), ("audio src=x", "onerror", "></audio"),
        ("video><source", "onerror", ""), ("input autofocus", "onfocus", ""),
        ("select autofocus", "onfocus", "></select"), ("textarea autofocus", "onfocus", ""),
        ("details open", "ontoggle", ""), ("marquee", "onstart", ""),
        ("div style=animation-name:x", "onanimationstart", ""), ("x tabindex=1", "onfocusin", ""),
        ("svg><animate attributeName=x dur=1s", "onbegin", ""),
        ("svg><set attributeName=x", "onbegin", ""), ("iframe", "onload", "></iframe"),
        ("object data=x", "onerror", "></object"), ("link rel=stylesheet href=x", "onerror", ""),
        ("image src=x", "onerror", ""), ("button popovertarget=x", "onbeforetoggle", ""),
        ("x contenteditable", "onbeforeinput", ""), ("x", "onpointerrawupdate", ""),
        ("form><button formaction=javascript:void(0)", "onclick", ""),
    )
)  # fmt: skip
# Out of what stands around a text: an attribute, a text area, a title, a comment, a script.
BREAKS = tuple(
    before + payload
    for before, payload in product(
        (
            '">', "'>", "`>", "</textarea>", "</title>", "</style>", "</script>",
            "</option></select>", "-->", "</p></div></main>",
        ),
        (f"<img src=x onerror={RUN}>", f"<svg onload={RUN}>"),
    )
)  # fmt: skip
ATTRIBUTES = tuple(
    quote + text
    for quote in ('"', "'", "")
    for text in (
        f" onmouseover={RUN} x=", f" autofocus onfocus={RUN} x=", f"/onfocus={RUN}/autofocus/x=",
        f"\nonfocus={RUN}\nautofocus\nx=",
        f" style=background:url(javascript:{RUN}) x=",
        f" hx-on:load={RUN} hx-get=/ hx-trigger=load x=",
    )
)  # fmt: skip
ADDRESSES = (
    f"javascript:{RUN}",
    f"JaVaScRiPt:{RUN}",
    f" \x09javascript:{RUN}",
    f"java\tscript:{RUN}",
    f"java\nscript:{RUN}",
    f"javascript&colon;{RUN}",
    f"&#106;avascript:{RUN}",
    f"javascript://%0a{RUN}",
    f"data:text/html,<script>{RUN}</script>",
    "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
    f"vbscript:{RUN}",
    "//evil.invalid/x",
    f"[链接](javascript:{RUN})",
    f'![x](x"onerror="{RUN})',
)
# Would be something else than it is in Jinja, in WXML, or in what a script puts together.
TEMPLATES = (
    "{{ 7*7 }}", "{{7*'7'}}", "{% for x in (1).__class__.__mro__ %}{{ x }}{% endfor %}",
    "{{ config }}", "{{ self.__init__.__globals__ }}", "{{ ''.__class__.__mro__ }}", "{# x #}",
    "{%- raw -%}<b>x</b>{%- endraw -%}", "{{ '<b>'|safe }}", "${7*7}", "#{7*7}", "<%= 7*7 %>",
    "{{item.text}}", "{{constructor.constructor('" + RUN + "')()}}", "[[7*7]]", "`${" + RUN + "}`",
    "<view bindtap=\"x\">x</view>", "<block wx:if=\"{{true}}\">x</block>", "<wxs>" + RUN + "</wxs>",
    "<rich-text nodes=\"<img src=x onerror=" + RUN + ">\"></rich-text>",
    "<web-view src=\"javascript:" + RUN + "\"></web-view>", "\\u003cscript\\u003e" + RUN,
    "';" + RUN + ";//", "\";" + RUN + ";//", "</script><script>" + RUN + "</script>",
    "{\"__proto__\":{\"innerHTML\":\"<img src=x onerror=" + RUN + ">\"}}",
)  # fmt: skip
# Looks harmless to one reader and not to the next.
LETTERS = (
    f"＜script＞{RUN}＜/script＞",
    f"\u2039script\u203a{RUN}",
    f"<\u200bscript>{RUN}</script>",
    f"<scr\u00adipt>{RUN}</script>",
    f"<\u017fcript>{RUN}</\u017fcript>",
    f"<\u212asvg onload={RUN}>",
    f"\ufeff<script>{RUN}</script>",
    f"\u202e>tpircs<{RUN}>tpircs/<",
    f"\u2066<img src=x onerror={RUN}>\u2069",
    f"&lt;script&gt;{RUN}&lt;/script&gt;",
    f"&amp;lt;script&amp;gt;{RUN}",
    f"&#60;script&#62;{RUN}&#60;/script&#62;",
    f"&#x3c;img src=x onerror={RUN}&#x3e;",
    f"%3Cscript%3E{RUN}%3C/script%3E",
    f"+ADw-script+AD4-{RUN}+ADw-/script+AD4-",
    f"<img src=x onerror\u2028={RUN}>",
    f"<img src=x onerror\u3000={RUN}>",
    f"𝐣𝐚𝐯𝐚𝐬𝐜𝐫𝐢𝐩𝐭:{RUN}",
    "\u0301\u0301\u0301" * 30 + f"<b onfocus={RUN}>",
    f"<img src=x onerror=&#119;indow.__{MARK}=1>",
)
VECTORS = (
    *TAGS, *HANDLERS, *BREAKS, *ATTRIBUTES, *ADDRESSES, *TEMPLATES, *LETTERS,
)  # fmt: skip

# Runs in the page. What a vector would have left there, and whether one has run.
LOOK = """() => {
  const found = window.__xss ? ['something ran'] : []
  const script = /^[\\s\\u0000-\\u001f]*(javascript|vbscript|data:text)/i
  const address = /^(href|src|action|formaction|data|srcdoc|nodes)$/i
  for (const one of document.querySelectorAll('*')) {
    const tag = one.localName
    if (tag === 'script' && /__xss/.test(one.textContent)) found.push(tag)
    for (const { name, value } of one.attributes) {
      if (/^(on|hx-on)/i.test(name) && /__xss/.test(value)) found.push(`${tag} ${name}`)
      if (address.test(name) && (script.test(value) || /__xss/.test(value))) {
        found.push(`${tag} ${name}`)
      }
    }
  }
  return found
}"""


def wounds(page: Page) -> list[str]:
    """Of a page that has settled. Empty: every text is only text."""
    found: list[str] = page.evaluate(LOOK)
    return found
