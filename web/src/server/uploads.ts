// The requests by which the page hands files in (docs/api.md, "Uploads in blocks"; a small file goes whole, by tus).
import { ask, failure, failure_of, folder_of, name_of, path_in_url, type digest_run, type entry } from './api'

export const block_bytes = 1 << 20

// Blocks: the first, and how many.
export type run = [first: number, count: number]

export interface upload_held extends digest_run {
  durable?: run[]
}

export const blocks_of = (size: number) => Math.ceil(size / block_bytes)

const base64 = (text: string) => btoa(String.fromCharCode(...new TextEncoder().encode(text)))
export const id_of = (url: string) => url.slice(url.lastIndexOf('/') + 1)
const url_of = (id: string) => `/api/uploads/${id}`
export const is_upload_url = (url: unknown) => typeof url === 'string' && url.startsWith(url_of(''))

// All of a small file, with one request.
export async function hand_in_whole(path: string, file: File): Promise<string> {
  const folder = folder_of(path)
  const metadata = [`filename ${base64(name_of(path))}`, `lastModified ${base64(String(file.lastModified))}`].join(',')
  const answer = await ask('POST', `/tus/${folder === '' ? '' : path_in_url(folder) + '/'}`, file, {
    headers: {
      'Tus-Resumable': '1.0.0',
      'Content-Type': 'application/offset+octet-stream',
      'Upload-Length': String(file.size),
      'Upload-Metadata': metadata,
    },
  })
  return url_of(id_of(answer.headers.get('Location') ?? ''))
}

export async function begin(path: string, file: File): Promise<string> {
  const answer = await ask('POST', '/api/uploads', { path, size: file.size, modified_ms: Math.max(0, file.lastModified) })
  return url_of(((await answer.json()) as { upload: string }).upload)
}

// What is durable of it. failure 404: the server knows nothing of it.
export const held_of = async (url: string) => (await ask('GET', `${url}?count=1`)).json() as Promise<upload_held>

// It becomes a file, of this path where the one it was begun with was taken meanwhile. failure 409: it still is.
export const finish = async (url: string, path: string) => (await ask('POST', url, { path })).json() as Promise<entry>

export const forget = async (url: string) => void (await ask('DELETE', url).catch(() => {}))

export interface sending {
  done: Promise<void> // all of it is durable
  stop: () => void
}

// Blocks from `first` on. XMLHttpRequest, since fetch tells nothing of how far it is, and since Chromium hands a whole file
// to its network process by name, where of a slice (and with fetch always) another process reads it and passes it on.
export function send_blocks(url: string, first: number, body: Blob, went: (bytes: number) => void): sending {
  const request = new XMLHttpRequest()
  const done = new Promise<void>((resolve, reject) => {
    request.open('PUT', `${url}?first=${first}`)
    request.setRequestHeader('X-Requested-With', 'sluice')
    request.setRequestHeader('Content-Type', 'application/octet-stream')
    request.upload.onprogress = (event) => went(event.loaded)
    request.onload = () => (request.status === 204 ? resolve() : reject(failure_of(request.status, request.responseText)))
    request.onerror = () => reject(new failure(0, 'the connection was lost'))
    request.onabort = () => reject(new DOMException('stopped', 'AbortError'))
    request.send(body)
  })
  return { done, stop: () => request.abort() }
}
