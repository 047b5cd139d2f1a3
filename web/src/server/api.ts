// Requests to the server's API (docs/api.md). What goes wrong is a `failure` with words for people.

export interface entry {
  path: string
  name: string
  kind: 'file' | 'folder'
  modified: string
  size?: number
  type?: string
  etag?: string
  url?: string
}

export interface link_facts {
  id: string
  path: string
  does: 'watch' | 'drop' | 'both'
  label?: string
  by?: string
  expires_ms?: number | null
  has_password?: boolean
  used?: number
  max_uses?: number | null
  made_ms?: number
  dead?: string | null
}

export interface me {
  account: string | null
  has_password: boolean // it can be changed
  rights: string
  somewhere: string
  path?: string // where a link leads
  link?: link_facts | null
}

export interface grant {
  path: string
  rights: string
}

export interface account {
  name: string
  password: boolean
  grants: grant[]
}

export interface token {
  id: string
  account: string
  label: string
  session: boolean
  scope: grant
  expires_s: number | null
}

export interface upload_facts {
  path: string
  size: number | null
  durable: number
  active: boolean
}

export interface connection_facts {
  address: string
  protocol: string
  who: string
  does: string
  since: string
  received: number
  sent: number
}

export interface digest_run {
  path: string
  block_bytes: number
  first: number
  digests: string[]
  size: number | null
  offset?: number
  done?: boolean
}

// status 0: the server was not reached.
export class failure extends Error {
  constructor(
    readonly status: number,
    readonly detail: string,
    readonly wants_password = false, // of a link
    readonly retry_after_s = 0, // 0: it does not say
  ) {
    super(detail)
  }
}

export const words_of = (why: unknown) => (why instanceof Error ? why.message : String(why))

export const path_in_url = (path: string) => path.split('/').map(encodeURIComponent).join('/')

export const name_of = (path: string) => path.slice(path.lastIndexOf('/') + 1)
export const folder_of = (path: string) => (path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '')
export const join = (folder: string, name: string) => (folder === '' ? name : `${folder}/${name}`)

// The browser sends the session's cookie by itself. X-Requested-With: the server then does not make it ask for a
// password by a window of its own.
export async function ask(method: string, url: string, body?: unknown, more: RequestInit = {}): Promise<Response> {
  const headers: Record<string, string> = { 'X-Requested-With': 'sluice' }
  const is_content = body instanceof Blob
  if (body !== undefined && !is_content) headers['Content-Type'] = 'application/json'
  let answer: Response
  try {
    answer = await fetch(url, {
      method,
      headers: { ...headers, ...(more.headers as Record<string, string>) },
      body: body === undefined || is_content ? (body as Blob) : JSON.stringify(body),
      signal: more.signal ?? null,
      keepalive: more.keepalive ?? false,
    })
  } catch (why) {
    if (more.signal?.aborted) throw why
    throw new failure(0, words_of(why))
  }
  if (!answer.ok) {
    throw failure_of(answer.status, await answer.text(), Number(answer.headers.get('Retry-After') ?? 0))
  }
  return answer
}

// `text`: a problem document, as it should be.
export function failure_of(status: number, text: string, retry_after_s = 0): failure {
  try {
    const told = JSON.parse(text)
    const detail = String(told.detail ?? told.title ?? status)
    return new failure(status, detail, told.wants_password === true, retry_after_s)
  } catch {
    return new failure(status, String(status), false, retry_after_s)
  }
}

const get = async <T>(url: string, signal?: AbortSignal) =>
  (await ask('GET', url, undefined, signal ? { signal } : {})).json() as Promise<T>
const post = async <T>(url: string, body: unknown, more: RequestInit = {}) => {
  const answer = await ask('POST', url, body, more)
  return (answer.status === 204 ? undefined : await answer.json()) as T
}

interface login_wish {
  token?: string
  account?: string
  link?: string
  password?: string
  new_password?: string // the account's from then on
}

const LOGIN_WAIT_MAX_S = 2
const LOGIN_TRIES_MAX = 4

// Who comes together with many others is asked to come again in a second (docs/api.md, "Wrong passwords"). That is no
// work for people; a longer wait, behind wrong passwords, they have to see.
async function login(wish: login_wish): Promise<me> {
  for (let tries = 1; ; ++tries) {
    try {
      return await post<me>('/api/login', wish)
    } catch (why) {
      const is_crowd = why instanceof failure && why.status === 429
      if (!is_crowd || why.retry_after_s < 1 || why.retry_after_s > LOGIN_WAIT_MAX_S || tries === LOGIN_TRIES_MAX) throw why
      await new Promise((over) => setTimeout(over, why.retry_after_s * 1000))
    }
  }
}

export const api = {
  me: () => get<me>('/api/me'),
  login,
  logout: () => post<void>('/api/logout', {}),
  stat: (path: string, signal?: AbortSignal) => get<entry>(`/api/stat/${path_in_url(path)}`, signal),
  mkdir: (path: string, may_exist = false) => post<entry>('/api/mkdir', { path, parents: true, may_exist }),
  rename: (from: string, to: string) => post<entry>('/api/rename', { from, to }),
  remove: (path: string, keepalive = false) => post<void>('/api/remove', { path, recursive: true }, { keepalive }),
  server: () => get<{ space?: { total: number; usable: number } }>('/api/server'),
  uploads: async () => (await get<{ uploads: upload_facts[] }>('/api/uploads')).uploads,
  connections: () => get<{ count: number; connections: connection_facts[] }>('/api/connections'),
  accounts: async () => (await get<{ accounts: account[] }>('/api/accounts')).accounts,
  add_account: (name: string, password: string, grants: grant[]) =>
    post<void>('/api/accounts', { name, ...(password ? { password } : {}), grants }),
  set_password: (name: string, password: string) => post<void>('/api/accounts/password', { name, password }),
  grant: (name: string, path: string, rights: string) => post<void>('/api/accounts/grant', { name, path, rights }),
  remove_account: (name: string) => post<void>('/api/accounts/remove', { name }),
  tokens: async () => (await get<{ tokens: token[] }>('/api/tokens')).tokens,
  add_token: (wish: { account: string; label?: string; lifetime_s?: number }) =>
    post<{ id: string; token: string }>('/api/tokens', wish),
  revoke_token: (id: string) => post<void>('/api/tokens/revoke', { id }),
  links: async () => (await get<{ links: link_facts[] }>('/api/links')).links,
  add_link: (wish: { path: string; does: string; label?: string; lifetime_s?: number; password?: string }) =>
    post<{ id: string; secret: string; url: string }>('/api/links', wish),
  revoke_link: (id: string) => post<void>('/api/links/revoke', { id }),
}

// All of a folder, a page after the other; `some` is called with each page as it comes.
export async function list_folder(path: string, signal: AbortSignal, some: (entries: entry[]) => void) {
  let after: string | undefined
  do {
    const query = `limit=5000${after === undefined ? '' : `&after=${encodeURIComponent(after)}`}`
    const page = await get<{ entries: entry[]; next?: string }>(`/api/list/${path_in_url(path)}?${query}`, signal)
    some(page.entries)
    after = page.next
  } while (after !== undefined)
}
