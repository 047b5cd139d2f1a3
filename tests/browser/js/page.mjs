// The page in Chromium, as people use it. The argument is JSON: origin, browser, scenario (a function of scenarios.mjs or talking.mjs), and what
// it needs; on standard output a JSON object a line says what happens; a line on standard input lets it go on.
import fs from 'node:fs'
import readline from 'node:readline'
import { chromium } from 'playwright-core'
import * as alone from './scenarios.mjs'
import * as pictures from './shots.mjs'
import * as together from './talking.mjs'

const wanted = JSON.parse(process.argv[2])
const say = (what) => fs.writeSync(1, JSON.stringify(what) + '\n')
const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const heard = async () => (await lines.next()).value

const browser = await chromium.launch({ executablePath: wanted.browser, args: ['--no-sandbox', '--disable-dev-shm-usage'] })

// A window of its own: size, language, light or dark.
async function open({ path = '/', language = 'en-GB', width = 1280, height = 800, light = 'light', quiet = false } = {}) {
  const context = await browser.newContext({
    baseURL: wanted.origin, locale: language, viewport: { width, height }, colorScheme: light, acceptDownloads: true,
  })
  const page = await context.newPage()
  page.setDefaultTimeout(45_000)
  page.on('pageerror', (error) => say({ error: `in the page: ${error}` }))
  page.on('console', (message) => {
    const text = message.text()
    if (message.type() === 'error' && !quiet && !/Failed to load resource|WebSocket|ERR_/.test(text)) say({ error: text })
  })
  page.on('dialog', (dialog) => (dialog.type() === 'beforeunload' ? dialog.accept() : say({ error: `a dialog: ${dialog.message()}` })))
  page.on('request', (request) => {
    const url = request.url()
    if (!url.startsWith(wanted.origin) && !/^(blob|data|about):/.test(url)) say({ error: `asked elsewhere: ${url}` })
  })
  if (path !== null) await page.goto(path)
  return page
}

try {
  const told = await { ...alone, ...together, ...pictures }[wanted.scenario]({ wanted, say, heard, open, browser })
  say({ done: told ?? true })
} catch (error) {
  say({ error: String(error?.stack ?? error) })
}
await browser.close()
process.exit(0)
