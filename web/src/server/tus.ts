// The requests of tus (docs/api.md, "tus") that the page makes.
import { failure, path_in_url } from './api'

const base64 = (text: string) => btoa(String.fromCharCode(...new TextEncoder().encode(text)))

const fields = { 'Tus-Resumable': '1.0.0', 'X-Requested-With': 'sluice' }
const content_type = 'application/offset+octet-stream'

export const id_of = (url: string) => url.slice(url.lastIndexOf('/') + 1)

async function checked(answer: Response): Promise<Response> {
  if (answer.ok) return answer
  throw new failure(answer.status, problem_of(await answer.text(), answer.status))
}

function problem_of(text: string, status: number): string {
  try {
    const told = JSON.parse(text)
    return String(told.detail ?? told.title ?? status)
  } catch {
    return String(status)
  }
}

async function reach(url: string, how: RequestInit): Promise<Response> {
  try {
    return await fetch(url, how)
  } catch (why) {
    throw new failure(0, String(why))
  }
}

// Where the upload is from now on. `body`: all of a small file, with the same request.
export async function create(folder: string, name: string, file: File, with_content: boolean): Promise<string> {
  const metadata = [`filename ${base64(name)}`, `lastModified ${base64(String(file.lastModified))}`].join(',')
  const answer = await checked(
    await reach(`/tus/${folder === '' ? '' : path_in_url(folder) + '/'}`, {
      method: 'POST',
      headers: {
        ...fields,
        'Upload-Length': String(file.size),
        'Upload-Metadata': metadata,
        ...(with_content ? { 'Content-Type': content_type } : {}),
      },
      body: with_content ? file : null,
    }),
  )
  return answer.headers.get('Location') ?? ''
}

// How many bytes are durable. failure 404: the server knows nothing of it; 409: whole, and its name is taken.
export async function offset_of(url: string): Promise<number> {
  const answer = await checked(await reach(url, { method: 'HEAD', headers: fields, cache: 'no-store' }))
  return Number(answer.headers.get('Upload-Offset') ?? 0)
}

export async function forget(url: string): Promise<void> {
  await reach(url, { method: 'DELETE', headers: fields })
}

export interface sending {
  done: Promise<number> // the offset that the server has made durable
  stop: () => void
}

// All that is left of the file by one request: the browser reads it from the disk as it goes. XMLHttpRequest, since
// fetch tells nothing of how far it is.
export function append(url: string, offset: number, rest: Blob, went: (bytes: number) => void): sending {
  const request = new XMLHttpRequest()
  const done = new Promise<number>((resolve, reject) => {
    request.open('PATCH', url)
    for (const [name, value] of Object.entries(fields)) request.setRequestHeader(name, value)
    request.setRequestHeader('Content-Type', content_type)
    request.setRequestHeader('Upload-Offset', String(offset))
    request.upload.onprogress = (event) => went(offset + event.loaded)
    request.onload = () => {
      if (request.status === 204) resolve(Number(request.getResponseHeader('Upload-Offset')))
      else reject(new failure(request.status, problem_of(request.responseText, request.status)))
    }
    request.onerror = () => reject(new failure(0, 'the connection was lost'))
    request.onabort = () => reject(new DOMException('stopped', 'AbortError'))
    request.send(rest)
  })
  return { done, stop: () => request.abort() }
}
