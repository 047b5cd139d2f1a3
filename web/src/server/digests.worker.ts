// Reads a file and holds it against what the server has, block by block, off the page's own thread. XXH3-128, as the
// server's own digests (docs/wire.md).
import { createXXHash128 } from 'hash-wasm'
import type { digest_run } from './api'
import { block_bytes, type run } from './uploads'

export interface comparison {
  id: number
  file: File
  source: string // the URL of the server's digests
  runs: run[]
}

export type compared =
  | { id: number; read: number }
  | { id: number; same: boolean; digest: string; blocks: number }
  | { id: number; failed: string; status: number }

const read_bytes = 8 * block_bytes

async function digests_from(source: string, first: number): Promise<string[]> {
  const answer = await fetch(`${source}${source.includes('?') ? '&' : '?'}first=${first}`, {
    headers: { 'X-Requested-With': 'sluice' },
  })
  if (!answer.ok) throw Object.assign(new Error(`${answer.status}`), { status: answer.status })
  return ((await answer.json()) as digest_run).digests
}

// The server's digests, asked for as many as it tells at once.
function digests_at(source: string) {
  let known: string[] = []
  let first = 0
  return async (block: number) => {
    if (block < first || block >= first + known.length) {
      known = await digests_from(source, block)
      first = block
    }
    return known[block - first]
  }
}

async function compare(wanted: comparison) {
  const [whole, one] = await Promise.all([createXXHash128(), createXXHash128()])
  whole.init()
  const theirs = digests_at(wanted.source)
  let blocks = 0
  let read = 0
  for (const [first, count] of wanted.runs) {
    const end = Math.min((first + count) * block_bytes, wanted.file.size)
    for (let at = first * block_bytes; at < end; at += read_bytes) {
      const bytes = new Uint8Array(await wanted.file.slice(at, Math.min(at + read_bytes, end)).arrayBuffer())
      whole.update(bytes)
      for (let from = 0; from < bytes.length; from += block_bytes) {
        one.init()
        const digest = one.update(bytes.subarray(from, from + block_bytes)).digest('hex')
        if (digest !== (await theirs((at + from) / block_bytes))) {
          postMessage({ id: wanted.id, same: false, digest: '', blocks } satisfies compared)
          return
        }
        ++blocks
      }
      read += bytes.length
      postMessage({ id: wanted.id, read } satisfies compared)
    }
  }
  postMessage({ id: wanted.id, same: true, digest: whole.digest('hex'), blocks } satisfies compared)
}

// One after the other: two at a time would only make the disk seek.
let queue = Promise.resolve()
onmessage = (event: MessageEvent<comparison>) => {
  queue = queue.then(() =>
    compare(event.data).catch((why) =>
      postMessage({ id: event.data.id, failed: String(why), status: why.status ?? 0 } satisfies compared),
    ),
  )
}
