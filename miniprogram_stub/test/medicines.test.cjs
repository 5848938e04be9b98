const { phone, open, problem } = require('./phone.cjs')

const PATIENTS = { items: [
  { id: 'p-1', name: '王*兰', relation: 'self', sex: 'female', state: 'active', scope: 'manage', is_default: true },
  { id: 'p-2', name: '李*国', relation: 'spouse', sex: 'male', state: 'active', scope: 'view', is_default: false },
] }
const DOSAGE = {
  version: 2, at: '2026-11-20T04:00:00Z', medicine: '氨氯地平片', amount: '1 片', from_on: '2026-11-20', to_on: '2026-12-17', times: [], when: ['PCM', 'PCV'],
  every_days: 1, weekdays: [], as_needed: false, at_most: '', note: '', words: '1 片，每天 2 次，早饭后、晚饭后', span: '2026年11月20日到12月17日', doctor: '',
}
const plan = (facts, dosage) => Object.assign({
  id: 'm-1', patient_id: 'p-1', state: 'active', written_by: 'self', dosage: Object.assign({}, DOSAGE, dosage), ended_at: null, ended_for: '',
}, facts)
const REMINDERS = '到点提醒还没有开通，请照医嘱按时服药。'
const listed = (...items) => ({ items, reminders: REMINDERS })
const answers = (more) => Object.assign({
  'GET /patients': PATIENTS,
  'GET /patients/p-1/medication-plans': listed(
    plan(), plan({ id: 'm-2', state: 'over', written_by: 'doctor' }, { doctor: '李建国' }), plan({ id: 'm-3', state: 'ended', ended_at: '2026-11-01T04:00:00Z', ended_for: '换了别的药' }),
  ),
  'GET /patients/p-2/medication-plans': listed(),
  'GET /patients/p-1/follow-ups': { items: [{ id: 'f-1', about: '高血压', due_on: '2026-11-20', days_late: 8 }], reminders: '到期提醒还没有开通。' },
  'GET /patients/p-2/follow-ups': { items: [], reminders: '' },
  'GET /medication-plans/m-1': { plan: plan(), before: [Object.assign({}, DOSAGE, { version: 1, words: '半片，每天 1 次，早饭后' })], reminders: REMINDERS },
}, more)
const at = (dataset) => ({ currentTarget: { dataset } })
const type = (shown, name, value) => shown.type({ detail: { name, value } })
const posts = (device) => device.requests.filter(({ method }) => method === 'POST')

describe('the list', () => {
  test('in use, over and ended; by whom; and that nobody is reminded yet', async () => {
    phone({ answers: answers() })
    const { data } = await open('medicines')
    expect([data.patient, data.reminders, data.unsaid]).toEqual(['p-1', REMINDERS, '到期提醒还没有开通。'])
    expect(data.looks.map(({ about, late }) => [about, late])).toEqual([['高血压', 8]])
    expect(data.now.map(({ over, own, by }) => [over, own, by])).toEqual([
      [false, true, '自己或家人写的，没有核对过'], [true, false, '李建国医生写的'],
    ])
    expect(data.ended[0].ended).toContain('停用：换了别的药')
  })

  test('of another person, who may only be looked at', async () => {
    phone({ answers: answers() })
    const shown = await open('medicines', { patient: 'p-2' })
    expect([shown.data.patient, shown.data.able, shown.data.now]).toEqual(['p-2', false, []])
    await shown.pick({ detail: { value: 'p-1' } })
    expect([shown.data.able, shown.data.now.length]).toEqual([true, 2])
  })

  test('nobody to write for', async () => {
    phone({ answers: answers({ 'GET /patients': { items: [] } }) })
    expect((await open('medicines')).data.people).toEqual([])
  })

  test('ending asks why, is sent once, and says what to do if one feels unwell', async () => {
    const device = phone({ answers: answers({ 'POST /medication-plans/m-1/end': plan({ state: 'ended' }) }) })
    const shown = await open('medicines')
    shown.ask(at({ id: 'm-1' }))
    await shown.stop()
    expect(shown.data.fault).toContain('为什么')
    shown.pickReason(at({ value: 'unwell' }))
    await shown.stop()
    expect(posts(device).map(({ body }) => body)).toEqual([{ reason: 'unwell', version: 2 }])
    expect([shown.data.about, shown.data.told]).toEqual([null, true])
  })

  test('a refusal to end is said in its place', async () => {
    phone({ answers: answers({ 'POST /medication-plans/m-1/end': problem(429, 'throttled', { detail: '太快了。' }) }) })
    const shown = await open('medicines')
    shown.ask(at({ id: 'm-1' }))
    shown.pickReason(at({ value: 'finished' }))
    await shown.stop()
    expect([shown.data.fault, shown.data.saving]).toEqual(['太快了。', false])
    shown.close()
    expect(shown.data.about).toBe(null)
  })

  test('what somebody changed or ended meanwhile is shown as it is now, and can be ended', async () => {
    const known = answers({ 'POST /medication-plans/m-1/end': problem(409, 'plan-changed', { version: 3 }) })
    const device = phone({ answers: known })
    const shown = await open('medicines')
    shown.ask(at({ id: 'm-1' }))
    shown.pickReason(at({ value: 'finished' }))
    known['GET /patients/p-1/medication-plans'] = listed(plan({}, { version: 3, words: '2 片，每天 1 次，睡前' }))
    await shown.stop()
    expect(shown.data.fault).toContain('2 片，每天 1 次，睡前')
    known['POST /medication-plans/m-1/end'] = problem(409, 'plan-ended', { detail: '已经停用了。' })
    known['GET /patients/p-1/medication-plans'] = listed(plan({ state: 'ended', ended_at: '2026-11-01T04:00:00Z', ended_for: '疗程结束' }))
    await shown.stop()
    expect(posts(device).map(({ body }) => body.version)).toEqual([2, 3])
    expect([shown.data.about, shown.data.now, shown.data.ended.length]).toEqual([null, [], 1])
  })
})

describe('writing one', () => {
  test('what is missing is said before it is sent; then it is sent as the service wants it', async () => {
    const device = phone({ answers: answers({ 'POST /patients/p-1/medication-plans': plan() }) })
    const shown = await open('medicine', { patient: 'p-1' })
    await shown.submit()
    expect(Object.keys(shown.data.faults)).toEqual(['medicine', 'amount', 'when'])
    type(shown, 'medicine', ' 氨氯地平片 ')
    type(shown, 'amount', '1 片')
    shown.toggle(at({ name: 'when', value: 'PCM' }))
    shown.pickEvery({ detail: { value: 'week' } })
    await shown.submit()
    expect(shown.data.faults.weekdays).toContain('星期几')
    shown.toggle(at({ name: 'weekdays', value: '1' }))
    await shown.submit()
    const [{ body }] = posts(device)
    expect(body).toMatchObject({ medicine: '氨氯地平片', amount: '1 片', when: ['PCM'], weekdays: [1], note: '' })
    expect(body.every_days).toBe(undefined)
    expect(device.called('navigateBack')).toHaveLength(1)
  })

  test('by the clock, as people type it', async () => {
    const device = phone({ answers: answers({ 'POST /patients/p-1/medication-plans': plan() }) })
    const shown = await open('medicine', { patient: 'p-1' })
    type(shown, 'medicine', '二甲双胍片')
    type(shown, 'amount', '1 片')
    shown.pickHow({ detail: { value: 'times' } })
    type(shown, 'times', '早上')
    await shown.submit()
    expect(shown.data.faults.times).toContain('08:00')
    type(shown, 'times', '8：00，20:30')
    shown.pickDay({ currentTarget: { dataset: { name: 'to_on' } }, detail: { value: '2026-12-01' } })
    await shown.submit()
    expect(posts(device)[0].body).toMatchObject({ times: ['08:00', '20:30'], every_days: 1, to_on: '2026-12-01' })
  })

  test('as needed has a limit and no hours; the service names what else is wrong', async () => {
    const device = phone({ answers: answers({ 'POST /patients/p-1/medication-plans': problem(422, 'malformed', { field: 'to_on', detail: '最多 12 周。' }) }) })
    const shown = await open('medicine', { patient: 'p-1' })
    type(shown, 'medicine', '对乙酰氨基酚片')
    type(shown, 'amount', '1 片')
    shown.pickHow({ detail: { value: 'needed' } })
    await shown.submit()
    expect(shown.data.faults.at_most).toContain('最多')
    type(shown, 'at_most', '一天最多 3 次')
    await shown.submit()
    expect(posts(device)[0].body).toMatchObject({ as_needed: true, at_most: '一天最多 3 次' })
    expect(posts(device)[0].body.when).toBe(undefined)
    expect(shown.data.faults).toEqual({ to_on: '最多 12 周。' })
  })

  test('a change shows what stands there, and what somebody else wrote meanwhile', async () => {
    const told = problem(409, 'plan-changed', { version: 5, current: { medicine: '氨氯地平片', how: '2 片，每天 1 次，睡前' } })
    const device = phone({ answers: answers({ 'POST /medication-plans/m-1/change': told }) })
    const shown = await open('medicine', { id: 'm-1' })
    expect(shown.data.when).toEqual({ PCM: true, PCV: true })
    expect(shown.data.before[0].words).toContain('半片')
    type(shown, 'amount', '半片')
    await shown.submit()
    expect(shown.data.refusal.detail).toContain('2 片，每天 1 次，睡前')
    await shown.submit()
    expect(posts(device).map(({ body }) => body.version)).toEqual([2, 5])
  })

  test('every n days, by the clock or as needed, is shown as it was written', async () => {
    for (const [facts, seen] of [
      [{ every_days: 3 }, { every: '3', how: 'meals' }], [{ when: [], times: ['08:00'] }, { every: '1', how: 'times' }],
      [{ when: [], as_needed: true, at_most: '一天 3 次' }, { every: '1', how: 'needed' }], [{ weekdays: [1, 5] }, { every: 'week', how: 'meals' }],
    ]) {
      phone({ answers: answers({ 'GET /medication-plans/m-1': { plan: plan({}, facts), before: [], reminders: REMINDERS } }) })
      const { data } = await open('medicine', { id: 'm-1' })
      expect({ every: data.every, how: data.how }).toEqual(seen)
      expect(data.everies.some(({ value }) => value === data.every)).toBe(true)
    }
  })
})
