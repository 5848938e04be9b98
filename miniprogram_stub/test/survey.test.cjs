const { phone, open, problem, tap } = require('./phone.cjs')

const option = (letter) => ({ letter, label: letter })
const SURVEY = {
  official: false, reviewed: false, answer_days: 14, comment: { ask: '还想说点什么？', hint: '', most: 300 },
  questions: ['one', 'two'].map((id) => ({ id, dimension: '医生沟通', ask: `${id}？`, options: ['E', 'A', 'na'].map(option) })),
}
const visit = (id, answered = false) => ({
  appointment_id: id, patient: { id: 'p-1', name: '王**' }, organization: '青石镇卫生院', department: '全科', practitioner: null,
  held_on: '2026-11-22', starts_at: '2026-11-22T01:00:00Z', answered,
})
const told = (visits, more) => Object.assign({ 'GET /surveys': { survey: SURVEY, visits } }, more)
const ANSWERED = { status: 201, data: { appointment_id: 'a-1', anonymous: true } }
const picked = (index, value) => tap({ index }, { value })

describe('what is shown first', () => {
  test.each([
    ['nothing to answer', [], {}, 'none'],
    ['the only one', [visit('a-1')], {}, 'form'],
    ['which of several', [visit('a-1'), visit('a-2')], {}, 'which'],
    ['only those that are open', [visit('a-1', true), visit('a-2')], {}, 'form'],
    ['the one that was asked for', [visit('a-1'), visit('a-2')], { id: 'a-2' }, 'form'],
    ['answered before', [visit('a-1', true)], { id: 'a-1' }, 'answered'],
    ['too late', [visit('a-1')], { id: 'a-9' }, 'closed'],
  ])('%s', async (_, visits, query, stage) => {
    phone({ answers: told(visits) })
    const { data } = await open('survey', query)
    expect([data.stage, data.note]).toEqual([stage, '这份问卷是示例，题目是我们自己写的，不是国家统一的问卷。'])
    if (query.id === 'a-2') expect(data.visit.id).toBe('a-2')
  })
})

describe('answering', () => {
  test('one question after the other, then whether it is meant, then once', async () => {
    const device = phone({ answers: told([visit('a-1'), visit('a-2')], { 'POST /survey-responses': ANSWERED }) })
    const shown = await open('survey')
    shown.pick(tap({ id: 'a-1' }))
    shown.choose(picked(0, 'E'))
    expect([shown.data.done, shown.data.anonymous]).toEqual([1, true])
    shown.ask()
    expect([shown.data.asking, shown.data.questions[1].missed]).toEqual([false, true])
    expect(device.called('pageScrollTo')[0].selector).toBe('#q-two')
    shown.choose(picked(1, 'na'))
    shown.type({ detail: { value: ' 挺好 ' } })
    shown.ask()
    expect([shown.data.asking, shown.data.questions[1].missed]).toEqual([true, false])
    await shown.submit()
    const [post] = device.requests.filter(({ method }) => method === 'POST')
    expect(post.body).toEqual({ appointment_id: 'a-1', anonymous: true, answers: { one: 'E', two: 'na' }, comment: '挺好' })
    expect([shown.data.stage, shown.data.questions, shown.data.comment]).toEqual(['thanks', [], ''])
    shown.goOn()
    expect([shown.data.stage, shown.data.visit.id]).toEqual(['form', 'a-2'])
  })

  test('with a name if one wants', async () => {
    const device = phone({ answers: told([visit('a-1')], { 'POST /survey-responses': ANSWERED }) })
    const shown = await open('survey')
    shown.choose(picked(0, 'E'))
    shown.choose(picked(1, 'E'))
    shown.name(tap({ anonymous: false }))
    await shown.submit()
    expect(device.requests.pop().body.anonymous).toBe(false)
    shown.goOn()
    expect(device.called('switchTab')[0].url).toBe('/pages/appointments/appointments')
  })

  test('a refusal loses nothing, and the same goes out under the same key', async () => {
    const answers = told([visit('a-1')], { 'POST /survey-responses': 'offline' })
    const device = phone({ answers })
    const shown = await open('survey')
    shown.choose(picked(0, 'E'))
    shown.choose(picked(1, 'A'))
    shown.type({ detail: { value: '话还在' } })
    shown.ask()
    await shown.submit()
    expect([shown.data.stage, shown.data.asking, shown.data.busy]).toEqual(['form', true, false])
    expect(shown.data.refusal.again).toBe(true)
    expect([shown.data.comment, shown.data.questions[1].value]).toEqual(['话还在', 'A'])
    answers['POST /survey-responses'] = ANSWERED
    await shown.submit()
    const keys = new Set(device.requests.filter(({ method }) => method === 'POST').map(({ key }) => key))
    expect([shown.data.stage, keys.size]).toEqual(['thanks', 1])
  })

  test('what a relative has sent meanwhile is thanked for', async () => {
    phone({ answers: told([visit('a-1')], { 'POST /survey-responses': problem(409, 'already-answered') }) })
    const shown = await open('survey')
    shown.choose(picked(0, 'E'))
    shown.choose(picked(1, 'A'))
    await shown.submit()
    expect(shown.data.stage).toBe('answered')
  })
})

test('an appointment leads here once it is over, as the service says, and says what was answered', async () => {
  const shown = async (status, held_on, survey) => {
    phone({ answers: { 'GET /appointments/a-1': Object.assign(APPOINTMENT, { status, held_on, survey }) } })
    return (await open('appointment', { id: 'a-1' })).data.survey
  }
  const day = (ago) => new Date(Date.now() + 8 * 3600e3 - ago * 86400e3).toISOString().slice(0, 10)
  expect(await shown('fulfilled', day(1), 'open')).toBe('open')
  expect(await shown('called', day(1), 'open')).toBe('open')
  expect(await shown('fulfilled', day(1), 'answered')).toBe('answered')
  expect(await shown('fulfilled', day(15), null)).toBe('')
  expect(await shown('checked_in', day(0), 'open')).toBe('') // waits still
})

const APPOINTMENT = {
  id: 'a-1', patient: { name: '王**' }, organization: {}, department: {}, starts_at: '2026-11-22T01:00:00Z',
  ends_at: '2026-11-22T01:30:00Z', cancelling: { free_until: '2026-11-21T09:00:00Z' },
}
