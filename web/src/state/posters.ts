// Small pictures of films and images, made in this browser as they come in sight, one at a time, and kept in it by the
// content's tag: so each is made once.
import type { entry } from '../server/api'
import { kind_of } from './kinds'

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

async function of_image(what: entry): Promise<Blob | null> {
  if ((what.size ?? 0) > image_bytes_max) return null
  const answer = await fetch(what.url!, { headers: { 'X-Requested-With': 'sluice' } })
  const picture = await createImageBitmap(await answer.blob())
  return shrink(picture, picture.width, picture.height)
}

// A moment that is not the black of the beginning.
async function of_film(what: entry): Promise<Blob | null> {
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
    video.src = what.url!
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

async function make(what: entry): Promise<string | null> {
  const kept = await open_kept()
  const found = await kept?.match(key_of(what))
  if (found) return show(what, await found.blob())
  const picture = await (kind_of(what) === 'image' ? of_image(what) : of_film(what))
  if (!picture) return null
  await kept?.put(key_of(what), new Response(picture)).catch(() => {})
  return show(what, picture)
}

async function work() {
  if (busy) return
  busy = true
  for (let next = queue.shift(); next; next = queue.shift()) {
    const url = await make(next.what).catch(() => null)
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
