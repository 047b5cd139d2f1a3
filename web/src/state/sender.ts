// Brings what the server does not have of a file to it, over several connections.
//
// What Chromium is best at is one request with the whole file (server/uploads.ts). So such a request begins at the front,
// slices come from the end on other connections, and where the two meet the first one is broken off: what came of it counts.
import { failure } from '../server/api'
import { block_bytes, blocks_of, held_of, send_blocks, type run, type sending } from '../server/uploads'

const slice_blocks = 64
const rounds_max = 4 // what is missing behind the last is trouble

export class sender {
  #running = new Set<sending>()
  #sent = new Map<object, number>() // bytes of each request
  #held = 0 // bytes that are there, of before
  #stopped = false

  // `more()`: connections that it may use besides the first one, asked again and again.
  constructor(
    readonly file: File,
    readonly url: string,
    readonly more: () => number,
    readonly went: (bytes: number) => void,
  ) {}

  stop() {
    this.#stopped = true
    for (const each of this.#running) each.stop()
  }

  // Throws what went wrong with one of the requests, when all have ended; AbortError where it was stopped.
  async send(held: run[]) {
    if (held.length === 0) await this.#send_all()
    for (let round = 0; ; ++round) {
      if (round > 0 || held.length === 0) held = (await held_of(this.url)).durable ?? []
      const missing = gaps_of(held, blocks_of(this.file.size))
      if (missing.length === 0) return
      if (round === rounds_max) throw new Error('the server did not keep what was sent')
      await this.#send_gaps(held, missing)
    }
  }

  async #send_all() {
    const size = this.file.size
    let front = 0
    let end = blocks_of(size)
    // A slice from the end; none where the front comes near.
    const from_end = (): run | null => {
      const first = end - slice_blocks
      if ((first - slice_blocks) * block_bytes < front) return null
      end = first
      return [first, slice_blocks]
    }
    let met = false
    const whole = this.#start(0, this.file, (bytes) => {
      front = bytes
      if (front < end * block_bytes || front >= size) return
      met = true
      whole.stop()
    })
    const beginning = whole.done.catch((why) => {
      if (!met) throw why
    })
    await this.#all([beginning, this.#send_runs(from_end, 0), this.#send_runs(from_end, 1)])
  }

  async #send_gaps(held: run[], missing: run[]) {
    this.#sent.clear()
    this.#held = held.reduce((sum, [, count]) => sum + count * block_bytes, 0)
    const slices = missing.flatMap(([first, count]) => {
      const all: run[] = []
      for (let at = 0; at < count; at += slice_blocks) all.push([first + at, Math.min(slice_blocks, count - at)])
      return all
    })
    const next = () => slices.shift() ?? null
    await this.#all([this.#send_runs(next, -1), this.#send_runs(next, 0), this.#send_runs(next, 1)])
  }

  // One after the other, as long as there are more than `beside` connections to use.
  async #send_runs(next: () => run | null, beside: number) {
    while (this.more() > beside) {
      const what = next()
      if (!what) return
      const [first, count] = what
      try {
        await this.#start(first, this.file.slice(first * block_bytes, (first + count) * block_bytes)).done
      } catch (why) {
        if (beside >= 0 && is_crowd(why)) return // what it had is sent by the others, in the next round
        throw why
      }
    }
  }

  #start(first: number, body: Blob, went: (bytes: number) => void = () => {}): sending {
    if (this.#stopped) throw new DOMException('stopped', 'AbortError')
    const key = {}
    const made = send_blocks(this.url, first, body, (bytes) => {
      this.#sent.set(key, bytes)
      this.#tell()
      went(bytes)
    })
    this.#running.add(made)
    const ended = () => this.#running.delete(made)
    made.done.then(ended, ended)
    return made
  }

  #tell() {
    let sum = this.#held
    for (const bytes of this.#sent.values()) sum += bytes
    this.went(Math.min(sum, this.file.size))
  }

  // One that fails ends the others.
  async #all(parts: Promise<void>[]) {
    let trouble: unknown
    await Promise.all(
      parts.map((each) =>
        each.catch((why) => {
          trouble ??= why
          this.stop()
        }),
      ),
    )
    if (trouble !== undefined) throw trouble
  }
}

// As many connections as may be.
const is_crowd = (why: unknown) => why instanceof failure && (why.status === 429 || why.status === 503)

function gaps_of(held: run[], blocks: number): run[] {
  const gaps: run[] = []
  let at = 0
  for (const [first, count] of held) {
    if (first > at) gaps.push([at, first - at])
    at = first + count
  }
  if (at < blocks) gaps.push([at, blocks - at])
  return gaps
}
