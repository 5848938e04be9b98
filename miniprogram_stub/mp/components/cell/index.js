// A row of a list. With `url` it leads to a page (`tab`: to one of the tab bar), with `press` it is
// a button whose `tap` the page hears; without either it only tells.
Component({
  properties: {
    icon: String,
    title: String,
    note: String,
    value: String,
    url: String,
    tab: Boolean,
    press: Boolean,
  },
})
