// Where in the page one is: the address, read and written.
import { path_in_url } from '../server/api'

export type place =
  | { view: 'path'; path: string } // a folder or a file
  | { view: 'links' | 'people' | 'now' }

function read(): place {
  const path = location.pathname
  if (path === '/links' || path === '/people' || path === '/now') {
    return { view: path.slice(1) as 'links' | 'people' | 'now' }
  }
  if (!path.startsWith('/view/')) return { view: 'path', path: '' }
  const parts = path.slice('/view/'.length).split('/').filter(Boolean)
  try {
    return { view: 'path', path: parts.map(decodeURIComponent).join('/') }
  } catch {
    return { view: 'path', path: parts.join('/') }
  }
}

const here = $state<{ now: place }>({ now: read() })

export const place_now = () => here.now

export const address_of = (path: string) => (path === '' ? '/' : `/view/${path_in_url(path)}`)

export function go(address: string, replace = false) {
  if (address !== location.pathname + location.search) {
    if (replace) history.replaceState(null, '', address)
    else history.pushState(null, '', address)
  }
  here.now = read()
}

addEventListener('popstate', () => (here.now = read()))

// For links of the page itself: a plain click stays in the page, all others are the browser's.
export function stay(event: MouseEvent) {
  const link = (event.target as Element | null)?.closest('a')
  if (!link || event.defaultPrevented || event.button !== 0) return
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
  if (link.target || link.hasAttribute('download') || link.origin !== location.origin) return
  if (!/^\/($|view\/|links$|people$|now$)/.test(link.pathname)) return
  event.preventDefault()
  go(link.pathname)
}
