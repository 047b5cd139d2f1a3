// Small pictures of films and images, one at a time as they come in sight: from this browser's memory, by the content's tag;
// from the server; or made here, and given to the server where one may. Who hands a file in makes one of their own copy.
import { ask, path_in_url, type entry } from '../server/api'
import { id_of } from '../server/uploads'
import { kind_of } from './kinds'
import { session_now } from './session.svelte'

const width = 360
const image_bytes_max = 30_000_000
const patience_ms = 12_000
const shown_max = 400

const shown = new Map<string, string>() // tag: object URL; the oldest goes first
const hopeless = new Set<string>()
let queue: { what: entry; tell: (url: string | null) => void }[] = []
let busy = false

const open_kept = () => ('caches' in self ? caches.open('posters').catch(() => null) : Promise.resolve(null))
const key_of = (what: entry) => `/posters/${encodeURIComponent(`${what.etag}`)}`

function show(what: entry, picture: Blob): string {
  const url = URL.createObjectURL(picture)
  shown.set(what.etag!, url)
  for (const [tag, old] of shown) {
    if (shown.size <= shown_max) break
    shown.delete(tag)
    URL.revokeObjectURL(old)
  }
  return url
}

function shrink(from: CanvasImageSource, from_width: number, from_height: number): Promise<Blob | null> {
  const canvas = document.createElement('canvas')
  canvas.width = width
  canvas.height = Math.max(1, Math.round((from_height / from_width) * width))
  canvas.getContext('2d')!.drawImage(from, 0, 0, canvas.width, canvas.height)
  return new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', 0.8))
}

async function of_image(content: Blob): Promise<Blob | null> {
  const picture = await createImageBitmap(content)
  return shrink(picture, picture.width, picture.height)
}

// A moment that is not the black of the beginning.
async function of_film(url: string): Promise<Blob | null> {
  const video = document.createElement('video')
  const heard = (name: string) =>
    new Promise<void>((resolve, reject) => {
      video.addEventListener(name, () => resolve(), { once: true })
      video.addEventListener('error', () => reject(new Error('no film')), { once: true })
      setTimeout(() => reject(new Error('too slow')), patience_ms)
    })
  try {
    video.muted = true
    video.preload = 'auto'
    const known = heard('loadeddata')
    video.src = url
    await known
    const there = heard('seeked')
    video.currentTime = Math.min(video.duration / 10, 10)
    await there
    return video.videoWidth > 0 ? await shrink(video, video.videoWidth, video.videoHeight) : null
  } finally {
    video.removeAttribute('src')
    video.load() // ends its connection
  }
}

const address_of = (path: string) => `/api/posters/${path_in_url(path)}`

// Nobody but this browser needs it where the server does not take it.
async function give(path: string, picture: Blob, upload_url?: string, etag?: string) {
  const query = upload_url ? `?upload=${id_of(upload_url)}` : ''
  const headers: Record<string, string> = { 'Content-Type': picture.type, ...(etag ? { 'If-Match': etag } : {}) }
  await ask('PUT', address_of(path) + query, picture, { headers }).catch(() => {})
}

async function fetched(what: entry): Promise<Blob | null> {
  const answer = await ask('GET', address_of(what.path)).catch(() => null)
  return answer && answer.headers.get('ETag') === what.etag ? answer.blob() : null
}

async function made(what: entry): Promise<Blob | null> {
  if (kind_of(what) === 'video') return of_film(what.url!)
  if ((what.size ?? 0) > image_bytes_max) return null
  return of_image(await (await ask('GET', what.url!)).blob())
}

async function find(what: entry): Promise<string | null> {
  const kept = await open_kept()
  const known = await kept?.match(key_of(what))
  if (known) return show(what, await known.blob())
  let picture = await fetched(what)
  if (!picture) {
    picture = await made(what)
    if (picture && session_now.may('change')) void give(what.path, picture, undefined, what.etag)
  }
  if (!picture) return null
  await kept?.put(key_of(what), new Response(picture)).catch(() => {})
  return show(what, picture)
}

// Of a file that was handed in from here.
export async function give_poster_of(file: File, path: string, upload_url: string) {
  const kind = kind_of(file)
  if (kind !== 'video' && kind !== 'image') return
  const url = URL.createObjectURL(file)
  try {
    const picture = await (kind === 'video' ? of_film(url) : file.size > image_bytes_max ? null : of_image(file))
    if (picture) await give(path, picture, upload_url)
  } catch {
    // What this browser cannot show has no picture.
  } finally {
    URL.revokeObjectURL(url)
  }
}

async function work() {
  if (busy) return
  busy = true
  for (let next = queue.shift(); next; next = queue.shift()) {
    const url = await find(next.what).catch(() => null)
    if (url === null) hopeless.add(next.what.etag!)
    next.tell(url)
  }
  busy = false
}

// null: there is none. The function that it returns says that nobody waits any more.
export function ask_poster(what: entry, tell: (url: string | null) => void): () => void {
  const kind = kind_of(what)
  if ((kind !== 'video' && kind !== 'image') || !what.etag || !what.size || hopeless.has(what.etag)) return () => {}
  const there = shown.get(what.etag)
  if (there) {
    tell(there)
    return () => {}
  }
  const wish = { what, tell }
  queue.push(wish)
  void work()
  return () => (queue = queue.filter((each) => each !== wish))
}
