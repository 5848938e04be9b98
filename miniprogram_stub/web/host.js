// The browser host: WeChat's component framework, our elements, `wx`, and the mini-program's modules.
import * as ge from 'glass-easel'
import { MiniProgramEnv } from 'glass-easel-miniprogram-adapter'
import { configs, modules, pages, scopes, templates } from 'mp'
import { elements, receive } from './elements.js'
import { listenToDom } from './events.js'
import { wx } from './wx.js'
import { appLife } from './life.js'
import { router } from './router.js'
import { code } from './packs.js'
import { endStart } from './first-page.js'
import { showMenu } from './phone.js'
import { guardDialogs, keepFocus } from './sheets.js'
import { forgetAll } from './wx/storage.js'

// A strict Content-Security-Policy forbids style attributes that come as text, not those set here.
const setAttribute = Element.prototype.setAttribute
HTMLElement.prototype.setAttribute = function (name, value) {
  if (name === 'style') this.style.cssText = value
  else setAttribute.call(this, name, value)
}

// What a page binds to an element arrives as the value itself, not as text.
ge.NativeNode.prototype.updateAttribute = function (name, value) {
  receive(this.$$, this.is, name, value)
}

const backend = new ge.CurrentWindowBackendContext()
backend._$initEvent = () => {} // taps are clicks here, so that keyboards and screen readers tap too
backend.setListenerStats = () => {}

const env = new MiniProgramEnv()
const assoc = env.associateBackend(backend)
const space = env.createCodeSpace('', true)
for (const [tag, { html }] of Object.entries(elements)) space.getComponentSpace().setGlobalUsingComponent(tag, html)
for (const [path, name] of scopes) space.addStyleSheet(path, undefined, name)

let app
const loaded = new Map()

/** A module of the mini-program, run once, with the names that WeChat gives it. */
function load(path) {
  if (!modules[path]) throw new Error(`module '${path}.js' is not defined`)
  if (!loaded.has(path)) {
    const module = { exports: {} }
    loaded.set(path, module)
    const require = (relative) => load(new URL(relative, 'http://mp/' + path).pathname.slice(1).replace(/\.js$/, ''))
    modules[path](require, module, module.exports)
  }
  return loaded.get(path).exports
}

/** A page's or component's module: `Page` and `Component` mean this path while it runs. */
function define(path) {
  const config = configs[path] ?? {}
  space.addComponentStaticConfig(path, config)
  space.componentEnv(path, ({ Page, Component, Behavior }) => {
    const declare = (definition) => {
      const { addGlobalClass, styleIsolation } = definition.options ?? {}
      space.addComponentStaticConfig(path, { addGlobalClass, styleIsolation, ...config })
      return Component(definition)
    }
    Object.assign(globalThis, { Page, Component: declare, Behavior })
    load(path)
  })
}

/** Templates and components from now on known; their modules are already. */
function install({ templates: found, modules: brought }) {
  for (const [path, content] of Object.entries(found)) space.addCompiledTemplate(path, { groupList: found, content })
  for (const path of Object.keys(brought)) if (configs[path]?.component) define(path)
}

Object.assign(globalThis, {
  wx,
  App: (definition) => { app = definition },
  getApp: () => app,
  getCurrentPages: () => router.current(),
  getDate: (...parts) => new Date(...parts), // the two that WXS has in place of `new`
  getRegExp: (pattern, flags) => new RegExp(pattern, flags),
})

const defined = new Set()

/** A page costs nothing before it is opened: the first one is seen sooner. */
function createPage(path) {
  if (!defined.has(path)) define(path)
  defined.add(path)
  return assoc.createRoot('wx-page', space, path)
}

space.addComponentStaticConfig('app', configs.app)
load('app')
install({ templates, modules })
code.start({ install })

listenToDom((element, name, detail, options) => ge.triggerEvent(element, name, detail, options))
guardDialogs(document.getElementById('stage'))
keepFocus(document.getElementById('stage'))
document.getElementById('menu').onclick = () => showMenu(forgetAll)
appLife.start(app)
router.start({ createPage })
endStart(router.top()?.path === pages[0])
code.fetchAhead()
