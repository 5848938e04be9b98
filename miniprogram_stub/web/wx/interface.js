// What a page asks WeChat to show, and where it asks to go.
import { call, Refusal } from '../call.js'
import { pull } from '../pull.js'
import { router } from '../router.js'
import { dialog, hideToast, make, paragraph, toast } from '../sheets.js'

const TOAST_MS = 1500
const ACTIONS_MOST = 6
const BUTTON_MOST = 4 // characters

async function showModal({ title = '', content = '', showCancel = true, cancelText = '取消', confirmText = '确定', cancelColor, confirmColor, editable, placeholderText = '' }) {
  for (const [name, text] of Object.entries({ cancelText, confirmText })) {
    if (text.length > BUTTON_MOST) throw new Refusal(`${name} length should not larger than ${BUTTON_MOST} Chinese characters`)
  }
  const box = editable && make('input', { ariaLabel: title || placeholderText, placeholder: placeholderText, value: content })
  const answer = await dialog({
    title, body: [...(box ? [box] : content ? [paragraph(content)] : [])], dismissable: showCancel,
    actions: [
      ...(showCancel ? [{ text: cancelText, value: false, color: cancelColor }] : []),
      { text: confirmText, value: true, main: true, color: confirmColor },
    ],
  })
  return { confirm: answer === true, cancel: answer !== true, ...(box && answer === true ? { content: box.value } : {}) }
}

async function showActionSheet({ itemList = [], itemColor, alertText = '' }) {
  if (!itemList.length || itemList.length > ACTIONS_MOST) throw new Refusal('parameter error: itemList should have 1 to 6 items')
  const actions = itemList.map((text, index) => ({ text, value: index, color: itemColor }))
  const tapIndex = await dialog({ title: alertText, actions: [...actions, { text: '取消', value: null }], kind: 'bottom list' })
  if (tapIndex === null) throw new Refusal('cancel')
  return { tapIndex }
}

function pageScrollTo({ scrollTop, selector, offsetTop = 0, duration = 300 }) {
  const { component, element } = router.top()
  const target = selector && component.getShadowRoot().querySelector(selector)?.$$ // ids are not in the document
  if (selector && !target) throw new Refusal(`selector "${selector}" is not found`)
  const top = target ? element.scrollTop + target.getBoundingClientRect().top - element.getBoundingClientRect().top + offsetTop : scrollTop
  const calm = duration === 0 || matchMedia('(prefers-reduced-motion: reduce)').matches
  element.scrollTo({ top, behavior: calm ? 'instant' : 'smooth' })
}

export const userInterface = {
  showToast: call('showToast', ({ title, duration = TOAST_MS, mask }) => toast(title, { lasts_ms: duration, mask })),
  hideToast: call('hideToast', hideToast),
  showLoading: call('showLoading', ({ title, mask }) => toast(title, { lasts_ms: 0, mask, busy: true })),
  hideLoading: call('hideLoading', hideToast),
  showModal: call('showModal', showModal),
  showActionSheet: call('showActionSheet', showActionSheet),
  setNavigationBarTitle: call('setNavigationBarTitle', ({ title }) => router.title(title)),
  setTabBarBadge: call('setTabBarBadge', ({ index, text }) => router.badge(index, text)),
  removeTabBarBadge: call('removeTabBarBadge', ({ index }) => router.badge(index, '')),
  pageScrollTo: call('pageScrollTo', pageScrollTo),
  startPullDownRefresh: call('startPullDownRefresh', () => pull.start(router.top())),
  stopPullDownRefresh: call('stopPullDownRefresh', () => pull.stop()),
  ...Object.fromEntries(['navigateTo', 'redirectTo', 'navigateBack', 'switchTab', 'reLaunch'].map((name) => [name, call(name, router[name])])),
}
