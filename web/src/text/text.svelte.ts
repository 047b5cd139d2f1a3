// The words of the page in the language that was chosen, and how numbers and times are written.
import { en, type words } from './en'
import { zh } from './zh'

export type language = 'en' | 'zh'
const all: Record<language, words> = { en, zh }

function first_language(): language {
  const kept = localStorage.getItem('language')
  if (kept === 'en' || kept === 'zh') return kept
  return navigator.languages.some((each) => each.toLowerCase().startsWith('zh')) &&
    !navigator.languages[0]?.toLowerCase().startsWith('en')
    ? 'zh'
    : 'en'
}

const chosen = $state({ language: first_language() })

export const language_now = () => chosen.language

export function choose_language(wanted: language) {
  chosen.language = wanted
  localStorage.setItem('language', wanted)
  tell_document()
}

export function tell_document() {
  document.documentElement.lang = chosen.language === 'zh' ? 'zh-CN' : 'en'
}

// {0}, {1} of the words are replaced; what is put in is text like all else, never markup.
export function t(key: keyof words, ...put: (string | number)[]): string {
  return all[chosen.language][key].replace(/\{(\d)\}/g, (_, at) => String(put[Number(at)] ?? ''))
}

export const count_of = (count: number) => (count === 1 ? t('count_one') : t('count', number_text(count)))

// The first of them, and how many more there are.
export const names_text = (names: string[]) =>
  names.slice(0, 3).join(', ') + (names.length > 3 ? ` +${number_text(names.length - 3)}` : '')

const locale = () => (chosen.language === 'zh' ? 'zh-CN' : 'en-GB')

export const number_text = (value: number) => value.toLocaleString(locale())

// 1 kB = 1000 bytes, as the command line says it.
export function size_text(bytes: number | null | undefined): string {
  if (bytes == null) return '–'
  let value = bytes
  for (const unit of ['B', 'kB', 'MB', 'GB', 'TB']) {
    if (value < 999.5 || unit === 'TB') {
      return `${unit === 'B' || value >= 100 ? Math.round(value) : value.toFixed(1)} ${unit}`
    }
    value /= 1000
  }
  return ''
}

export const speed_text = (bytes_per_s: number) => `${size_text(bytes_per_s)}/s`

// Today only the time, this year without the year.
export function moment_text(when: Date | string | number): string {
  const date = new Date(when)
  const today = new Date()
  const time: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit' }
  if (date.toDateString() === today.toDateString()) return date.toLocaleTimeString(locale(), time)
  const day: Intl.DateTimeFormatOptions = { day: 'numeric', month: 'short' }
  if (date.getFullYear() === today.getFullYear()) {
    return date.toLocaleString(locale(), { ...day, ...time })
  }
  return date.toLocaleDateString(locale(), { ...day, year: 'numeric' })
}

// How long: "1:05", "2:13:09".
export function duration_text(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–'
  const whole = Math.max(0, Math.round(seconds))
  const two = (value: number) => String(value).padStart(2, '0')
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`
}

// Where in a film, to the millisecond: "1:23.500".
export function timecode(at_ms: number): string {
  const ms = Math.max(0, Math.round(at_ms))
  const rest = String(ms % 1000).padStart(3, '0')
  const s = Math.floor(ms / 1000)
  const two = (value: number) => String(value).padStart(2, '0')
  const [h, m] = [Math.floor(s / 3600), Math.floor(s / 60) % 60]
  return `${h > 0 ? `${h}:${two(m)}` : m}:${two(s % 60)}.${rest}`
}
