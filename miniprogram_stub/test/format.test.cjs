const { phone, mp } = require('./phone.cjs')

let format
let times

beforeEach(() => {
  vi.useFakeTimers({ now: new Date('2026-11-22T16:30:00Z') }) // already the 23rd in China
  phone()
  format = mp('utils/format')
  times = mp('utils/times')
})
afterEach(() => vi.useRealTimers())

test('days are those of China, whatever the phone thinks', () => {
  expect(format.today()).toBe('2026-11-23')
  expect(format.day('2026-11-23')).toBe('今天 11月23日 周一')
  expect(format.day('2026-11-24')).toBe('明天 11月24日 周二')
  expect(format.day('2026-11-25')).toBe('后天 11月25日 周三')
  expect(format.day('2026-11-26')).toBe('11月26日 周四')
  expect(format.day('2027-01-01')).toBe('2027年1月1日 周五')
  expect(format.near('2026-11-22')).toBe('周日')
})

test('clocks too', () => {
  expect(format.span('2026-11-23T23:30:00Z', '2026-11-24T00:00:00Z')).toBe('07:30–08:00')
  expect(format.moment('2026-11-23T23:00:00Z')).toBe('明天 11月24日 07:00')
  expect(format.countdown(65)).toBe('1分05秒')
  expect(format.countdown(23 * 3600 + 65)).toBe('23小时01分')
})

test('opening hours are not torn apart at the end of a line', () => {
  expect(format.hours('每日 08:00-11:30、14:00~17:00，急诊 24 小时')).toBe('每日 08:00\u2060–\u206011:30、14:00\u2060–\u206017:00，急诊 24 小时')
  expect(format.hours('')).toBe('')
})

test.each([
  [{ state: 'open', free: 12 }, '余号 12', 'good'],
  [{ state: 'open', free: 3 }, '仅剩 3 个号', 'wait'],
  [{ state: 'full', free: 0 }, '约满', 'plain'],
  [{ state: 'closed', free: 5 }, '已停止预约', 'plain'],
  [{ state: 'suspended', free: 0 }, '停诊', 'plain'],
  [{ state: 'not_open', free: 9, opens_at: '2026-11-23T23:00:00Z' }, '明天 11月24日 07:00 放号', 'plain'],
  [{ state: 'not_open', free: 9 }, '还没放号', 'plain'],
])('what may be had: %o', (what, text, tone) => {
  expect(format.places(what)).toEqual({ text, tone })
})

test('distances are round', () => {
  expect(format.distance(null)).toBe('')
  expect(format.distance(0.02)).toBe('约 100 米')
  expect(format.distance(0.74)).toBe('约 700 米')
  expect(format.distance(12.34)).toBe('约 12.3 公里')
})

test('a day is worth its best schedule', () => {
  const days = times.days([
    { held_on: '2026-11-25', state: 'full' },
    { held_on: '2026-11-24', state: 'full' },
    { held_on: '2026-11-25', state: 'open' },
    { held_on: '2026-11-26', state: 'not_open' },
  ])
  expect(days.map(({ on, note, open }) => [on, note, open])).toEqual([
    ['2026-11-24', '约满', false], ['2026-11-25', '有号', true], ['2026-11-26', '未放号', false],
  ])
  expect(times.firstDay(days, '2026-11-24')).toBe('2026-11-24')
  expect(times.firstDay(days, '2026-12-01')).toBe('2026-11-25')
  expect(times.firstDay(days.filter(({ open }) => !open), '')).toBe('2026-11-24')
  expect(times.firstDay([], '')).toBe('')
})

test('where the appointment is already can not be chosen again', () => {
  const slot = { id: 'a', state: 'open', free: 2, starts_at: '2026-11-24T00:00:00Z', ends_at: '2026-11-24T00:30:00Z' }
  expect(times.time(slot, 'b')).toMatchObject({ open: true, note: '余号 2' })
  expect(times.time(slot, 'a')).toMatchObject({ open: false, note: '现在的时间' })
})
