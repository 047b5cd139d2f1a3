// Lines on a picture, kept with a comment: points from 0 to 1 of its width and height, so that they fit any size.
export interface stroke {
  color: string
  points: number[] // x, y, x, y
}
export interface drawing {
  v: 1
  strokes: stroke[]
}

export const colors = ['#ff3b30', '#ffd60a', '#30d158', '#0a84ff', '#ffffff']
const bytes_max = 15_000

const short = (value: number) => Math.round(Math.min(1, Math.max(0, value)) * 1000) / 1000

export function add_point(to: stroke, x: number, y: number) {
  const [last_x, last_y] = to.points.slice(-2)
  if (last_x !== undefined && Math.hypot(x - last_x, y - last_y!) < 0.004) return
  to.points.push(short(x), short(y))
}

export const is_full = (what: drawing) => JSON.stringify(what).length > bytes_max

// What others made: only what is a drawing, and nothing but numbers and known colours comes out of it.
export function safe_strokes(what: unknown): stroke[] {
  const strokes = (what as drawing | null)?.strokes
  if (!Array.isArray(strokes)) return []
  return strokes
    .filter((each) => Array.isArray(each?.points))
    .map((each) => ({
      color: colors.includes(each.color) ? each.color : colors[0]!,
      points: each.points.filter((value: unknown) => typeof value === 'number' && Number.isFinite(value)),
    }))
}

// As the `d` of a path in a field of 1000 by 1000.
export function path_of(what: stroke): string {
  let text = ''
  for (let i = 0; i + 1 < what.points.length; i += 2) {
    text += `${i === 0 ? 'M' : 'L'}${what.points[i]! * 1000} ${what.points[i + 1]! * 1000}`
  }
  return what.points.length === 2 ? `${text}l0.1 0` : text
}
