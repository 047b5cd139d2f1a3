// A conversation: about a folder or a file. The newest page first, then what is said, as it is said; after a lost
// connection from where it was.
import { ask, path_in_url, words_of } from '../server/api'
import { live, type news } from '../server/live.svelte'
import { session_now } from './session.svelte'
import type { drawing } from './drawing'

export interface message {
  path: string
  id: number
  version: number
  author: string
  guest: boolean
  mine: boolean
  time_ms: number
  text: string
  at_ms: number | null
  until_ms: number | null
  reply_to: number | null
  resolved: boolean
  edited: boolean
  deleted: boolean
  drawing: drawing | null
}

interface page {
  messages: message[]
  version: number
  more: boolean
}

export interface saying {
  text: string
  at_ms?: number
  reply_to?: number
  drawing?: drawing
}

export const text_max = 4000

// Guests have no account: what they may change they prove by what they said it with.
const nonces_max = 300
function kept_nonces(): Record<number, string> {
  try {
    return JSON.parse(localStorage.getItem('said') ?? '{}')
  } catch {
    return {}
  }
}
function keep_nonces(all: Record<number, string>) {
  localStorage.setItem('said', JSON.stringify(Object.fromEntries(Object.entries(all).slice(-nonces_max))))
}

export class room {
  messages = $state.raw<message[]>([])
  people = $state.raw<{ name: string; guest: boolean }[]>([])
  count = $state(0)
  typing = $state('')
  more = $state(false)
  trouble = $state('')
  loaded = $state(false)
  name = $state(localStorage.getItem('guest_name') ?? '')
  #by_id = new Map<number, message>()
  #version = 0
  #leave = () => {}
  #ended = false
  #typing_timer: ReturnType<typeof setTimeout> | undefined
  #said_typing = 0

  path = $state('') // another one, where it is renamed meanwhile
  #nonces = kept_nonces()

  constructor(path: string) {
    this.path = path
    void this.#start()
  }

  end() {
    this.#ended = true
    this.#leave()
    clearTimeout(this.#typing_timer)
  }

  get needs_name() {
    return session_now.account === null
  }

  async #start() {
    try {
      await this.#page('limit=100')
    } catch (why) {
      this.trouble = words_of(why)
      return
    }
    this.loaded = true
    if (this.#ended) return
    this.#leave = live.hold({
      open: () => ({ kind: 'join', path: this.path, after_version: this.#version, ...this.#as() }),
      close: () => ({ kind: 'leave', path: this.path }),
      heard: (what) => this.#hear(what),
    })
  }

  #as() {
    return this.needs_name && this.name.trim() !== '' ? { name: this.name.trim() } : {}
  }

  async #page(query: string) {
    const told = (await (await ask('GET', `/api/talk/${path_in_url(this.path)}?${query}`)).json()) as page
    for (const each of told.messages) this.#take(each)
    this.#version = Math.max(this.#version, query.includes('before') ? 0 : told.version)
    if (!query.includes('after_version')) this.more = told.more
    this.#show()
  }

  async earlier() {
    const first = this.messages[0]
    if (first) await this.#page(`limit=100&before=${first.id}`)
  }

  #hear(what: news) {
    if (what.path !== this.path) return
    if (what.kind === 'moved') this.path = String(what.to)
    else if (what.kind === 'missed') live.say({ kind: 'join', path: this.path, after_version: this.#version, ...this.#as() })
    else if (what.kind === 'left' && what.detail) this.trouble = String(what.detail)
    else if (what.kind === 'message') {
      this.#take(what as unknown as message)
      this.#version = Math.max(this.#version, what.version)
      if (this.typing === what.author) this.typing = ''
      this.#show()
    } else if (what.kind === 'here' || what.kind === 'joined') {
      this.people = what.people ?? []
      this.count = what.count ?? 0
    } else if (what.kind === 'typing') {
      this.typing = String(what.name)
      clearTimeout(this.#typing_timer)
      this.#typing_timer = setTimeout(() => (this.typing = ''), 4000)
    }
  }

  // Each once; of several versions the newest.
  #take(what: message) {
    const known = this.#by_id.get(what.id)
    if (!known || known.version <= what.version) {
      this.#by_id.set(what.id, { ...what, mine: what.mine || what.id in this.#nonces })
    }
  }
  #show() {
    this.messages = [...this.#by_id.values()].sort((a, b) => a.id - b.id)
  }

  // A nonce: what is said again after a lost answer is there once.
  async say(what: saying) {
    const nonce = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('')
    const body = { path: this.path, ...what, ...this.#as(), nonce }
    const send = async () => (await ask('POST', '/api/say', body)).json()
    const said: message = await send().catch((why) => (why.status === 0 ? send() : Promise.reject(why)))
    if (this.needs_name) {
      this.#nonces[said.id] = nonce
      keep_nonces(this.#nonces)
    }
    this.#take(said)
    this.#show()
  }

  async amend(id: number, what: { text?: string; resolved?: boolean; deleted?: boolean }) {
    const nonce = this.#nonces[id] // of a guest it shows whose message it is
    const told = await (await ask('POST', '/api/amend', { path: this.path, id, ...what, ...(nonce ? { nonce } : {}) })).json()
    this.#take(told)
    this.#show()
  }

  // At most every two seconds.
  types() {
    const now = Date.now()
    if (now - this.#said_typing < 2000) return
    this.#said_typing = now
    live.say({ kind: 'typing', path: this.path })
  }

  keep_name() {
    localStorage.setItem('guest_name', this.name.trim())
  }
}
