// One folder as it is now: listed, and kept up with what happens in it.
import { failure, folder_of, join, list_folder, words_of, type entry } from '../server/api'
import { live, type folder_news } from '../server/live.svelte'

export interface arriving {
  path: string
  name: string
  size: number | null
  durable: number
}

export class folder {
  entries = $state.raw<entry[]>([])
  arriving = $state.raw<arriving[]>([])
  state = $state<'loading' | 'there' | 'gone' | 'failed'>('loading')
  trouble = $state('')
  #stop: AbortController | null = null
  #unwatch: () => void
  #by_name = new Map<string, entry>()
  #uploads = new Map<number, arriving>()
  #drawing = false
  #drawn_at = -1000

  constructor(readonly path: string) {
    // Watch first, then list: so nothing is missed between the two.
    this.#unwatch = live.watch(path, (what) => this.#hear(what))
    void this.list()
  }

  end() {
    this.#unwatch()
    this.#stop?.abort()
  }

  async list() {
    this.#stop?.abort()
    const stop = (this.#stop = new AbortController())
    const found = new Map<string, entry>()
    try {
      await list_folder(this.path, stop.signal, (some) => {
        for (const each of some) found.set(each.name, each)
      })
    } catch (why) {
      if (stop.signal.aborted) return
      const is_gone = why instanceof failure && (why.status === 404 || why.status === 403 || why.status === 401)
      this.state = is_gone ? 'gone' : 'failed'
      this.trouble = words_of(why)
      return
    }
    this.#by_name = found
    this.state = 'there'
    this.#show()
  }

  #hear(what: folder_news) {
    if (what.kind === 'missed') return void (what.path === undefined && this.list())
    const path = what.path ?? ''
    if ((what.kind === 'removed' || what.kind === 'renamed') && (what.from ?? path) === this.path) {
      if (this.path !== '') this.state = 'gone'
      return
    }
    const was_here = what.from !== undefined && folder_of(what.from) === this.path && what.from !== ''
    const is_here = path !== '' && folder_of(path) === this.path
    const name = path.slice(path.lastIndexOf('/') + 1)
    if (was_here) this.#by_name.delete(what.from!.slice(what.from!.lastIndexOf('/') + 1))
    if (is_here) {
      if ((what.kind === 'stored' || what.kind === 'renamed') && what.entry) this.#by_name.set(name, what.entry)
      else if (what.kind === 'removed') this.#by_name.delete(name)
      else if (what.kind === 'made') {
        this.#by_name.set(name, { path, name, kind: 'folder', modified: new Date().toISOString() })
      } else if (what.kind === 'upload') this.#hear_upload(what, path, name)
    }
    if (is_here || was_here) this.#show()
  }

  #hear_upload(what: folder_news, path: string, name: string) {
    const id = what.upload ?? 0
    if (what.state === 'finished' || what.state === 'ended') this.#uploads.delete(id)
    else this.#uploads.set(id, { path, name, size: what.size ?? null, durable: what.durable ?? 0 })
  }

  // A thousand changes at once are drawn once; of a large folder that happens more seldom.
  #show() {
    if (this.#drawing) return
    this.#drawing = true
    const pause_ms = this.#by_name.size > 1000 ? 250 : 30
    const due_ms = Math.max(0, this.#drawn_at + pause_ms - performance.now())
    setTimeout(() => {
      this.#drawing = false
      this.#drawn_at = performance.now()
      this.entries = [...this.#by_name.values()]
      this.arriving = [...this.#uploads.values()].filter((each) => !this.#by_name.has(each.name))
    }, due_ms)
  }

  // Shown before the server says so, where the page did it itself.
  add(what: entry) {
    this.#by_name.set(what.name, { ...what, path: join(this.path, what.name) })
    this.#show()
  }
}

export type order = { by: 'name' | 'size' | 'modified' | 'kind'; down: boolean }

const names = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' })
export const compare_names = (a: string, b: string) => names.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0)

const ending = (name: string) => (name.includes('.') ? name.slice(name.lastIndexOf('.') + 1).toLowerCase() : '')

// Folders first, always; the rest as it was chosen, and by name where that is the same.
export function sorted(entries: entry[], how: order): entry[] {
  const way = how.down ? -1 : 1
  const by: Record<order['by'], (a: entry, b: entry) => number> = {
    name: () => 0,
    size: (a, b) => (a.size ?? -1) - (b.size ?? -1),
    modified: (a, b) => (a.modified < b.modified ? -1 : a.modified > b.modified ? 1 : 0),
    kind: (a, b) => names.compare(ending(a.name), ending(b.name)),
  }
  const compare = by[how.by]
  return [...entries].sort((a, b) => {
    if (a.kind !== b.kind) return a.kind === 'folder' ? -1 : 1
    return way * (compare(a, b) || compare_names(a.name, b.name))
  })
}
