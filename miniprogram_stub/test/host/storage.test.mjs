// Storage of one mini-program for one person: what fits, what is told, who sees what.
import { switchOn, until } from './browser.mjs'

const KEPT = { '(scopes)': { 'scope.userFuzzyLocation': true }, '(privacy agreed)': true, token: 't', recent: ['头晕'] }

test('a value comes back as it was, and as a copy', async () => {
  const { wx } = await switchOn()
  const value = { list: [1, { a: '一' }], none: null }
  wx.setStorageSync('value', value)
  value.list.push(2)
  expect(wx.getStorageSync('value')).toEqual({ list: [1, { a: '一' }], none: null })
  expect(wx.getStorageSync('nothing')).toBe('')
  await wx.setStorage({ key: 'other', data: 0 })
  expect(await wx.getStorage({ key: 'other' })).toEqual({ errMsg: 'getStorage:ok', data: 0 })
  await wx.removeStorage({ key: 'other' })
  await expect(wx.getStorage({ key: 'other' })).rejects.toEqual({ errMsg: 'getStorage:fail data not found' })
})

test('a megabyte a value, and no more than there is room for', async () => {
  const { wx } = await switchOn()
  wx.setStorageSync('long', 'x'.repeat(1024 * 1024 - 100))
  expect(() => wx.setStorageSync('long', 'x'.repeat(1024 * 1024))).toThrow('setStorageSync:fail entry size limit reached')
  expect(wx.getStorageSync('long')).toHaveLength(1024 * 1024 - 100)
  await expect(wx.setStorage({ key: 'long', data: 'x'.repeat(1024 * 1024) })).rejects.toEqual({ errMsg: 'setStorage:fail entry size limit reached' })
  const fill = () => { for (let n = 0; n < 12; n += 1) wx.setStorageSync('part' + n, 'x'.repeat(1000000)) }
  expect(fill).toThrow('setStorageSync:fail exceed storage max size 10Mb')
  wx.removeStorageSync('long')
  wx.setStorageSync('small', 'fits')
  expect(wx.getStorageSync('small')).toBe('fits')
})

test.each([[undefined], [''], [7]])('the key %j is refused', async (key) => {
  const { wx } = await switchOn()
  expect(() => wx.setStorageSync(key, 1)).toThrow('setStorageSync:fail')
  expect(wx.getStorageInfoSync().keys).toEqual([])
})

test('what WeChat keeps about the user is not the page’s to list or to clear', async () => {
  const { wx } = await switchOn({ stored: KEPT })
  expect(wx.getStorageInfoSync()).toMatchObject({ keys: ['token', 'recent'], limitSize: 10240 })
  wx.clearStorageSync()
  expect(wx.getStorageInfoSync().keys).toEqual([])
  expect((await wx.getSetting()).authSetting).toEqual(KEPT['(scopes)'])
  expect((await wx.getPrivacySetting()).needAuthorization).toBe(false)
})

test('the phone’s menu forgets all of it, as removing the mini-program does', async () => {
  const { document, window, choose, asks } = await switchOn({ stored: KEPT, simulator: () => ({ messages: [] }) })
  document.getElementById('menu').click()
  await asks()
  await choose('清除这个人的小程序数据')
  await until(() => expect(Object.keys(window.localStorage).filter((name) => name.startsWith('mp/'))).toEqual([]))
})

test('two people on one phone have nothing of each other', async () => {
  const { wx, window } = await switchOn({ stored: { token: 'hers' }, phone: { user: 'li-dashu' } })
  expect(wx.getStorageSync('token')).toBe('')
  wx.setStorageSync('token', 'his')
  wx.clearStorageSync()
  expect(JSON.parse(window.localStorage.getItem('mp/wang-nainai/token')).value).toBe('hers')
})
