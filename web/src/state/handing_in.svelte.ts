// All files on their way, a few at a time; what the browser kept of earlier visits; the receipt.
import { api, join } from '../server/api'
import { names_text, size_text, t } from '../text/text.svelte'
import { kept_uploads } from './kept_uploads'
import { notify } from './notices.svelte'
import { upload } from './upload.svelte'

export interface picked {
  file: File
  path: string // below the folder that it goes to
}

const at_once = 4
const lines = 3 // that one upload alone uses: more are no faster; a browser has six for all

class handing_in {
  all = $state.raw<upload[]>([])
  #running = 0
  #lock: WakeLockSentinel | null = null

  get running() {
    return this.all.filter((each) => each.is_running || each.state === 'waiting')
  }
  get arrived() {
    return this.all.filter((each) => each.is_over)
  }
  get asked_again() {
    return this.all.filter((each) => each.state === 'ask_again')
  }
  // Nothing is under way any more, and there is something to show.
  get is_over() {
    const mine = this.all.filter((each) => each.state !== 'ask_again')
    return mine.length > 0 && mine.every((each) => each.is_over || each.state === 'failed' || each.state === 'taken')
  }
  get bytes() {
    return this.all.reduce((sum, each) => sum + each.size, 0)
  }
  get sent() {
    return this.all.reduce((sum, each) => sum + each.sent, 0)
  }
  get speed() {
    return this.all.reduce((sum, each) => sum + each.speed, 0)
  }

  // From an earlier visit.
  recall() {
    const known = new Set(this.all.map((each) => each.url))
    const more = kept_uploads().filter((each) => !known.has(each.url)).map((each) => new upload(each.path, null, this.#more, each))
    if (more.length === 0) return
    this.all = [...this.all, ...more]
    for (const each of more) {
      void each.look().then(() => {
        if (each.state === 'ask_again' && each.url === '') this.drop(each)
      })
    }
  }

  // Several files at the same time have a line each.
  #more = () => (this.#running > 1 ? 0 : lines - 1)

  add(folder: string, files: picked[]) {
    const fresh: upload[] = []
    for (const { file, path } of files) {
      const target = join(folder, path)
      const kept = this.all.find((each) => each.state === 'ask_again' && each.path === target && each.size === file.size)
      const doubled = this.all.some((each) => each.path === target && (each.is_running || each.state === 'waiting'))
      if (kept) kept.give(file)
      else if (!doubled) fresh.push(new upload(target, file, this.#more))
    }
    this.all = [...this.all, ...fresh]
    this.#start()
  }

  // The file of an upload that was begun earlier.
  give(what: upload, file: File) {
    if (file.size !== what.size) {
      notify(t('other_file', what.name, size_text(what.size)), { trouble: true })
      return
    }
    what.give(file)
    this.#start()
  }

  go_on(what: upload) {
    what.state = 'waiting'
    this.#start()
  }

  async keep_both(what: upload) {
    try {
      await what.rename()
      this.go_on(what)
    } catch (why) {
      notify(t('went_wrong', String(why)), { trouble: true })
    }
  }

  drop(what: upload) {
    this.all = this.all.filter((each) => each !== what)
    void what.cancel()
  }

  pause_all() {
    for (const each of this.running) each.pause()
  }
  go_on_all() {
    for (const each of this.all) if (each.state === 'paused') each.state = 'waiting'
    this.#start()
  }
  clear() {
    this.all = this.all.filter((each) => !each.is_over)
  }

  #start() {
    void this.#stay_awake()
    while (this.#running < at_once) {
      const next = this.all.find((each) => each.state === 'waiting' && each.file)
      if (!next) return
      ++this.#running
      next.state = 'sending'
      void next.run().finally(() => {
        --this.#running
        this.#start()
        void this.#stay_awake()
      })
    }
  }

  // While something is sent, the machine shall not go to sleep.
  async #stay_awake() {
    const wanted = this.running.length > 0
    if (wanted && !this.#lock && document.visibilityState === 'visible') {
      this.#lock = (await navigator.wakeLock?.request('screen').catch(() => null)) ?? null
      this.#lock?.addEventListener('release', () => (this.#lock = null))
    } else if (!wanted && this.#lock) {
      await this.#lock.release()
    }
  }

  seen() {
    if (document.visibilityState === 'visible') void this.#stay_awake()
  }

  // For people to keep: what arrived, how large, and its digest.
  receipt(): string {
    const lines = [t('receipt_title', new Date().toISOString()), location.host, '']
    for (const each of this.arrived) lines.push(`${each.digest || '-'.padEnd(32)}  ${each.size}  ${each.path}`)
    lines.push('', `${this.arrived.length} / ${this.all.length}; XXH3-128 (xxhsum -H2)`)
    return lines.join('\n') + '\n'
  }
}

export const uploads_now = new handing_in()

const is_hidden = (path: string) => path.split('/').some((part) => part.startsWith('.'))

async function make(folder: string, paths: string[]) {
  try {
    for (const path of paths) await api.mkdir(join(folder, path), true)
    notify(t('empty_made', names_text(paths)))
  } catch (why) {
    notify(t('went_wrong', String(why)), { trouble: true })
  }
}

// Hidden files are not what anybody means (".DS_Store"), and the server takes none; but whoever
// means one hears of it.
export function hand_in(folder: string, files: picked[], empty_folders: string[] = []) {
  const hidden = [...files.map((each) => each.path), ...empty_folders].filter(is_hidden)
  if (hidden.length > 0) notify(t('hidden_stay', names_text(hidden)), { for_ms: 8000 })
  uploads_now.add(folder, files.filter((each) => !is_hidden(each.path)))
  const wanted = empty_folders.filter((each) => !is_hidden(each))
  if (wanted.length > 0) void make(folder, wanted)
}

addEventListener('beforeunload', (event) => {
  if (uploads_now.running.length > 0) event.preventDefault()
})
document.addEventListener('visibilitychange', () => uploads_now.seen())

