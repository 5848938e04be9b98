// Where this county's service is: the only address in the mini-program. WeChat wants it in the
// list of allowed domains; a browser asks whoever served the page.
module.exports = { site: 'https://jiamenkou.example' }
