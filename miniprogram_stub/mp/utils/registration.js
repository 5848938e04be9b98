// Adding a 就诊人: what is wrong with the form, before it is sent and in the words of its fields.
const documents = require('./documents')
const people = require('./people')

const EMPTY = {
  relation: '', name: '', id_kind: 'resident_id', id_number: '', birth_on: '', sex: '', phone: '', agreed: false,
}
const NAMES = { relation: '是您的谁', name: '姓名', id_number: '证件号码', birth_on: '出生日期', phone: '电话', agreed: '同意说明' }
const HAN = /[\u3400-\u9fff]/

/** Chinese names have no spaces, whatever a keyboard adds. */
const tidy = (name) => (HAN.test(name) ? name.replace(/\s/g, '') : name.trim())

/** What the document says about its owner, as far as it is known: {birthOn, sex} or null. */
function owner(form, today) {
  if (form.id_kind === 'resident_id') return documents.read(form.id_number, today)
  return form.birth_on ? { birthOn: form.birth_on, sex: form.sex } : null
}

/** Field → what is wrong. `self`: 'none', 'adult' or 'minor', what the account's own person is. */
function faults(form, self, today) {
  const known = owner(form, today)
  const minor = Boolean(known) && documents.isMinor(known.birthOn, today)
  return filled({
    relation: faultOfRelation(form.relation, self, minor),
    name: documents.NAME.test(tidy(form.name)) ? '' : '请填写证件上的姓名。',
    id_number: documents.faultOfNumber(form.id_kind, form.id_number, today),
    birth_on: form.id_kind !== 'resident_id' && !form.birth_on ? '请填写证件上的出生日期。' : '',
    phone: !form.phone || documents.PHONE.test(form.phone.trim()) ? '' : '手机号要 11 位，座机请带区号。不填也可以。',
    agreed: form.agreed ? '' : '请先看说明，同意后打上勾。',
  })
}

function faultOfRelation(relation, self, minor) {
  if (!relation) return '请选一下，要看病的人是您的谁。'
  if (relation === 'self' && self !== 'none') return '“本人”已经添加过了，请选别的。'
  if (!minor) return ''
  if (relation === 'self') return '未满 18 岁不能自己添加，请家长用自己的手机添加您。'
  if (!people.GUARDIANS.includes(relation)) return '未满 18 岁要由家长添加，请重新选您和孩子的关系。'
  if (self === 'none') return '添加孩子之前，请先添加您本人。'
  return self === 'minor' ? '未满 18 岁不能添加别的孩子，请家长来添加。' : ''
}

function filled(found) {
  return Object.keys(found).filter((field) => found[field])
    .reduce((kept, field) => Object.assign(kept, { [field]: found[field] }), {})
}

/** The request's body: nothing empty, and nothing that the document says by itself. */
function body(form) {
  const read = form.id_kind === 'resident_id'
  return filled({
    name: tidy(form.name),
    id_kind: form.id_kind,
    id_number: documents.plain(form.id_number),
    relation: form.relation,
    agreed: form.agreed,
    phone: form.phone.trim(),
    birth_on: read ? '' : form.birth_on,
    sex: read ? '' : form.sex,
  })
}

module.exports = { EMPTY, NAMES, owner, faults, body }
