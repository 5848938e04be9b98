const { phone, mp } = require('./phone.cjs')

const TODAY = '2026-11-22'
const GRANDMA = '330000195403120285'
const CHILD = { id_kind: 'passport', id_number: 'E12345678', birth_on: '2020-01-02', name: '王小宝' }
let registration

beforeEach(() => {
  phone()
  registration = mp('utils/registration')
})

const form = (facts) => Object.assign({}, registration.EMPTY, {
  relation: 'child', name: '王桂兰', id_number: GRANDMA, agreed: true,
}, facts)
const faults = (facts, self = 'adult') => registration.faults(form(facts), self, TODAY)
const childWith = (facts) => Object.assign({}, CHILD, facts)

test('a whole form has no fault, an empty one has one at each field', () => {
  expect(faults({})).toEqual({})
  expect(Object.keys(registration.faults(registration.EMPTY, 'none', TODAY))).toEqual(['relation', 'name', 'id_number', 'agreed'])
})

test('the body has nothing empty and nothing that the number says', () => {
  expect(registration.body(form({ name: '王 桂兰 ', id_number: '330000 19540312 0285', birth_on: '2001-01-01', sex: 'male' }))).toEqual({
    relation: 'child', name: '王桂兰', id_kind: 'resident_id', id_number: GRANDMA, agreed: true,
  })
  expect(registration.body(form(childWith({ sex: 'male', phone: ' 13800001234 ' })))).toEqual({
    relation: 'child', name: '王小宝', id_kind: 'passport', id_number: 'E12345678', birth_on: '2020-01-02', sex: 'male', phone: '13800001234', agreed: true,
  })
})

test('a foreign name keeps its spaces', () => {
  expect(registration.body(form({ name: ' Anna  Lee ' })).name).toBe('Anna  Lee')
})

test('a passport does not say when its owner was born', () => {
  expect(faults({ id_kind: 'passport', id_number: 'E12345678' })).toHaveProperty('birth_on')
})

test('a minor needs a guardian who has given their own name', () => {
  expect(faults(childWith({ relation: 'parent' }))).toEqual({})
  expect(faults(childWith({ relation: 'parent' }), 'none').relation).toContain('先添加您本人')
  expect(faults(childWith({ relation: 'parent' }), 'minor').relation).toContain('请家长')
  expect(faults(childWith({ relation: 'spouse' })).relation).toContain('家长')
  expect(faults(childWith({ relation: 'self' }), 'none').relation).toContain('不能自己添加')
})

test('oneself is added once', () => {
  expect(faults({ relation: 'self' }, 'none')).toEqual({})
  expect(faults({ relation: 'self' }, 'adult').relation).toContain('已经添加过')
})

test('a phone may be left out, but not be wrong', () => {
  expect(faults({ phone: '' })).toEqual({})
  expect(faults({ phone: '12' })).toHaveProperty('phone')
})
