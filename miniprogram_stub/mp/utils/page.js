// A page with what all of ours share: the mode in its data, and one way to load and to fail.
const mode = require('./mode')
const ways = require('./ways')

/**
 * Like `Page`. `data` has `elder`, `size`, `scale`, and for the component `state`: `loading`, and
 * `problem` (null when all is well). A page that does something has `refusal` and flags as `busy` in
 * its data; what else a refusal means there is its own `refuse`.
 */
module.exports = function page(definition) {
  const { onLoad, onUnload } = definition
  Page(Object.assign({
    refuse(problem) {
      this.setData({ refusal: ways.refusal(problem) })
    },
  }, definition, {
    data: Object.assign({ loading: true, problem: null }, mode.now(), definition.data),

    onLoad(query) {
      this.setData(mode.now())
      this.stopListening = mode.listen((now) => this.setData(now))
      if (onLoad) return onLoad.call(this, query)
    },

    onUnload() {
      this.stopListening()
      this.gone = true
      if (onUnload) onUnload.call(this)
    },

    /** Bring it into view; whoever has left the page meanwhile is left alone. */
    reveal(selector) {
      wx.pageScrollTo({ selector, offsetTop: -16, duration: 200, fail() {} })
    },

    /**
     * One thing at a time for each `flag` of the data, which is `mark` meanwhile. A refusal stays on
     * the page with its way on; whoever has left is told nothing.
     */
    async during(flag, work, mark = true) {
      if (this.data[flag]) return
      this.setData({ [flag]: mark, refusal: null })
      try {
        await work()
      } catch (problem) {
        if (!this.gone || !problem.code) await this.refuse(problem)
      } finally {
        if (!this.gone) this.setData({ [flag]: mark === true ? false : '' })
      }
    },

    /**
     * Show what `work` resolves to, or the problem. What is already on the page stays there while
     * it is loaded again; in a problem's place comes the skeleton, not an empty list. Of two that
     * overlap, the later one counts.
     */
    show(work) {
      const turn = (this.turn = (this.turn || 0) + 1)
      const late = () => this.gone || turn !== this.turn
      this.setData(this.data.problem ? { problem: null, loading: true } : { problem: null })
      return Promise.resolve().then(() => work.call(this)).then(
        (found) => { if (!late()) this.setData(Object.assign({ loading: false }, found)) },
        (problem) => {
          if (!problem.code) throw problem // not the service's: a fault of ours
          if (!late()) this.setData({ loading: false, problem: problem.plain() })
        },
      )
    },
  }))
}
