// Which of the entries that are shown are chosen, and at which one the keys are.
import type { entry } from '../server/api'

export class selection {
  names = $state.raw<ReadonlySet<string>>(new Set())
  active = $state(0) // an index of what is shown
  #anchor = 0
  readonly entries: entry[] = $derived.by(() => this.shown().filter((each) => this.names.has(each.name)))

  constructor(readonly shown: () => entry[]) {}

  choose(names: Iterable<string>) {
    this.names = new Set(names)
  }
  all() {
    this.choose(this.shown().map((each) => each.name))
  }
  none() {
    this.choose([])
  }
  get is_all() {
    return this.entries.length > 0 && this.entries.length === this.shown().length
  }

  pick(index: number, how: { range?: boolean; add?: boolean } = {}) {
    const what = this.shown()[index]
    if (!what) return
    if (how.range) {
      const [from, to] = [Math.min(this.#anchor, index), Math.max(this.#anchor, index)]
      this.choose([...this.names, ...this.shown().slice(from, to + 1).map((each) => each.name)])
    } else if (how.add) {
      const rest = new Set(this.names)
      if (!rest.delete(what.name)) rest.add(what.name)
      this.names = rest
      this.#anchor = index
    }
    this.active = index
  }

  // `chooses`: and all between.
  move(index: number, chooses: boolean) {
    const to = Math.min(this.shown().length - 1, Math.max(0, index))
    if (chooses) return this.pick(to, { range: true })
    this.active = to
    this.#anchor = to
  }

  // What is shown became less.
  keep_inside() {
    if (this.active >= this.shown().length) this.active = Math.max(0, this.shown().length - 1)
  }
}
