// What people do on the page. Each ends when what it waits for was seen; `say` tells the test in Python.
import fs from 'node:fs'
import path from 'node:path'
import { createRequire } from 'node:module'

const axe_source = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const row = (page, name) => page.locator('.item', { has: page.getByText(name, { exact: true }) })
const shown = (page, name) => row(page, name).waitFor()
const gone = (page, name) => row(page, name).waitFor({ state: 'detached' })
const menu = async (page, name, action) => {
  await row(page, name).getByRole('button', { name: `Actions for ${name}` }).click()
  await page.getByRole('menuitem', { name: action, exact: true }).click()
}
const names = (page) => page.locator('.item .open .name').allTextContents()
const in_dialog = async (page, text, button) => {
  await page.locator('dialog input[type=text]').fill(text)
  await page.locator('dialog').getByRole('button', { name: button, exact: true }).click()
  await page.locator('dialog').waitFor({ state: 'detached' })
}
const check = (what, why) => {
  if (!what) throw new Error(why)
}
const choose = (page, files, which = 'files') => page.setInputFiles(`[data-pick=${which}]`, files)
const in_tray = (page, state, name) =>
  page.locator(`.tray li[data-state=${state}]`, name ? { hasText: name } : {}).first().waitFor()
const all_arrived = (page) => page.locator('.tray header.good').waitFor()

// A line slow enough to do something in the middle.
async function slow(page, bytes_per_s) {
  const line = await page.context().newCDPSession(page)
  await line.send('Network.enable')
  const set = (upload) =>
    line.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: upload })
  await set(bytes_per_s)
  return () => set(-1)
}
const percent = (page) =>
  page.waitForFunction(() => Number(document.querySelector('.tray li .percent')?.textContent?.split(' ')[0] ?? 0) >= 20)

// --- folders ---

export async function folder({ open }) {
  const page = await open()
  await shown(page, 'a.txt')
  await page.getByRole('button', { name: 'New folder' }).click()
  await in_dialog(page, 'takes', 'New folder')
  await shown(page, 'takes')
  await menu(page, 'a.txt', 'Rename')
  await in_dialog(page, 'first.txt', 'Rename')
  await shown(page, 'first.txt')
  await gone(page, 'a.txt')

  await menu(page, 'b.txt', 'Remove')
  await gone(page, 'b.txt')
  await page.getByRole('button', { name: 'Undo' }).click()
  await shown(page, 'b.txt')

  await page.getByPlaceholder('Search').fill('FIRST')
  await gone(page, 'b.txt')
  check((await names(page)).join() === 'first.txt', 'the search finds just what it names')
  await page.getByPlaceholder('Search').fill('')
  await page.getByRole('button', { name: 'Sort by: Size' }).click()
  const sorted = (await names(page)).slice(1) // folders first
  check(sorted[0] === 'large.bin', `the largest first, not ${sorted}`)
  await page.getByRole('button', { name: 'Grid' }).click()
  await page.locator('.grid .item').first().waitFor()
  await page.getByRole('button', { name: 'List' }).click()

  // By keys alone: down to a name, selected, removed; and by its menu another two at once.
  await page.getByRole('button', { name: 'Sort by: Name' }).click()
  await page.getByRole('link', { name: 'takes' }).focus()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Space')
  await page.getByText('1 selected').waitFor()
  await page.keyboard.press('Shift+ArrowDown')
  await page.getByText('2 selected').waitFor()
  await page.keyboard.press('Delete')
  await gone(page, 'b.txt')
  await gone(page, 'first.txt')
  // Who leaves the page does not keep what was removed.
  await page.goto('about:blank')
  await page.goto('/')
  await shown(page, 'large.bin')
  await gone(page, 'b.txt')
  await gone(page, 'first.txt')
  await page.getByRole('link', { name: 'takes' }).click()
  await page.getByText('Nothing is here yet').waitFor()
  await page.getByRole('link', { name: 'Files', exact: true }).click()
  await shown(page, 'large.bin')
  await page.goBack()
  await page.getByText('Nothing is here yet').waitFor()
}

export async function zip({ open }) {
  const page = await open()
  const [file] = await Promise.all([page.waitForEvent('download'), menu(page, 'day-1', 'Download as zip')])
  const bytes = fs.readFileSync(await file.path())
  check(bytes.subarray(0, 2).toString() === 'PK', 'an archive')
  return { bytes: bytes.length, name: file.suggestedFilename() }
}

export async function look_on({ open, say, heard }) {
  const page = await open()
  await shown(page, 'old.txt')
  say({ ready: true })
  await heard() // it was renamed, and another made, by somebody else
  await gone(page, 'old.txt')
  await shown(page, 'new.txt')
  await shown(page, 'more.txt')
}

export async function many({ open }) {
  const page = await open({ path: null })
  const began = Date.now()
  await page.goto('/view/many')
  await page.getByText('10,000 items').waitFor()
  await page.locator('.item').first().waitFor()
  const usable_ms = Date.now() - began
  const in_document = await page.locator('.item').count()
  check(in_document < 120, `only what is in sight is in the document, not ${in_document}`)
  // From one end to the other in a hundred steps, each drawn.
  const frames_ms = await page.evaluate(async () => {
    const box = document.querySelector('.box')
    const took = []
    for (let step = 0; step <= 100; ++step) {
      const began = performance.now()
      box.scrollTop = (box.scrollHeight * step) / 100
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))
      took.push(performance.now() - began)
    }
    return took.sort((a, b) => a - b)
  })
  await shown(page, 'clip-10000.mov')
  await page.getByRole('link', { name: 'clip-9999.mov' }).focus()
  await page.keyboard.press('Home')
  await page.waitForFunction(() => document.activeElement?.textContent?.includes('clip-1.mov'))
  await page.getByPlaceholder('Search').fill('clip-777')
  await shown(page, 'clip-7777.mov')
  return { usable_ms, in_document, frame_p50_ms: frames_ms[50], frame_p99_ms: frames_ms[99] }
}

// --- handing in ---

export async function hand_in({ open, wanted }) {
  const page = await open({ path: '/view/day-1' })
  await choose(page, wanted.files)
  await all_arrived(page)
  await page.getByText('All 2 arrived').waitFor()
  await choose(page, wanted.folder, 'folder')
  await page.getByText('All 4 arrived').waitFor()
  await page.locator('.tray .digest').nth(3).waitFor()
  await page.waitForFunction(() => document.querySelectorAll('.tray li').length === 4 &&
    [...document.querySelectorAll('.tray li')].every((each) => each.textContent.includes('compared block by block')))
  const [receipt] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Receipt' }).click()])
  return { receipt: fs.readFileSync(await receipt.path(), 'utf8') }
}

const dragged = (page, names) => page.evaluateHandle((names) => {
  const data = new DataTransfer()
  for (const name of names) data.items.add(new File([`content of ${name}`], name))
  return data
}, names)

export async function drop({ open, wanted }) {
  const page = await open()
  await page.getByText('Nothing is here yet').waitFor()
  const from = await dragged(page, wanted.names)
  await page.dispatchEvent('main', 'dragenter', { dataTransfer: from })
  await page.getByText('Drop to add to Files').waitFor()
  await page.dispatchEvent('main', 'drop', { dataTransfer: from })
  await all_arrived(page)
  for (const name of wanted.names) await shown(page, name)
}

// A folder with what is `inside`, each `{ name }` with more inside or with content; a file without is one that the
// browser may not read.
const dragged_folder = async (page, folder) => {
  await page.evaluate((folder) => {
    const entry = ({ name, inside, content }, above) => {
      const fullPath = `${above}/${name}`
      const unreadable = (fails) => fails(new DOMException('', 'NotReadableError'))
      const file = (tell, fails) => (content === undefined ? unreadable(fails) : tell(new File([content], name)))
      if (!inside) return { isFile: true, fullPath, file }
      const listing = [inside.map((each) => entry(each, fullPath)), []]
      return { isFile: false, fullPath, createReader: () => ({ readEntries: (tell) => tell(listing.shift()) }) }
    }
    DataTransferItem.prototype.webkitGetAsEntry = () => entry(folder, '')
  }, folder)
  return dragged(page, [folder.name])
}

export async function left_out({ open, wanted }) {
  const page = await open()
  await page.getByText('Nothing is here yet').waitFor()
  await page.dispatchEvent('main', 'drop', { dataTransfer: await dragged(page, wanted.names) })
  await page.getByText(wanted.told).waitFor()
  await all_arrived(page)
  await page.dispatchEvent('main', 'drop', { dataTransfer: await dragged_folder(page, { name: 'card', inside: [{ name: 'clip.mov' }] }) })
  await page.getByText('Could not be read, and is not handed in: card/clip.mov').waitFor()
  await shown(page, 'notes.txt')
  await choose(page, wanted.folder, 'folder')
  await page.getByText('Left out, as all names that begin with a dot: sealed/.only').waitFor()
}

export async function folder_dropped({ open, wanted }) {
  const page = await open()
  await page.getByText('Nothing is here yet').waitFor()
  await page.dispatchEvent('main', 'drop', { dataTransfer: await dragged_folder(page, wanted.folder) })
  await page.getByText(wanted.told).waitFor()
  await all_arrived(page)
}

export async function pause({ open, wanted }) {
  const page = await open()
  const fast = await slow(page, 3 << 19)
  await choose(page, [wanted.file])
  await percent(page)
  await page.getByRole('button', { name: /^Pause:/ }).click()
  await in_tray(page, 'paused')
  await fast()
  await page.getByRole('button', { name: /^Go on:/ }).click()
  await all_arrived(page)
}

export async function cancel({ open, wanted }) {
  const page = await open()
  await slow(page, 3 << 19)
  await choose(page, [wanted.file])
  await percent(page)
  const ended = page.waitForResponse((answer) => answer.request().method() === 'DELETE')
  await page.getByRole('button', { name: /^Cancel:/ }).click()
  await ended
  await page.locator('.tray').waitFor({ state: 'detached' })
}

// `again`: the file that is chosen after the reload.
export async function reload({ open, wanted }) {
  const page = await open()
  const fast = await slow(page, 3 << 19)
  await choose(page, [wanted.file])
  await percent(page)
  await page.reload()
  await in_tray(page, 'ask_again')
  await fast()
  const firsts = [] // the blocks that requests begin with
  page.on('request', (request) => {
    if (request.method() === 'PUT') firsts.push(Number(new URL(request.url()).searchParams.get('first')))
  })
  const [asked] = await Promise.all([page.waitForEvent('filechooser'), page.getByRole('button', { name: /^Choose .* again$/ }).click()])
  await asked.setFiles(wanted.again)
  if (wanted.expect_refusal) {
    await page.getByText('That is another file').waitFor()
    return { firsts }
  }
  await all_arrived(page)
  return { firsts }
}

export async function killed({ open, say, heard, wanted }) {
  const page = await open({ quiet: true })
  const fast = await slow(page, 3 << 19)
  await choose(page, [wanted.file])
  await percent(page)
  say({ midway: true })
  await heard() // it was killed
  await in_tray(page, 'no_link')
  await fast()
  say({ noticed: true }) // it may come again
  await all_arrived(page)
}

export async function taken({ open, wanted }) {
  const page = await open()
  await choose(page, [wanted.file])
  await in_tray(page, 'taken')
  await page.getByRole('button', { name: 'Keep both' }).click()
  await all_arrived(page)
}

// Over several connections, both ends at once, and broken off where they meet.
export async function both_ends({ open, wanted }) {
  const page = await open()
  const requests = []
  page.on('request', (request) => {
    if (request.method() !== 'PUT') return
    requests.push({ first: Number(new URL(request.url()).searchParams.get('first')), failed: false })
    const mine = requests.at(-1)
    page.on('requestfailed', (failed) => (mine.failed ||= failed === request))
  })
  await choose(page, [wanted.file])
  await all_arrived(page)
  await page.getByText('compared block by block').waitFor()
  return { requests }
}

// --- who one is ---

export async function login({ open, wanted }) {
  const page = await open()
  await page.getByRole('heading', { name: 'Log in' }).waitFor()
  await page.getByLabel('Account').fill('anna')
  await page.getByLabel('Password').fill('wrong')
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('alert').waitFor()
  await page.getByLabel('Password').fill(wanted.password)
  await page.getByRole('button', { name: 'Log in' }).click()
  await shown(page, 'seen.txt')
  await choose_in_menu(page, 'Log out')
  await page.getByRole('heading', { name: 'Log in' }).waitFor()
  check((await page.content()).includes('seen.txt') === false, 'nothing of it stays')
}

// One's own; whoever is logged in elsewhere is not any more.
export async function own_password({ open, wanted }) {
  const pages = [await open(), await open()]
  for (const page of pages) await enter(page, wanted.password)
  const [page, other] = pages
  await choose_in_menu(page, 'Change password')
  const dialog = page.locator('dialog')
  await dialog.waitFor()
  const found = await faults(page)
  check(found.length === 0, found.join('\n'))
  const save = async (before, after) => {
    await dialog.getByLabel('Current password').fill(before)
    await dialog.getByLabel('New password').fill(after)
    await dialog.getByRole('button', { name: 'Change password' }).click()
  }
  await save('a wrong one', wanted.new_password)
  await dialog.getByRole('alert').waitFor()
  await save(wanted.password, 'short')
  await dialog.getByRole('alert').getByText('8').waitFor()
  await save(wanted.password, wanted.new_password)
  await page.getByText('Your password was changed.').waitFor()
  await page.reload()
  await shown(page, 'seen.txt')
  await other.reload()
  await enter(other, wanted.new_password)
}

async function choose_in_menu(page, name) {
  await page.getByRole('button', { name: 'Logged in as anna' }).click()
  await page.getByRole('menuitem', { name }).click()
}

async function enter(page, password) {
  await page.getByRole('heading', { name: 'Log in' }).waitFor()
  await page.getByLabel('Account').fill('anna')
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Log in' }).click()
  await shown(page, 'seen.txt')
}

// The server asks who comes in a crowd to come again.
export async function crowded({ open, wanted }) {
  const page = await open()
  let tries = 0
  let refuse = () => ({})
  await page.route('**/api/login', (route) => {
    const told = refuse(++tries)
    if (!told.after) return route.continue()
    const contentType = 'application/problem+json'
    return route.fulfill({ status: 429, headers: { 'Retry-After': told.after }, contentType, body: '{"detail":"too many"}' })
  })
  await page.getByLabel('Account').fill('anna')
  await page.getByLabel('Password').fill(wanted.password)
  const press = () => page.getByRole('button', { name: 'Log in' }).click()
  const is_told = () => page.getByRole('alert').getByText('too many').waitFor()

  refuse = () => ({ after: '30' })
  await press()
  await is_told()
  check(tries === 1, `a long wait is the person's: ${tries} tries`)

  tries = 0
  refuse = () => ({ after: '1' })
  await press()
  await page.getByRole('alert').waitFor({ state: 'detached' })
  await is_told()
  check(tries === 4, `it has an end: ${tries} tries`)

  tries = 0
  refuse = (number) => (number < 3 ? { after: '1' } : {})
  await press()
  await shown(page, 'seen.txt')
  check(tries === 3, `${tries} tries`)
}

export async function owner({ open, wanted }) {
  const page = await open({ path: `/#key=${wanted.key}` })
  await shown(page, 'seen.txt')
  const address = page.url()
  check(!address.includes(wanted.key) && !address.includes('#'), `the key stays in ${address}`)
  await page.getByRole('button', { name: /^Logged in as/ }).click()
  await page.getByRole('menuitem', { name: 'People' }).click()
  await page.getByRole('button', { name: 'New account' }).click()
  await page.getByRole('textbox', { name: 'Account' }).fill('berta')
  await page.getByLabel(/^Password/).fill('a long password')
  await page.locator('dialog').getByRole('button', { name: 'Add' }).click()
  await page.getByRole('heading', { name: 'berta' }).waitFor()
  await page.getByRole('button', { name: 'Actions for berta' }).click()
  await page.getByRole('menuitem', { name: 'New key' }).click()
  const key = await page.locator('dialog input').inputValue()
  await page.locator('dialog').getByRole('button', { name: 'Close' }).click()
  await page.goto('/now')
  await page.getByText('Space on the disk').waitFor()
  await page.locator('[data-connections]').getByText('/api/connections').waitFor()
  // Whoever got it has the page open already, as nobody.
  const other = await open()
  await other.getByRole('heading', { name: 'Log in' }).waitFor()
  await other.goto(`/#key=${key}`)
  await other.getByRole('button', { name: 'Logged in as berta' }).waitFor()
  await shown(other, 'seen.txt')
}

// --- all views ---

async function overflow(page) {
  return page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth)
}

export async function faults(page) {
  await page.evaluate(axe_source)
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }))
  return found.violations
    .filter((each) => each.impact === 'serious' || each.impact === 'critical')
    .map((each) => `${each.id}: ${each.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(' | ')}`)
}

const views = {
  folder: async (page) => page.locator('.item').first().waitFor(),
  video: async (page) => page.getByRole('slider').first().waitFor(),
  none: async (page) => page.getByText('There is no preview').waitFor(),
  people: async (page) => page.locator('.card').first().waitFor(),
  now: async (page) => page.locator('.card').nth(1).waitFor(),
  links: async (page) => page.getByRole('button', { name: 'New link' }).waitFor(),
}
const addresses = { folder: '/view/day-1', video: '/view/day-1/film.mp4', none: '/view/day-1/notes.txt', people: '/people', now: '/now', links: '/links' }

export async function accessible({ open, wanted }) {
  const told = {}
  const page = await open({ path: `/#key=${wanted.key}` })
  await page.locator('.item').first().waitFor()
  const stranger = await open()
  await stranger.getByRole('heading', { name: 'Log in' }).waitFor()
  told.login = await faults(stranger)
  for (const light of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme: light, reducedMotion: 'reduce' })
    for (const [name, ready] of Object.entries(views)) {
      await page.goto(addresses[name])
      await ready(page)
      told[`${name}, ${light}`] = await faults(page)
    }
    await page.goto('/view/day-1')
    await page.getByRole('button', { name: 'New folder' }).click()
    await page.locator('dialog').waitFor()
    told[`dialog, ${light}`] = await faults(page)
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Grid' }).click()
    await page.locator('.grid .item').first().waitFor()
    told[`grid, ${light}`] = await faults(page)
    await page.getByRole('button', { name: 'List' }).click()
    await choose(page, [wanted.file])
    await page.locator('.tray').waitFor()
    await page.locator('.tray li').first().waitFor()
    told[`tray, ${light}`] = await faults(page)
  }
  return { told }
}

export async function narrow({ open, wanted }) {
  const page = await open({ path: `/#key=${wanted.key}`, width: 360, height: 700 })
  await page.locator('.item').first().waitFor()
  const wide = []
  for (const [name, ready] of Object.entries(views)) {
    await page.goto(addresses[name])
    await ready(page)
    if (await overflow(page)) wide.push(name)
  }
  // All of it can be done there, too.
  await page.goto('/view/day-1')
  await page.getByRole('button', { name: 'New folder' }).click()
  await in_dialog(page, 'by thumb', 'New folder')
  await shown(page, 'by thumb')
  if (await overflow(page)) wide.push('folder, after')
  return { wide }
}

export async function languages({ open }) {
  const chinese = await open({ language: 'zh-CN' })
  await chinese.getByRole('button', { name: '添加文件', exact: true }).waitFor()
  check((await chinese.getAttribute('html', 'lang')) === 'zh-CN', 'the document says its language')
  await chinese.getByRole('button', { name: '菜单' }).click()
  await chinese.getByRole('menuitem', { name: '设置' }).click()
  await chinese.getByLabel('语言').selectOption('en')
  await chinese.getByRole('button', { name: 'Close' }).click()
  await chinese.getByRole('button', { name: 'Add files', exact: true }).waitFor()
  await chinese.reload()
  await chinese.getByRole('button', { name: 'Add files', exact: true }).waitFor()
  const english = await open({ language: 'en-GB' })
  await english.getByRole('button', { name: 'Add files', exact: true }).waitFor()
}

export async function hostile({ open, wanted }) {
  const page = await open()
  for (const name of wanted.names) {
    await page.locator('.item .open .name', { hasText: name }).first().waitFor()
  }
  check((await page.locator('.item img, .item script, .item svg[onload]').count()) === 0, 'a name became markup')
  for (const name of wanted.names) {
    await row(page, name).getByRole('link').click()
    await page.getByText('There is no preview').waitFor()
    check((await page.locator('h1').textContent()) === name, `the name is told as it is: ${name}`)
    await page.goBack()
    await shown(page, name)
  }
  await page.getByPlaceholder('Search').fill('<img src=x onerror=alert(1)>nothing')
  await page.getByText('Nothing here has').waitFor()
  // A file that is HTML or SVG is content, not a page of this server.
  for (const name of wanted.files) {
    const answer = await page.request.get(`/files/${encodeURIComponent(name)}`)
    check(answer.headers()['content-disposition'].startsWith('attachment'), `${name} would be shown`)
  }
  check((await page.evaluate(() => window.pwned)) === undefined, 'a script of a file ran')
}

// --- watching ---

export async function watch({ open }) {
  const page = await open({ path: '/view/day-1/film.mp4' })
  const at = () => page.evaluate(() => document.querySelector('video').currentTime)
  await page.waitForFunction(() => document.querySelector('video')?.duration > 0)
  await page.getByRole('button', { name: 'Play', exact: true }).click()
  await page.waitForFunction(() => document.querySelector('video').currentTime > 0.3)
  await page.keyboard.press('k')
  await page.waitForFunction(() => document.querySelector('video').paused)
  await page.getByRole('slider', { name: 'Position' }).fill('5')
  await page.waitForFunction(() => Math.abs(document.querySelector('video').currentTime - 5) < 0.1)
  const before = await at()
  await page.getByRole('button', { name: 'One frame on' }).click()
  await page.waitForFunction((was) => document.querySelector('video').currentTime > was + 0.02, before)
  const after = await at()
  check(after - before < 0.061, `one frame of 25 a second, not ${after - before} s`)
  await page.getByLabel('Speed').selectOption('2')
  check((await page.evaluate(() => document.querySelector('video').playbackRate)) === 2, 'twice as fast')
  await page.getByLabel('Subtitles').selectOption({ label: 'film.srt' })
  await page.waitForFunction(() => document.querySelector('video').textTracks[0]?.cues?.length === 1)
  check((await page.evaluate(() => document.querySelector('video').textTracks[0].cues[0].text)) === 'Hello there', 'the subtitle')
  await page.getByRole('button', { name: 'Next file' }).click()
  await page.getByRole('heading', { name: 'This browser cannot show “unknown.mxf”' }).waitFor()
  const [list] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Open in a player' }).click()])
  return { list: fs.readFileSync(await list.path(), 'utf8'), name: path.basename(list.suggestedFilename()) }
}

// How long a large file takes until it is safe, and until it was compared.
export async function large({ open, wanted }) {
  const page = await open()
  await page.getByText('Nothing is here yet').waitFor()
  const began = Date.now()
  await choose(page, [wanted.file])
  await page.locator('.tray header.good').waitFor({ timeout: 300_000 })
  const arrived_s = (Date.now() - began) / 1000
  await page.getByText('compared block by block').waitFor({ timeout: 300_000 })
  return { arrived_s, compared_s: (Date.now() - began) / 1000 }
}

// A film gets a picture, made by the first browser that sees it and kept by the server for the others; what is no film keeps
// its sign.
export async function posters({ open, wanted }) {
  const page = await open({ path: '/view/day-1' })
  const given = (page) =>
    page.waitForResponse((answer) => answer.request().method() === 'PUT' && answer.url().includes('/api/posters/'))
  const first = given(page)
  await page.getByRole('button', { name: 'Grid' }).click()
  const picture = row(page, 'film.mp4').locator('img')
  await picture.waitFor()
  const told = await picture.evaluate(async (image) => {
    await image.decode()
    return { width: image.naturalWidth, scheme: new URL(image.src).protocol }
  })
  const kept = await page.evaluate(async () => (await (await caches.open('posters')).keys()).length)
  await page.reload()
  await picture.waitFor()
  check((await row(page, 'notes.txt').locator('img').count()) === 0, 'a text has no picture')
  check((await first).status() === 204, 'the server takes it')

  const another = await open({ path: null })
  let fetched = 0
  another.on('request', (request) => (fetched += request.url().includes('/files/') ? 1 : 0))
  await another.goto('/view/day-1')
  await another.getByRole('button', { name: 'Grid' }).click()
  await row(another, 'film.mp4').locator('img').waitFor()
  check(fetched === 0, 'who comes later fetches the picture, not the film')

  // Who hands a film in makes its picture of their own copy.
  const own = given(another)
  await choose(another, [wanted.file])
  await all_arrived(another)
  check((await own).status() === 204, 'the picture of what was handed in')
  return { ...told, kept }
}

// From the first screen to each of what people come for, and how many steps that is: each a click, or a text that is written.
export async function paths({ open, wanted }) {
  const page = await open({ path: `/#key=${wanted.key}` })
  await shown(page, 'film.mp4')
  let steps = 0
  const step = async (does) => {
    ++steps
    await does
  }
  const path = async (walk) => {
    await page.goto('/')
    await shown(page, 'film.mp4')
    steps = 0
    await walk()
    return steps
  }
  const button = (name) => page.getByRole('button', { name, exact: true })
  return {
    hand_in: await path(async () => {
      const asked = page.waitForEvent('filechooser')
      await step(button('Add files').click())
      await step((await asked).setFiles([wanted.file]))
      await all_arrived(page)
    }),
    comment: await path(async () => {
      await step(row(page, 'film.mp4').getByRole('link').click())
      await step(page.getByPlaceholder('Write').fill('this moment'))
      await step(button('Send').click())
      await page.locator('article', { hasText: 'this moment' }).locator('button.time').waitFor()
    }),
    share: await path(async () => {
      await step(button('Share').click())
      await step(button('Make the link').click())
      await page.locator('dialog input[readonly]').waitFor()
    }),
  }
}
