// Talking about a film, and sharing it, by several people at once.
import { faults } from './scenarios.mjs'

const said = (page, text) => page.locator('article', { has: page.locator('.said', { hasText: text }) })
const write = async (page, text) => {
  await page.getByPlaceholder('Write').fill(text)
  await page.getByRole('button', { name: 'Send' }).click()
  await said(page, text).waitFor()
}
const act = async (page, text, action) => {
  await said(page, text).getByRole('button', { name: /^Actions for/ }).click()
  await page.getByRole('menuitem', { name: action, exact: true }).click()
}
const at = (page, seconds) =>
  page.waitForFunction((wanted) => Math.abs((document.querySelector('video')?.currentTime ?? -1) - wanted) < 0.05, seconds)
const film = async (open, name) => {
  const page = await open({ path: '/view/day-1/film.mp4' })
  await page.waitForFunction(() => document.querySelector('video')?.duration > 0)
  await page.getByPlaceholder('Your name').fill(name)
  return page
}

export async function comment({ open }) {
  const anna = await film(open, 'Anna')
  const berta = await film(open, 'Berta')
  await anna.getByRole('slider', { name: 'Position' }).fill('5')
  await at(anna, 5)
  await write(anna, 'the boom is in the picture')
  await said(berta, 'the boom is in the picture').waitFor()
  await berta.locator('.marks .mark').click()
  await at(berta, 5)

  await act(berta, 'the boom is in the picture', 'Reply')
  await write(berta, 'I cut it out')
  await said(anna, 'I cut it out').getByText('Anna: the boom').waitFor()
  await act(anna, 'the boom is in the picture', 'Mark as done')
  await berta.locator('article.done').waitFor()

  // What is drawn on the picture comes with what is said.
  await anna.getByRole('button', { name: 'Draw on the picture' }).click()
  const field = await anna.locator('svg.ink').boundingBox()
  await anna.mouse.move(field.x + field.width / 4, field.y + field.height / 4)
  await anna.mouse.down()
  await anna.mouse.move(field.x + field.width / 2, field.y + field.height / 2, { steps: 4 })
  await anna.mouse.up()
  await write(anna, 'here, I mean')
  await said(berta, 'here, I mean').locator('button.time').click()
  await berta.locator('svg.ink path').waitFor()

  // Markup is what was written, and empty messages cannot be sent.
  await write(anna, '<img src=x onerror="window.pwned=1"><b>bold</b>')
  await said(berta, '<b>bold</b>').waitFor()
  await anna.getByPlaceholder('Write').fill('   ')
  if (await anna.getByRole('button', { name: 'Send' }).isEnabled()) throw new Error('an empty message can be sent')
  if (await berta.evaluate(() => window.pwned || document.querySelector('article img'))) throw new Error('a message ran')
  await berta.emulateMedia({ colorScheme: 'dark' })
  return { faults: [...(await faults(anna)), ...(await faults(berta))] }
}

// Somebody at a terminal is in the same room.
export async function room({ open, say, heard }) {
  const anna = await film(open, 'Anna')
  await write(anna, 'hello from the page')
  say({ said: true })
  await said(anna, 'hello from the terminal').waitFor()
  say({ seen: true })
  await heard()
}

// `password`: the account's that shares.
export async function share({ open, wanted }) {
  const found = []
  const owner = await open({ path: `/#key=${wanted.key}` })
  await owner.locator('.item').first().waitFor()
  await owner.goto('/view/day-1')
  const share = async (may, more = {}) => {
    await owner.getByRole('button', { name: 'Share' }).click()
    await owner.getByLabel(may).check()
    await owner.getByLabel(/^Note/).fill('for the edit')
    if (more.password) await owner.getByLabel(/^Password/).fill(more.password)
    await owner.getByRole('button', { name: 'Make the link' }).click()
    const address = await owner.locator('dialog input[readonly]').inputValue()
    await owner.locator('dialog svg[role=img]').waitFor()
    found.push(...(await faults(owner)))
    await owner.locator('dialog').getByRole('button', { name: 'Close' }).last().click()
    return address.replace(/^https?:\/\/[^/]+/, '')
  }
  const drop = await share('hand in files, and see nothing else')
  const stranger = await open({ path: drop })
  await stranger.getByText('For: for the edit').waitFor()
  if (stranger.url().includes('link')) throw new Error(`the secret stays in ${stranger.url()}`)
  await stranger.setInputFiles('[data-pick=files]', [wanted.file])
  await stranger.getByText('The file has arrived').waitFor()
  await stranger.getByText('compared block by block').waitFor()
  found.push(...(await faults(stranger)))
  if (await stranger.getByText('there.txt').count()) throw new Error('a drop link shows what is there')

  const locked = await share('watch and download', { password: 'sesame 42' })
  const viewer = await open({ path: locked })
  await viewer.getByRole('heading', { name: 'This link has a password' }).waitFor()
  await viewer.getByLabel('Password').fill('wrong')
  await viewer.getByRole('button', { name: 'Open' }).click()
  await viewer.getByRole('alert').waitFor()
  await viewer.getByLabel('Password').fill('sesame 42')
  await viewer.getByRole('button', { name: 'Open' }).click()
  await viewer.locator('.item', { hasText: 'there.txt' }).waitFor()
  if (await viewer.getByRole('button', { name: 'Add files' }).count()) throw new Error('who may only watch is offered to add')

  await owner.goto('/links')
  await owner.getByRole('button', { name: 'Revoke' }).first().waitFor()
  found.push(...(await faults(owner)))
  for (let left = await owner.getByRole('button', { name: 'Revoke' }).count(); left > 0; --left) {
    await owner.getByRole('button', { name: 'Revoke' }).first().click()
    await owner.waitForFunction((count) => document.querySelectorAll('main button.danger').length === count, left - 1)
  }
  await stranger.goto('about:blank')
  await stranger.goto(drop)
  await stranger.getByRole('heading', { name: 'This link does not work any more' }).waitFor()
  await viewer.reload()
  await viewer.getByRole('heading', { name: 'Log in' }).waitFor()
  return { faults: found }
}
