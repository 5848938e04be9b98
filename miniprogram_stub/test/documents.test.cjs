const { phone, mp } = require('./phone.cjs')

const TODAY = '2026-11-22'
let documents

beforeEach(() => {
  phone()
  documents = mp('utils/documents')
})

const fault = (number, kind = 'resident_id') => documents.faultOfNumber(kind, number, TODAY)
const withCheck = (first) => '0123456789X'.split('').map((last) => first + last)
  .find((number) => !fault(number).includes('有一位不对'))

test('a sound number is read: birth date and sex', () => {
  expect(fault('330000195403120285')).toBe('')
  expect(documents.read('330000195403120285', TODAY)).toEqual({ birthOn: '1954-03-12', sex: 'female' })
  expect(documents.read(withCheck('33000019540312027'), TODAY)).toEqual({ birthOn: '1954-03-12', sex: 'male' })
  expect(documents.read('330000195403120286', TODAY)).toBe(null)
})

test('every check character of the standard, as the server reckons it', () => {
  for (const number of [
    '330000195403120031', '330000195403120090', '33000019540312004X', '330000195403120189', '330000195403120058', '330000195403120007',
    '330000195403120066', '330000195403120015', '330000195403120074', '330000195403120023', '330000195403120082',
  ]) expect(fault(number), number).toBe('')
})

test('spaces, full-width digits and a small x are what people type', () => {
  expect(documents.plain('33000019540312 028x')).toBe('33000019540312028X')
  expect(documents.plain('３３００００ 19540312-0285')).toBe('330000195403120285')
})

test('every single wrong digit is noticed', () => {
  const good = '330000195403120285'
  for (let at = 0; at < 18; at += 1) {
    for (const digit of '0123456789') {
      if (digit === good[at]) continue
      expect(fault(good.slice(0, at) + digit + good.slice(at + 1)), `${at} ${digit}`).not.toBe('')
    }
  }
})

test('two neighbours exchanged are noticed', () => {
  const good = '330000195403120285'
  for (let at = 0; at < 17; at += 1) {
    if (good[at] === good[at + 1]) continue
    expect(fault(good.slice(0, at) + good[at + 1] + good[at] + good.slice(at + 2))).not.toBe('')
  }
})

test('what is wrong is said in words', () => {
  expect(fault('')).toContain('请填写')
  expect(fault('3300001954')).toContain('现在是 10 位')
  expect(fault('33000019540312028Y')).toContain('只能有数字')
  expect(fault(withCheck('33000019540230028'))).toContain('出生日期不存在')
  expect(fault(withCheck('33000020270101028'))).toContain('不可能')
  expect(fault(withCheck('33000018900101028'))).toContain('不可能')
})

test('other documents by their own form', () => {
  for (const [kind, good, bad] of [
    ['passport', 'E12345678', 'E1'],
    ['hk_macao_permit', 'H12345678', 'X12345678'],
    ['taiwan_permit', '12345678', '123456789'],
    ['residence_permit', '911124198108030024', '123'],
  ]) {
    expect(fault(good, kind), kind).toBe('')
    expect(fault(bad, kind), kind).toContain(documents.kindOf(kind).text)
  }
})

test('ages are whole years', () => {
  expect(documents.ageOn('2008-11-22', TODAY)).toBe(18)
  expect(documents.ageOn('2008-11-23', TODAY)).toBe(17)
  expect(documents.isMinor('2008-11-23', TODAY)).toBe(true)
  expect(documents.isMinor('2008-11-22', TODAY)).toBe(false)
})

test('numbers that people call', () => {
  for (const good of ['13800001234', '05008600001', '+85212345678']) expect(documents.PHONE.test(good), good).toBe(true)
  for (const bad of ['1380000123', '12345678901', '8600001', '']) expect(documents.PHONE.test(bad), bad).toBe(false)
})
