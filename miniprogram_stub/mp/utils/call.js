// A call with one tap. Leaving WeChat's own question without calling is no failure.
module.exports = (phoneNumber) => wx.makePhoneCall({ phoneNumber, fail() {} })
