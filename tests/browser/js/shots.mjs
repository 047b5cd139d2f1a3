// A picture of each view, for docs/screenshots: tests/browser/test_screenshots.py keeps them with SLUICE_SCREENSHOTS=docs/screenshots.
import path from 'node:path'

const shot = (page, wanted, name) => page.screenshot({ path: path.join(wanted.into, `${name}.png`), animations: 'disabled' })
const button = (page, name) => page.getByRole('button', { name, exact: true })
const item = (page, name) => page.locator('.item', { hasText: name })
const film = async (page) => {
  await page.goto('/view/day-1/scene 12 take 3.mp4')
  await page.waitForFunction(() => document.querySelector('video')?.readyState >= 2)
}
const moment = async (page, seconds) => {
  await page.getByRole('slider', { name: 'Position' }).fill(String(seconds))
  await page.waitForFunction((at) => Math.abs(document.querySelector('video').currentTime - at) < 0.05, seconds)
}
const write = async (page, text) => {
  await page.getByPlaceholder('Write').fill(text)
  await button(page, 'Send').click()
  await page.locator('article', { hasText: text }).waitFor()
}
const draw = async (page) => {
  await button(page, 'Draw on the picture').click()
  const field = await page.locator('svg.ink').boundingBox()
  const to = (x, y) => [field.x + field.width * x, field.y + field.height * y]
  await page.mouse.move(...to(0.42, 0.3))
  await page.mouse.down()
  for (let step = 0; step <= 40; ++step) {
    const turn = (step / 40) * 2 * Math.PI
    await page.mouse.move(...to(0.5 - 0.08 * Math.cos(turn), 0.3 - 0.14 * Math.sin(turn)))
  }
  await page.mouse.up()
}
const pictures = (page, count) =>
  page.waitForFunction((wanted) => [...document.querySelectorAll('.grid .item img')].filter((each) => each.complete).length >= wanted, count)
const choose = (page, files) => page.setInputFiles('[data-pick=files]', files)
const slowly = async (page, bytes_per_s) => {
  const line = await page.context().newCDPSession(page)
  await line.send('Network.enable')
  const set = (upload) =>
    line.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: upload })
  await set(bytes_per_s)
  return () => set(-1)
}

async function folders(page, wanted) {
  await item(page, 'day-1').waitFor()
  await page.goto('/view/day-1')
  await item(page, 'scene 12 take 3.mp4').waitFor()
  await shot(page, wanted, 'folder')
  await button(page, 'Grid').click()
  await pictures(page, 3)
  await shot(page, wanted, 'grid')
  await button(page, 'List').click()
}

async function handing_in(page, wanted) {
  await page.goto('/view/day-2')
  await page.getByText('Nothing is here yet').waitFor()
  const fast = await slowly(page, 3_000_000)
  await choose(page, wanted.files)
  await page.waitForFunction(() => [...document.querySelectorAll('.tray .percent')].some((each) => parseInt(each.textContent) >= 20))
  await shot(page, wanted, 'hand-in')
  await fast()
  await page.locator('.tray header.good').waitFor()
  await page.waitForFunction(() => [...document.querySelectorAll('.tray li')].every((each) => each.textContent.includes('compared')))
  await shot(page, wanted, 'receipt')
  await button(page, 'Clear').click()
}

async function watching(page, wanted) {
  await film(page)
  await moment(page, 2)
  await write(page, 'The colours are right now. Thank you!')
  await moment(page, 6.4)
  await draw(page)
  await write(page, 'The clock runs out of the frame here')
  await page.locator('article', { hasText: 'out of the frame' }).locator('button.time').click()
  await page.locator('svg.ink path').waitFor()
  await shot(page, wanted, 'watch')
  await page.goto('/view/day-1')
  await item(page, 'scene 12 take 3.mp4').waitFor()
  await button(page, 'Talk').click()
  await write(page, 'All takes of the day are here.')
  await write(page, 'Sound follows tomorrow.')
  await shot(page, wanted, 'talk')
  await button(page, 'Talk').click()
}

async function sharing(page, wanted) {
  await page.goto('/view/day-2')
  await button(page, 'Share').click()
  await page.getByLabel('hand in files, and see nothing else').check()
  await page.getByLabel(/^Note/).fill('Rushes of the second unit')
  await button(page, 'Make the link').click()
  await page.locator('dialog svg[role=img]').waitFor()
  await shot(page, wanted, 'share')
  const address = await page.locator('dialog input[readonly]').inputValue()
  await page.locator('dialog').getByRole('button', { name: 'Close' }).last().click()
  await page.goto('/links')
  await page.getByRole('button', { name: 'Revoke' }).first().waitFor()
  await shot(page, wanted, 'links')
  return address.replace(/^https?:\/\/[^/]+/, '')
}

async function drop_page(open, wanted, address) {
  const page = await open({ path: address })
  await page.getByText('Rushes of the second unit').waitFor()
  await choose(page, wanted.dropped)
  await page.waitForFunction(() => document.querySelectorAll('.tray li').length > 0 &&
    [...document.querySelectorAll('.tray li')].every((each) => each.textContent.includes('compared')))
  await page.locator('.tray header.good').waitFor()
  await shot(page, wanted, 'drop')
}

async function governing(page, wanted) {
  await page.goto('/people')
  await page.getByRole('heading', { name: 'anna' }).waitFor()
  await shot(page, wanted, 'people')
  await page.goto('/now')
  await page.locator('[data-connections] li').first().waitFor()
  await shot(page, wanted, 'now')
}

export async function shots({ open, wanted }) {
  const login = await open()
  await login.getByRole('heading', { name: 'Log in' }).waitFor()
  await shot(login, wanted, 'login')
  const page = await open({ path: `/#key=${wanted.key}` })
  await folders(page, wanted)
  await handing_in(page, wanted)
  await watching(page, wanted)
  const address = await sharing(page, wanted)
  await drop_page(open, wanted, address)
  await governing(page, wanted)
  const narrow = await open({ path: `/#key=${wanted.key}`, width: 390, height: 780 })
  await item(narrow, 'day-1').waitFor()
  await narrow.goto('/view/day-1')
  await item(narrow, 'scene 12 take 3.mp4').waitFor()
  await shot(narrow, wanted, 'phone-folder')
  await film(narrow)
  await moment(narrow, 6.4)
  await narrow.locator('article').first().waitFor()
  await shot(narrow, wanted, 'phone-watch')
  const dark = await open({ path: `/#key=${wanted.key}`, light: 'dark' })
  await item(dark, 'day-1').waitFor()
  await dark.goto('/view/day-1')
  await button(dark, 'Grid').click()
  await pictures(dark, 3)
  await shot(dark, wanted, 'dark-grid')
  await film(dark)
  await moment(dark, 6.4)
  await dark.locator('article').first().waitFor()
  await shot(dark, wanted, 'dark-watch')
  const chinese = await open({ path: `/#key=${wanted.key}`, language: 'zh-CN' })
  await item(chinese, 'day-1').waitFor()
  await chinese.goto('/view/day-1')
  await item(chinese, 'scene 12 take 3.mp4').waitFor()
  await shot(chinese, wanted, 'chinese')
}
