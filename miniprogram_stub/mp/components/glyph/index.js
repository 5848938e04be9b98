// Decoration: whatever it means is also said in words beside it.
Component({
  properties: { name: String },
})
