// What was dropped, folders with all that is in them.
import type { picked } from './handing_in.svelte'

function file_of(found: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => found.file(resolve, reject))
}

// A reader tells a hundred at a time, until it tells none.
async function read_all(found: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = found.createReader()
  const all: FileSystemEntry[] = []
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    if (some.length === 0) return all
    all.push(...some)
  }
}

export interface gathered {
  files: picked[]
  folders: string[] // paths of those that nothing is in
  unreadable: string[] // paths
}

async function walk(found: FileSystemEntry, into: gathered) {
  const path = found.fullPath.replace(/^\//, '')
  try {
    if (found.isFile) {
      into.files.push({ file: await file_of(found as FileSystemFileEntry), path })
      return
    }
    const inside = await read_all(found as FileSystemDirectoryEntry)
    if (inside.length === 0) into.folders.push(path)
    for (const each of inside) await walk(each, into)
  } catch {
    into.unreadable.push(path)
  }
}

export async function gather(from: DataTransfer): Promise<gathered> {
  // They are only there until the event is over.
  const entries = [...from.items].map((each) => each.webkitGetAsEntry()).filter((each) => each !== null)
  const plain = [...from.files].map((file) => ({ file, path: file.name }))
  if (entries.length === 0) return { files: plain, folders: [], unreadable: [] }
  const found: gathered = { files: [], folders: [], unreadable: [] }
  for (const each of entries) await walk(each, found)
  return found
}
