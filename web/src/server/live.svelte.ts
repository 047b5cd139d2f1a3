// The one WebSocket to /live: folders that are watched and rooms that are joined, again after each lost connection.
import type { entry } from './api'

export type news = { kind: string; path?: string } & Record<string, any>

export interface folder_news extends news {
  entry?: entry
  from?: string
  state?: string
  upload?: number
  size?: number | null
  durable?: number
}

interface wish {
  open: () => news // what to say, at the beginning and after each lost connection
  close: () => news
  heard: (what: news) => void
}

const retry_ms = [250, 500, 1000, 2000, 5000]

class live_line {
  connected = $state(false)
  #socket: WebSocket | null = null
  #wishes = new Set<wish>()
  #failures = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #next_id = 1
  #waiting = new Map<number, (answer: news) => void>()
  #was_open = false

  // Holds a wish until the function that it returns is called.
  hold(what: wish): () => void {
    this.#wishes.add(what)
    if (this.connected) this.#say(what.open())
    else this.#connect()
    return () => {
      if (!this.#wishes.delete(what)) return
      if (this.connected) this.#say(what.close())
      if (this.#wishes.size === 0) this.#hang_up()
    }
  }

  // What happens in a folder. `missed`: list again; also after a lost connection.
  watch(path: string, heard: (what: folder_news) => void): () => void {
    return this.hold({
      open: () => ({ kind: 'watch', path }),
      close: () => ({ kind: 'unwatch', path }),
      heard: heard as (what: news) => void,
    })
  }

  say(what: news) {
    if (this.connected) this.#say(what)
  }

  // The answer to it; rejected where the connection is lost before.
  request(what: news): Promise<news> {
    return new Promise((resolve, reject) => {
      if (!this.connected) return reject(new Error('no connection'))
      const id = this.#next_id++
      this.#waiting.set(id, (answer) =>
        answer.kind === 'error' ? reject(new Error(String(answer.detail))) : resolve(answer),
      )
      this.#say({ ...what, id })
    })
  }

  // After logging in or out: as whoever one is now.
  restart() {
    this.#hang_up()
    this.#was_open = false
    if (this.#wishes.size > 0) this.#connect()
  }

  #connect() {
    if (this.#socket) return
    clearTimeout(this.#timer)
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws'
    const socket = new WebSocket(`${scheme}://${location.host}/live`)
    this.#socket = socket
    socket.onopen = () => {
      this.connected = true
      this.#failures = 0
      for (const each of this.#wishes) this.#say(each.open())
      if (this.#was_open) this.#tell({ kind: 'missed' })
      this.#was_open = true
    }
    socket.onmessage = (event) => {
      const what = JSON.parse(event.data as string) as news
      const waiting = typeof what.id === 'number' ? this.#waiting.get(what.id) : undefined
      if (waiting) {
        this.#waiting.delete(what.id)
        waiting(what)
      }
      this.#tell(what)
    }
    socket.onclose = () => {
      if (this.#socket !== socket) return
      this.#lost()
      const wait = retry_ms[Math.min(this.#failures++, retry_ms.length - 1)]
      if (this.#wishes.size > 0) this.#timer = setTimeout(() => this.#connect(), wait)
    }
  }

  #lost() {
    this.#socket = null
    this.connected = false
    for (const each of this.#waiting.values()) each({ kind: 'error', detail: 'no connection' })
    this.#waiting.clear()
  }

  #hang_up() {
    clearTimeout(this.#timer)
    const socket = this.#socket
    this.#lost()
    socket?.close()
  }

  #tell(what: news) {
    for (const each of [...this.#wishes]) each.heard(what)
  }

  #say(what: news) {
    this.#socket?.send(JSON.stringify(what))
  }
}

export const live = new live_line()
