// WeChat's question whether reminders may be sent. One yes is one message, so it is asked again on
// each tap that books. Whatever happens here never stands in the way of a booking.
const api = require('./api')

const TEMPLATES_MOST = 3 // what WeChat asks about at once

/** What to ask about, and in words what may still be sent; null when nothing is to be asked. */
function find() {
  return api.get('/me/subscriptions').then(({ items }) => {
    const asked = items.slice(0, TEMPLATES_MOST)
    if (!asked.length) return null
    const left = asked.reduce((sum, item) => sum + item.left, 0)
    const now = left ? `现在还能收到 ${left} 条微信提醒。` : ''
    return {
      ids: asked.map((item) => item.template_id),
      text: `${now}点下面的按钮时,微信会问要不要提醒您看病,点“允许”可以多收一次。不允许也能预约。`,
    }
  }).catch(() => null)
}

/** Must be called straight from a tap. Resolves whatever the answer is. */
function ask(prompts) {
  if (!prompts) return Promise.resolve()
  return new Promise((resolve) => {
    wx.requestSubscribeMessage({ tmplIds: prompts.ids, complete: () => resolve() })
  })
}

module.exports = { find, ask }
