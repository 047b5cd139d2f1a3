// What a file is to people, by the ending of its name.
import type { icon } from '../parts/Icon.svelte'

const video = 'mp4 m4v mov webm mkv avi mxf mts m2ts ts mpg ogv'
const audio = 'wav mp3 aac m4a flac ogg oga opus aif aiff weba'
const image = 'jpg jpeg png webp gif tif tiff'

const kinds = new Map<string, 'video' | 'audio' | 'image'>()
for (const [kind, endings] of [['video', video], ['audio', audio], ['image', image]] as const) {
  for (const each of endings.split(' ')) kinds.set(each, kind)
}

export type kind = 'folder' | 'video' | 'audio' | 'image' | 'file'

export function kind_of(what: { name: string; kind?: string }): kind {
  if (what.kind === 'folder') return 'folder'
  const ending = what.name.slice(what.name.lastIndexOf('.') + 1).toLowerCase()
  return kinds.get(ending) ?? 'file'
}

export const icon_of = (what: { name: string; kind?: string }): icon => kind_of(what)
