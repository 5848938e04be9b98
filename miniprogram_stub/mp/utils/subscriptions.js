// WeChat's question whether reminders may be sent. One yes is one message, so it is asked on each
// tap that books. Whatever happens here never stands in the way of a booking.
const api = require('./api')

const TEMPLATES_MOST = 3 // what WeChat asks about at once
const ANSWERS = ['accept', 'reject', 'ban', 'filter']
const EXPLAINED = '点下面的按钮时，微信会问要不要提醒您看病。点“允许”，就能多收几次；不允许也能预约。'

function counted(items) {
  const left = items.reduce((sum, item) => sum + item.remaining, 0)
  return `现在还能收到 ${left} 条微信提醒。`
}

/** What to ask about, and what to say before; null when there is nothing to ask. */
function find() {
  return api.get('/me/subscriptions').then(({ items }) => {
    if (!items.length) return null
    return {
      ids: items.slice(0, TEMPLATES_MOST).map((item) => item.template_id),
      text: counted(items) + EXPLAINED,
    }
  }).catch(() => null)
}

/** Must be called straight from a tap. Resolves to WeChat's answer, whatever it is. */
function ask(prompts) {
  if (!prompts) return Promise.resolve({})
  return new Promise((resolve) => {
    wx.requestSubscribeMessage({ tmplIds: prompts.ids, complete: resolve })
  })
}

/** Tell the service. Resolves to how many reminders may come now, in words; '' if unknown. */
function report(answers) {
  const items = Object.keys(answers)
    .filter((id) => ANSWERS.indexOf(answers[id]) >= 0)
    .map((id) => ({ template_id: id, result: answers[id] }))
  if (!items.length) return Promise.resolve('')
  return api.deed()('/me/subscriptions', { items }).then((found) => counted(found.items)).catch(() => '')
}

module.exports = { find, ask, report }
