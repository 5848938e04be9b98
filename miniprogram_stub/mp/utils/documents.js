// Identity documents, checked on the phone by the same rules as on the server (GB 11643-1999),
// so that a slip of the finger is said at the field and not after a wait.
const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
const CHECKS = '10X98765432'
const OLDEST_YEARS = 130
const ADULT_YEARS = 18

const KINDS = [
  { value: 'resident_id', text: '居民身份证', pattern: /^[1-9]\d{16}[\dX]$/, like: '18 位，最后一位可能是 X' },
  { value: 'passport', text: '护照', pattern: /^[A-Z0-9]{5,17}$/, like: '5 至 17 位字母或数字' },
  { value: 'hk_macao_permit', text: '港澳居民来往内地通行证', pattern: /^[HMC]\d{8,10}$/, like: 'H 或 M 开头，后面 8 至 10 位数字' },
  { value: 'taiwan_permit', text: '台湾居民来往大陆通行证', pattern: /^(\d{8}|\d{10})$/, like: '8 位或 10 位数字' },
  { value: 'residence_permit', text: '外国人永久居留身份证', pattern: /^[A-Z0-9]{15,18}$/, like: '15 至 18 位字母或数字' },
]
const NAME = /^\S(.{0,58}\S)?$/
const PHONE = /^(1[3-9]\d{9}|\+\d{6,15}|0\d{9,11})$/

function kindOf(value) {
  return KINDS.find((kind) => kind.value === value) || KINDS[0]
}

function plain(number) {
  return String(number).normalize('NFKC').replace(/[ -]/g, '').toUpperCase()
}

/** What is wrong with a number, in words; '' when nothing is. `today`: YYYY-MM-DD. */
function faultOfNumber(kind, typed, today) {
  const number = plain(typed)
  const name = kindOf(kind).text
  if (!number) return `请填写${name}号码。`
  if (kind === 'resident_id') return faultOfResidentNumber(number, today)
  return kindOf(kind).pattern.test(number) ? '' : `${name}号码不对：应是${kindOf(kind).like}。`
}

function faultOfResidentNumber(number, today) {
  if (number.length !== 18) return `身份证号码要 18 位，现在是 ${number.length} 位。`
  if (!kindOf('resident_id').pattern.test(number)) return '身份证号码只能有数字，最后一位可能是 X。'
  if (checkCharacter(number) !== number[17]) return '身份证号码里有一位不对，请对照身份证再看一遍。'
  const bornOn = birthOn(number)
  if (!isDay(bornOn)) return '身份证号码里的出生日期不存在，请再看一遍。'
  if (bornOn > today || Number(today.slice(0, 4)) - Number(bornOn.slice(0, 4)) > OLDEST_YEARS) {
    return '身份证号码里的出生日期不可能，请再看一遍。'
  }
  return ''
}

function checkCharacter(number) {
  return CHECKS[WEIGHTS.reduce((sum, weight, i) => sum + weight * Number(number[i]), 0) % 11]
}

function birthOn(number) {
  return `${number.slice(6, 10)}-${number.slice(10, 12)}-${number.slice(12, 14)}`
}

function isDay(day) {
  const [year, month, date] = day.split('-').map(Number)
  const real = new Date(Date.UTC(year, month - 1, date))
  return real.getUTCMonth() === month - 1 && real.getUTCDate() === date
}

/** What a sound resident number says about its owner, or null. */
function read(typed, today) {
  const number = plain(typed)
  if (faultOfResidentNumber(number, today)) return null
  return { birthOn: birthOn(number), sex: Number(number[16]) % 2 ? 'male' : 'female' }
}

function ageOn(bornOn, day) {
  return Number(day.slice(0, 4)) - Number(bornOn.slice(0, 4)) - (day.slice(5) < bornOn.slice(5) ? 1 : 0)
}

function isMinor(bornOn, day) {
  return ageOn(bornOn, day) < ADULT_YEARS
}

/** In groups of six, eight and four, as people read it out and compare it with the card. */
function grouped(typed) {
  const number = plain(typed)
  return [number.slice(0, 6), number.slice(6, 14), number.slice(14)].filter(Boolean).join(' ')
}

module.exports = { KINDS, NAME, PHONE, kindOf, plain, faultOfNumber, read, ageOn, isMinor, grouped }
