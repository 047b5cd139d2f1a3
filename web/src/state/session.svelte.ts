// Who one is, and what one may do.
import { api, failure, words_of, type me } from '../server/api'
import { live } from '../server/live.svelte'

type right = 'see' | 'take' | 'give' | 'change' | 'talk' | 'admin'

class session {
  known = $state<me | null>(null) // null: not asked yet
  link_secret = $state('') // of a link that wants a password
  trouble = $state('')
  dead_link = $state(false)

  get account() {
    return this.known?.account ?? null
  }
  get is_drop_only() {
    return this.known?.link?.does === 'drop'
  }
  // The top of what one sees.
  get root() {
    return this.known?.link?.path ?? ''
  }
  get needs_login() {
    return this.known !== null && this.known.somewhere === '' && !this.known.link
  }

  // In some folder: whether to show a button; the server says whether it may be done here.
  may(wanted: right): boolean {
    const rights = (this.known?.somewhere ?? '').split(',')
    return rights.includes('admin') || rights.includes(wanted)
  }
  // Links belong to accounts.
  get may_share() {
    return this.account !== null || this.is_admin
  }
  get is_admin() {
    return (this.known?.rights ?? '').split(',').includes('admin')
  }

  // A secret in the address is taken out of it at once: it shall not be seen, kept or sent on.
  async start() {
    const secret = new URLSearchParams(location.hash.slice(1))
    if (location.hash.length > 1) history.replaceState(null, '', location.pathname + location.search)
    const key = secret.get('key')
    const link = secret.get('link')
    try {
      if (key) await this.login({ token: key })
      else if (link) await this.open_link(link)
      else await this.ask()
    } catch (why) {
      this.trouble = words_of(why)
      await this.ask()
    }
  }

  async ask() {
    const told = await api.me()
    this.known = { ...told, somewhere: told.somewhere === 'none' ? '' : told.somewhere }
  }

  async login(wish: Parameters<typeof api.login>[0]) {
    await api.login(wish)
    this.trouble = ''
    await this.ask()
    live.restart()
  }

  async open_link(secret: string, password?: string) {
    try {
      await this.login(password ? { link: secret, password } : { link: secret })
      this.link_secret = ''
    } catch (why) {
      if (!(why instanceof failure)) throw why
      const asks = why.wants_password || why.status === 429
      this.link_secret = asks ? secret : ''
      this.dead_link = !asks && why.status !== 0
      this.trouble = asks && password === undefined ? '' : why.detail
      await this.ask()
    }
  }

  async logout() {
    await api.logout()
    this.dead_link = false
    await this.ask()
    live.restart()
  }
}

export const session_now = new session()
