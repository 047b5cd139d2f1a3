// Removing with a way back: what is to be removed is out of sight at once, and goes some seconds later. Who closes the
// page before that lets it go.
import { api, name_of, words_of } from '../server/api'
import { t } from '../text/text.svelte'
import { dismiss, notify } from './notices.svelte'

export const seconds_to_undo = 8

const waiting = $state<{ paths: Set<string> }>({ paths: new Set() })

export const is_going = (path: string) => waiting.paths.has(path)

function keep(paths: string[]) {
  const rest = new Set(waiting.paths)
  for (const each of paths) rest.delete(each)
  waiting.paths = rest
}

export function remove_soon(paths: string[]) {
  waiting.paths = new Set([...waiting.paths, ...paths])
  const go = async () => {
    removeEventListener('pagehide', leave)
    for (const path of paths) {
      try {
        await api.remove(path)
      } catch (why) {
        notify(t('went_wrong', words_of(why)), { trouble: true })
      }
    }
    keep(paths)
  }
  // Nothing of a page that is left runs on: all of them are asked for at once.
  const leave = () => {
    for (const path of paths) void api.remove(path, true).catch(() => {})
  }
  addEventListener('pagehide', leave)
  const text =
    paths.length === 1
      ? t('removed_one', name_of(paths[0]!), seconds_to_undo)
      : t('removed_many', paths.length, seconds_to_undo)
  const timer = setTimeout(() => void go(), seconds_to_undo * 1000)
  const shown = notify(text, {
    for_ms: seconds_to_undo * 1000,
    action: {
      label: t('undo'),
      run: () => {
        clearTimeout(timer)
        removeEventListener('pagehide', leave)
        keep(paths)
        dismiss(shown)
        notify(t('undone'))
      },
    },
  })
}
