// Words for who is who. The API's `relation` says what the account's owner is to the patient;
// people think the other way round ("she is my mother"), so both directions stand here.
const documents = require('./documents')
const format = require('./format')

const RELATIONS = [
  { value: 'self', patient: '本人', carer: '本人' },
  { value: 'child', patient: '父亲或母亲', he: '父亲', she: '母亲', carer: '子女' },
  { value: 'parent', patient: '儿子或女儿', he: '儿子', she: '女儿', carer: '父母' },
  { value: 'spouse', patient: '丈夫或妻子', he: '丈夫', she: '妻子', carer: '配偶' },
  { value: 'grandchild', patient: '爷爷奶奶、外公外婆', carer: '孙辈' },
  { value: 'grandparent', patient: '孙子女、外孙子女', carer: '祖父母' },
  { value: 'sibling', patient: '兄弟姐妹', carer: '兄弟姐妹' },
  { value: 'other', patient: '其他亲友', carer: '其他亲友' },
]
const GUARDIANS = ['parent', 'grandparent', 'sibling', 'other'] // what an adult may be to a minor
const SEXES = { male: '男', female: '女' }
const SCOPES = [
  { value: 'view', text: '只能看', says: '看资料和预约，不能办事' },
  { value: 'book', text: '能看、能预约', says: '还能预约、改约、取消' },
  { value: 'manage', text: '全部都能办', says: '还能改手机号、请别的家人帮忙' },
]
const LASTING = [
  { value: '', text: '一直有效' },
  { value: '30', text: '30 天' },
  { value: '180', text: '半年' },
  { value: '365', text: '一年' },
]
const DAY_MS = 24 * 3600 * 1000

const relationOf = (value) => RELATIONS.find((relation) => relation.value === value)

/** What the patient is to the account's owner: 本人, 母亲 … */
function patientIs(value, sex) {
  const relation = relationOf(value)
  return (sex === 'male' && relation.he) || (sex === 'female' && relation.she) || relation.patient
}

/** What a carer is to the patient: 子女, 配偶 … */
const carerIs = (value) => relationOf(value).carer

const scopeOf = (value) => SCOPES.find((scope) => scope.value === value)

/** When care ends that lasts `days` from now, as the API wants it; '' is without an end. */
const endsIn = (days) => (days ? new Date(Date.now() + Number(days) * DAY_MS).toISOString() : null)

const dated = (date) => `${date.slice(0, 4)}年${format.monthDay(date)}`

const until = (instant) => (instant ? `到 ${dated(format.dateOf(instant))}为止` : '一直有效')

/** A patient of the API as lists and pages show them. */
function patient(found) {
  const active = found.state === 'active'
  const age = active ? `${documents.ageOn(found.birth_on, format.today())} 岁` : ''
  return {
    id: found.id,
    name: found.name,
    active,
    relation: patientIs(found.relation, found.sex),
    facts: [SEXES[found.sex], age].filter(Boolean).join(' · '),
    document: active ? documents.kindOf(found.id_kind).text : '',
    number: active ? shortened(found.id_number) : '',
    phone: found.phone || '',
    born: active ? dated(found.birth_on) : '',
    relationIs: found.relation,
    minor: found.minor,
    isDefault: found.is_default,
    manages: found.scope === 'manage',
    scope: scopeOf(found.scope).text,
    until: until(found.expires_at),
    ends: Boolean(found.expires_at),
    doctor: found.family_doctor || null,
  }
}

/** `3****5`: the service shows no more of it than its ends. */
const shortened = (masked) => `${masked[0]}****${masked.slice(-1)}`

/** Someone who cares, or asks to, as the person's page shows them. */
function carer(found) {
  const who = carerIs(found.relation)
  return {
    id: found.id,
    who,
    // Only of those who ask, and masked: a carer is known by what they are to the patient.
    name: found.name || '',
    called: found.name || `这位“${who}”`,
    value: found.scope,
    scope: scopeOf(found.scope).text,
    says: scopeOf(found.scope).says,
    until: until(found.expires_at),
    ends: found.expires_at,
    since: format.monthDay(format.dateOf(found.created_at)),
    mine: found.mine,
    // The patient's own account cannot be shown out by others.
    own: found.relation === 'self' && found.scope === 'manage' && found.state === 'active',
  }
}

/** What an invitation offers, before anybody accepts it. */
function offer(found) {
  const own = found.inviter_relation === 'self'
  const carer = `${found.patient}的${carerIs(found.inviter_relation)}`
  return {
    patient: found.patient,
    inviter: own ? `${found.inviter || found.patient}（本人）` : found.inviter ? `${found.inviter}（${carer}）` : carer,
    scope: scopeOf(found.scope).text,
    until: until(found.care_expires_at),
    expires: format.moment(found.expires_at),
  }
}

/** An invitation that nobody has used yet, as the person's page shows it. */
const invitation = (found) => ({
  id: found.id,
  scope: scopeOf(found.scope).text,
  until: until(found.care_expires_at),
  since: format.moment(found.created_at),
  expires: format.moment(found.expires_at),
  mine: found.mine,
})

module.exports = { RELATIONS, GUARDIANS, SEXES, SCOPES, LASTING, patientIs, carerIs, scopeOf, endsIn, dated, shortened, patient, carer, offer, invitation }
