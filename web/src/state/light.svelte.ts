// Light or dark: as the system has it, unless somebody chose.
export type light = 'auto' | 'light' | 'dark'

const system = matchMedia('(prefers-color-scheme: dark)')
const kept = localStorage.getItem('light')
const chosen = $state<{ light: light }>({ light: kept === 'light' || kept === 'dark' ? kept : 'auto' })

export const light_now = () => chosen.light

export function apply_light() {
  const dark = chosen.light === 'dark' || (chosen.light === 'auto' && system.matches)
  document.documentElement.dataset.light = dark ? 'dark' : 'light'
}
system.addEventListener('change', apply_light)

export function choose_light(wanted: light) {
  chosen.light = wanted
  localStorage.setItem('light', wanted)
  apply_light()
}
