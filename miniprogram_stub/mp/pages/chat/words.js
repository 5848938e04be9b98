// A conversation and its messages as the page shows them.
const format = require('../../utils/format')

const PICTURE_PX = 220 // the longer side of a small picture
const RECALL_MS = 120000 // the service decides; this only hides what would be refused
const WHO = { bot: '分诊程序（不是医生）', system: '' }
const STATES = {
  bot: () => ['程序在问您', '它不是医生，不会诊断、开药。随时可以转人工。', ''],
  waiting: (talk) => ['已转给医生，请等一等', waits(talk), 'wait'],
  escalated: (talk) => ['正在请上一级医生来回复', waits(talk), 'wait'],
  open: (talk) => [`${talk.doctor || '医生'}在回复您`, talk.organization || '', ''],
  closed: () => ['这次咨询结束了', '', 'off'],
  rated: () => ['这次咨询结束了', '', 'off'],
}

/** Where it stands in the line, and what to do if it gets worse: the service's words. */
function waits({ queue, organization }) {
  if (!queue) return organization ? `${organization}的医生会回复，有回复会通知您。` : '有回复会通知您。'
  return `${queue.words}${queue.safety_net}`
}

/** `{title, text, tone, human}`: who has it now. */
function status(talk) {
  const [title, text, tone] = STATES[talk.state](talk)
  return { title, text, tone, human: talk.can_ask_for_a_doctor }
}

const name = ({ author, author_name: called, mine }) => {
  if (mine || author === 'resident') return ''
  return author === 'doctor' ? `${called || '医生'}（医生）` : WHO[author]
}

function picture(found) {
  const scale = Math.min(1, PICTURE_PX / Math.max(found.width, found.height))
  return { small: found.thumbnail_url, large: found.url, width: Math.round(found.width * scale), height: Math.round(found.height * scale) }
}

function enclosed(found) {
  if (!found) return {}
  if (found.removed) return { note: '照片或语音已过保存期。' }
  if (found.kind === 'image') return { image: picture(found) }
  return { voice: { url: found.url, seconds: Math.max(1, Math.round(found.duration_ms / 1000)) } }
}

function quoted(found) {
  if (!found) return ''
  const who = found.author === 'resident' ? '我' : found.author === 'doctor' ? '医生' : '程序'
  return `${who}：${found.recalled ? '已撤回' : found.text}`
}

/** How far the doctor's side has got with one's own message. */
function mark(message, talk) {
  if (!message.mine || talk.state === 'bot') return ''
  if (message.seq <= talk.read) return '医生看过'
  return message.seq <= talk.delivered ? '已送到' : '已发出'
}

/** A stored message. `before`: the one above it, for the day that stands between. */
function item(message, talk, before) {
  const on = format.dateOf(message.at)
  const mine = message.mine
  const payload = message.payload || {}
  const shown = {
    key: message.id, id: message.id, seq: message.seq, mine, at: message.at,
    side: message.author === 'system' ? 'middle' : mine ? 'mine' : '',
    who: name(message),
    tone: message.kind === 'emergency' ? 'emergency' : '',
    day: !before || format.dateOf(before.at) !== on ? format.dayAgo(on) : '',
    time: format.clock(message.at),
    mark: mark(message, talk),
    text: message.text,
    gone: message.recalled ? (mine ? '您撤回了一条消息' : '对方撤回了一条消息') : '',
    quote: quoted(message.quoted),
    links: payload.links || [],
    note: message.folded ? '这条可能不合适，医生看到的是折叠的。' : payload.unsigned ? '示例规则，未经医生审核' : '',
    spoken: `${name(message) || '我'}，${format.clock(message.at)}`,
  }
  Object.assign(shown, enclosed(message.attachment))
  shown.deeds = !message.recalled && message.author !== 'system'
  return shown
}

/** What this phone has not got rid of yet. */
function unsent(one) {
  return {
    key: one.client_id, mine: true, side: 'mine', at: one.at, time: format.clock(one.at), text: one.text, failed: one.failed, day: '',
    quote: one.quote || '', links: [], mark: one.failed ? '' : '正在发…', voice: one.kind === 'voice' ? { seconds: one.seconds, url: one.path } : null,
    image: one.kind === 'image' ? { small: one.path, large: one.path, width: PICTURE_PX, height: PICTURE_PX } : null,
    spoken: '我，还没发出', deeds: false,
  }
}

/** What may be tapped instead of writing: only of the last thing that was said to one. */
function offers(messages) {
  const last = [...messages].reverse().find(({ kind, author }) => kind !== 'recall' && author !== 'system')
  if (!last || last.mine || last.author !== 'bot' || last.recalled || !last.payload) return { choices: [], form: null }
  const fields = (last.payload.fields || []).map((field) => Object.assign({}, field, {
    items: (field.choices || []).map(({ id, label }) => ({ value: id, text: label })),
  }))
  return { choices: last.payload.choices || [], form: fields.length ? { fields } : null }
}

const mayRecall = ({ mine, at }, now = Date.now()) => mine && now - Date.parse(at) < RECALL_MS

module.exports = { status, item, unsent, offers, mayRecall }
