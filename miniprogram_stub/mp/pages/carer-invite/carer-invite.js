const page = require('../../utils/page')

page({
  data: { loading: false },
})
