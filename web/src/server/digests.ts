// The worker that digests, as a function; made when it is first needed.
import type { compared, comparison } from './digests.worker'
import type { run } from './uploads'

let worker: Worker | null = null
let next_id = 1
const waiting = new Map<number, (what: compared) => void>()

function start(): Worker {
  const made = new Worker(new URL('./digests.worker.ts', import.meta.url), { type: 'module' })
  made.onmessage = (event: MessageEvent<compared>) => waiting.get(event.data.id)?.(event.data)
  return made
}

// Whether these blocks of the file are what the server has at `source`; `digest` is of all of them. `went`: how far it is.
export function compare(
  file: File,
  source: string,
  runs: run[],
  went: (bytes: number) => void = () => {},
): Promise<{ same: boolean; digest: string; blocks: number }> {
  worker ??= start()
  const id = next_id++
  const running = worker
  return new Promise((resolve, reject) => {
    waiting.set(id, (what) => {
      if ('read' in what) return went(what.read)
      waiting.delete(id)
      if ('failed' in what) reject(Object.assign(new Error(what.failed), { status: what.status }))
      else resolve(what)
    })
    running.postMessage({ id, file, source, runs } satisfies comparison)
  })
}
