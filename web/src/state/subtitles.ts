// Subtitles beside a film: "film.srt", "film.en.vtt". As WebVTT, which is what browsers read.
import type { entry } from '../server/api'

export const stem_of = (name: string) => (name.includes('.') ? name.slice(0, name.lastIndexOf('.')) : name)

export function subtitles_of(film: string, beside: entry[]): entry[] {
  const stem = `${stem_of(film)}.`.toLowerCase()
  return beside.filter((each) => /\.(srt|vtt)$/i.test(each.name) && each.name.toLowerCase().startsWith(stem))
}

export function as_vtt(text: string): string {
  const plain = text.replace(/^\ufeff/, '').replace(/\r\n?/g, '\n')
  if (plain.startsWith('WEBVTT')) return plain
  return `WEBVTT\n\n${plain.replace(/(\d\d:\d\d:\d\d),(\d{3})/g, '$1.$2')}`
}

export async function track_of(what: entry): Promise<string> {
  const answer = await fetch(what.url!, { headers: { 'X-Requested-With': 'sluice' } })
  if (!answer.ok || (what.size ?? 0) > 5_000_000) throw new Error(`${answer.status}`)
  return URL.createObjectURL(new Blob([as_vtt(await answer.text())], { type: 'text/vtt' }))
}
