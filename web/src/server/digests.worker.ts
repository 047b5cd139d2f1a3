// Reads a file and holds it against what the server has, block by block, off the page's own thread. XXH3-128, as the
// server's own digests (docs/wire.md).
import { createXXHash128 } from 'hash-wasm'
import type { digest_run } from './api'

export interface comparison {
  id: number
  file: File
  source: string // the URL of the server's digests; '' to only compute the file's own
  until: number // bytes of the file that matter; whole blocks
}

export type compared =
  | { id: number; read: number }
  | { id: number; same: boolean; digest: string; blocks: number }
  | { id: number; failed: string; status: number }

const block_bytes = 1 << 20
const read_bytes = 8 * block_bytes

async function digests_from(source: string, first: number): Promise<string[]> {
  const answer = await fetch(`${source}${source.includes('?') ? '&' : '?'}first=${first}`, {
    headers: { 'X-Requested-With': 'sluice' },
  })
  if (!answer.ok) throw Object.assign(new Error(`${answer.status}`), { status: answer.status })
  return ((await answer.json()) as digest_run).digests
}

async function compare(wanted: comparison) {
  const [whole, one] = await Promise.all([createXXHash128(), createXXHash128()])
  whole.init()
  let theirs: string[] = []
  let theirs_first = 0
  let blocks = 0
  for (let at = 0; at < wanted.until; at += read_bytes) {
    const bytes = new Uint8Array(await wanted.file.slice(at, Math.min(at + read_bytes, wanted.until)).arrayBuffer())
    whole.update(bytes)
    for (let from = 0; wanted.source !== '' && from < bytes.length; from += block_bytes) {
      const block = (at + from) / block_bytes
      if (block >= theirs_first + theirs.length) {
        theirs_first = block
        theirs = await digests_from(wanted.source, block)
      }
      one.init()
      const digest = one.update(bytes.subarray(from, from + block_bytes)).digest('hex')
      if (digest !== theirs[block - theirs_first]) {
        postMessage({ id: wanted.id, same: false, digest: '', blocks } satisfies compared)
        return
      }
      ++blocks
    }
    postMessage({ id: wanted.id, read: at + bytes.length } satisfies compared)
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
