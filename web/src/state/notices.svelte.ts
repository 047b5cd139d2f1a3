// Short messages at the bottom of the page, some with something to do.
export interface notice {
  id: number
  text: string
  trouble?: boolean
  action?: { label: string; run: () => void }
}

const all = $state<{ list: notice[] }>({ list: [] })
let next_id = 1

export const notices_now = () => all.list

export function dismiss(id: number) {
  all.list = all.list.filter((each) => each.id !== id)
}

export function notify(text: string, more: Partial<notice> & { for_ms?: number } = {}): number {
  const { for_ms = more.trouble ? 8000 : 4000, ...rest } = more
  const id = next_id++
  all.list = [...all.list.slice(-3), { id, text, ...rest }]
  setTimeout(() => dismiss(id), for_ms)
  return id
}
