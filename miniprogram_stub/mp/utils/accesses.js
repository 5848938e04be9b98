// Who read a record, as its page shows it: what one person did several times a day is said once.
const format = require('./format')
const people = require('./people')

const WHO = {
  me: '您自己', asking: '申请代办的人', invited: '收到邀请的人', former: '以前的代办家属', staff: '医院工作人员', operator: '系统管理员', system: '系统自动',
}

const whoIs = ({ who, relation }) => (who === 'carer' ? `家人（${people.carerIs(relation)}）` : WHO[who])

/** `shown` with more rows of the API at its end. */
function joined(shown, items) {
  const all = shown.slice()
  items.forEach((item) => {
    const row = { id: item.id, who: whoIs(item), what: item.words, day: format.dayAgo(format.dateOf(item.at)), time: format.clock(item.at), times: 1 }
    const last = all[all.length - 1]
    const same = last && last.day === row.day && last.who === row.who && last.what === row.what
    if (same) all[all.length - 1] = Object.assign({}, last, { times: last.times + 1, first: row.time })
    else all.push(row)
  })
  return all.map((row) => Object.assign(row, { when: row.first && row.first !== row.time ? `${row.first}–${row.time}` : row.time }))
}

module.exports = { joined }
