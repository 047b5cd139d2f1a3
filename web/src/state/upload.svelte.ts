// One file on its way to the server, from the choice to the comparison at the end.
import { api, failure, folder_of, join, name_of, words_of } from '../server/api'
import { compare } from '../server/digests'
import { begin, block_bytes, blocks_of, finish, forget, hand_in_whole, held_of, type run, type upload_held } from '../server/uploads'
import { drop_upload, keep_upload, type kept_upload } from './kept_uploads'
import { give_poster_of } from './posters'
import { sender } from './sender'

export type upload_state =
  | 'waiting' | 'checking' | 'sending' | 'settling' | 'comparing' | 'arrived'
  | 'paused' | 'no_link' | 'taken' | 'failed' | 'ask_again'

const small_bytes = 1 << 20 // goes whole with one request
const retry_ms = [300, 1000, 2000, 4000, 8000]
let next_id = 1

export class upload {
  readonly id = next_id++
  path = $state('')
  state = $state<upload_state>('waiting')
  sent = $state(0)
  speed = $state(0) // bytes a second, over the last seconds
  trouble = $state('')
  digest = $state('') // XXH3-128 of the file, once it is known
  was_compared = $state(false)
  was_changed = $state(false)
  size: number
  modified: number
  file: File | null
  url = ''
  #sender: sender | null = null
  #turn = 0 // who pauses, cancels or goes on ends the turn before
  #is_trusted = true // the file is the one that the upload was begun with
  #wake: (() => void) | null = null
  #marks: { at: number; sent: number }[] = []

  // `more`: connections that it may use besides its first one, at the moment.
  constructor(path: string, file: File | null, readonly more: () => number, kept?: kept_upload) {
    this.path = path
    this.file = file
    this.size = file?.size ?? kept?.size ?? 0
    this.modified = file?.lastModified ?? kept?.modified ?? 0
    if (kept) {
      this.url = kept.url
      this.state = 'ask_again'
      this.#is_trusted = false
    }
  }

  get name() {
    return name_of(this.path)
  }
  get is_running() {
    return ['checking', 'sending', 'settling', 'no_link'].includes(this.state)
  }
  get is_over() {
    return this.state === 'arrived' || this.state === 'comparing'
  }
  get left_s() {
    return this.speed > 0 ? (this.size - this.sent) / this.speed : Infinity
  }

  // How much of a kept one is there, for the list.
  async look() {
    if (!this.url) return
    try {
      const held = await held_of(this.url)
      this.sent = this.#bytes_of(held)
      if (held.done) this.end()
    } catch (why) {
      if (why instanceof failure && why.status === 404) this.forget_url()
    }
  }

  // Ends where the file has arrived, or where somebody has to do something. Never throws.
  async run() {
    const turn = ++this.#turn
    this.trouble = ''
    let conflicts = 0
    for (let failures = 0; ; ) {
      try {
        await this.#go(turn)
        return
      } catch (why) {
        if (turn !== this.#turn) return
        const code = why instanceof failure ? why.status : -1
        const goes_by = code === 0 || code === 408 || code === 429 || code === 502 || code === 503
        if (goes_by) {
          this.state = 'no_link'
          this.speed = 0
          await this.#wait(retry_ms[Math.min(failures++, retry_ms.length - 1)]!)
          if (turn !== this.#turn) return
          continue
        }
        // Blocks are missing, or the name is taken: the server says which when it is asked again.
        if (code === 409 && this.url && conflicts++ === 0) continue
        if (code === 409) this.state = 'taken'
        else this.state = 'failed'
        this.trouble = words_of(why)
        this.speed = 0
        return
      }
    }
  }

  async #go(turn: number) {
    const file = this.file!
    let held: run[] = []
    if (this.url) {
      this.state = 'checking'
      const found = await this.#held_to_go_on_with(file)
      if (found?.done) return this.end()
      held = found?.durable ?? []
    }
    if (!this.url) {
      this.state = 'sending'
      this.#mark(0)
      if (file.size <= small_bytes) {
        this.url = await hand_in_whole(this.path, file)
        return this.end()
      }
      this.url = await begin(this.path, file)
      this.#keep()
    }
    if (turn !== this.#turn) return
    this.state = 'sending'
    this.#mark(this.sent, true)
    this.#sender = new sender(file, this.url, this.more, (bytes) => this.#mark(bytes))
    try {
      await this.#sender.send(held)
    } finally {
      this.#sender = null
    }
    if (turn !== this.#turn) return
    this.state = 'settling'
    await finish(this.url, this.path)
    this.end()
  }

  #keep() {
    keep_upload({ url: this.url, path: this.path, size: this.size, modified: this.modified })
  }

  #bytes_of(held: upload_held): number {
    if (held.done) return this.size
    const blocks = (held.durable ?? []).reduce((sum, [, count]) => sum + count, 0)
    return Math.min(blocks * block_bytes, this.size)
  }

  // What the server has of it, held against the file where that was chosen anew. null: nothing to go on with.
  async #held_to_go_on_with(file: File): Promise<upload_held | null> {
    let held: upload_held
    try {
      held = await held_of(this.url)
    } catch (why) {
      if (!(why instanceof failure) || why.status !== 404) throw why
      this.forget_url()
      return null
    }
    if (!this.#is_trusted && !held.done) {
      const found = await compare(file, this.url, held.durable ?? [], (bytes) => (this.sent = bytes))
      if (!found.same) {
        this.was_changed = true
        await forget(this.url)
        this.forget_url()
        return null
      }
      this.#is_trusted = true
    }
    this.sent = this.#bytes_of(held)
    return held
  }

  forget_url() {
    drop_upload(this.url)
    this.url = ''
    this.sent = 0
    this.#is_trusted = true
  }

  // All of it is durable and has its name.
  private end() {
    drop_upload(this.url)
    this.sent = this.size
    this.speed = 0
    this.state = 'arrived'
    if (!this.file) return
    void this.#compare(this.file)
    void give_poster_of(this.file, this.path, this.url)
  }

  // The whole once more, against what the server computed of what it received: it tells that to who brought the file, for
  // a day, also where they may not read it.
  async #compare(file: File) {
    this.state = 'comparing'
    try {
      const found = await compare(file, this.url, [[0, blocks_of(this.size)]])
      if (!found.same) {
        this.state = 'failed'
        this.trouble = 'what arrived differs from your copy'
        return
      }
      this.digest = found.digest
      this.was_compared = true
    } catch {
      // The file moved on, here or there: it arrived all the same.
    }
    this.state = 'arrived'
  }

  #mark(sent: number, anew = false) {
    if (anew) this.#marks = []
    const at = performance.now()
    this.#marks.push({ at, sent })
    while (this.#marks.length > 2 && at - this.#marks[0]!.at > 4000) this.#marks.shift()
    const first = this.#marks[0]!
    if (at - first.at > 250) this.speed = ((sent - first.sent) * 1000) / (at - first.at)
    this.sent = sent
    if (sent === this.size && this.state === 'sending' && this.size > 0) this.state = 'settling'
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        removeEventListener('online', done)
        this.#wake = null
        resolve()
      }
      const timer = setTimeout(done, ms)
      addEventListener('online', done)
      this.#wake = done
    })
  }

  pause() {
    this.#stop()
    this.state = 'paused'
    this.speed = 0
  }

  #stop() {
    ++this.#turn
    this.#sender?.stop()
    this.#wake?.()
  }

  async cancel() {
    this.#stop()
    if (this.url) {
      const url = this.url
      this.forget_url()
      await forget(url)
    }
  }

  // The next free name: "film (2).mov".
  async rename() {
    const old = this.name
    const dot = old.lastIndexOf('.') > 0 ? old.lastIndexOf('.') : old.length
    const stem = old.slice(0, dot).replace(/ \((\d+)\)$/, '')
    for (let number = 2; ; ++number) {
      const name = `${stem} (${number})${old.slice(dot)}`
      const there = await api.stat(join(folder_of(this.path), name)).catch((why) => why as failure)
      if (there instanceof failure && there.status !== 404 && there.status !== 401 && there.status !== 403) throw there
      if (there instanceof failure) {
        this.path = join(folder_of(this.path), name)
        break
      }
    }
    if (this.url) this.#keep() // what was sent goes by that name then
  }

  give(file: File) {
    this.file = file
    this.modified = file.lastModified
    this.#is_trusted = false
    this.state = 'waiting'
  }
}
