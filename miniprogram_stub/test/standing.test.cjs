const { phone, open, problem, tap, mp } = require('./phone.cjs')

const COUNTED = {
  appointment_id: 'a-1', kind: 'no_show', at: '2026-11-20T04:00:00Z', starts_at: '2026-11-20T01:00:00Z',
  organization: '县医院', department: '心内科', appeal_until: '2026-12-20T04:00:00Z', appeal_state: null,
}
const STANDING = {
  rule_lines: ['规则一。', '规则二。'], counted: [COUNTED, Object.assign({}, COUNTED, { appointment_id: 'a-2', appeal_until: null, appeal_state: 'refused' })],
  restriction: { cause: 'no_shows', from_at: '2026-11-20T04:00:00Z', until: '2027-02-18T04:00:00Z' },
}
const APPEAL = {
  id: 'x-1', patient: { id: 'p-1' }, organization: '县医院', department: '心内科', starts_at: '2026-11-19T01:00:00Z',
  reason: '住院', state: 'refused', due_at: '2026-11-27T09:30:00Z', decision: '没有证明',
}
const answers = (more) => Object.assign({
  'GET /patients/p-1/standing': STANDING,
  'GET /appeals': { items: [APPEAL, Object.assign({}, APPEAL, { id: 'x-2', patient: { id: 'p-2' } })] },
}, more)
const event = (id) => ({ currentTarget: { dataset: { id } } })

describe('the record', () => {
  test('the rule, what counts, what can be appealed, and what was decided', async () => {
    phone({ answers: answers() })
    const { data } = await open('standing', { id: 'p-1' })
    expect(data.rules).toEqual(['规则一。', '规则二。'])
    expect(data.lines.map(({ until, state }) => [Boolean(until), state])).toEqual([[true, ''], [false, '申诉没有通过']])
    expect(data.appeals.map(({ answer }) => answer)).toEqual(['医院的答复：没有证明'])
    expect(data.why).toBe('因为爽约次数多了')
    expect(data.barred).toContain('2月18日')
  })

  test('an appeal needs a reason and is sent once under its key', async () => {
    const device = phone({ answers: answers({ 'POST /appointments/a-1/appeal': APPEAL }) })
    const shown = await open('standing', { id: 'p-1' })
    shown.start(event('a-1'))
    shown.type({ detail: { value: ' ' } })
    await shown.appeal()
    expect(shown.data.fault).toContain('为什么')
    shown.type({ detail: { value: '当天住院了 ' } })
    await shown.appeal()
    const posts = device.requests.filter(({ method }) => method === 'POST')
    expect(posts.map(({ body }) => body)).toEqual([{ reason: '当天住院了' }])
    expect(shown.data.about).toBe(null)
  })

  test('a refusal is said in its place', async () => {
    phone({ answers: answers({ 'POST /appointments/a-1/appeal': problem(409, 'appeal-too-late', { detail: '只能在 30 天内申诉。' }) }) })
    const shown = await open('standing', { id: 'p-1' })
    shown.start(event('a-1'))
    shown.type({ detail: { value: '住院' } })
    await shown.appeal()
    expect([shown.data.fault, shown.data.saving]).toEqual(['只能在 30 天内申诉。', false])
  })

  test('a restriction leads here', () => {
    phone()
    const { refusal } = mp('utils/ways')
    expect(refusal({ code: 'expert-restricted', patient_id: 'p-1' }).why).toBe('/pages/standing/standing?id=p-1')
    expect(refusal({ code: 'slot-full' }).why).toBe(undefined)
  })
})
