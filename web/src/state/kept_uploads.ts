// What this browser began to upload and did not end: kept over reloads and restarts. The file itself cannot be kept; it
// is asked for again.
import { is_upload_url } from '../server/uploads'

export interface kept_upload {
  url: string
  path: string
  size: number
  modified: number
}

const name = 'uploads'
const most = 500

export function kept_uploads(): kept_upload[] {
  try {
    const all = JSON.parse(localStorage.getItem(name) ?? '[]')
    return Array.isArray(all) ? all.filter((each) => is_upload_url(each?.url)) : []
  } catch {
    return []
  }
}

function write(all: kept_upload[]) {
  try {
    localStorage.setItem(name, JSON.stringify(all.slice(-most)))
  } catch {
    // No room, or not allowed to: then nothing is resumed after a reload.
  }
}

export const keep_upload = (what: kept_upload) => write([...kept_uploads().filter((each) => each.url !== what.url), what])
export const drop_upload = (url: string) => write(kept_uploads().filter((each) => each.url !== url))
