// Chromium with a page of the server's own origin, which the server does not have: the browser is given it in place of
// an answer. The argument is JSON: origin, what to do, and with what; on standard output a JSON object a line says what
// happens.
import fs from 'node:fs'
import { chromium } from 'playwright-core'

const wanted = JSON.parse(process.argv[2])
const say = (what) => fs.writeSync(1, JSON.stringify(what) + '\n')
const page_url = `${wanted.origin}/page-of-the-test`

const browser = await chromium.launch({ executablePath: wanted.browser, args: ['--no-sandbox', '--disable-dev-shm-usage'] })
const page = await browser.newPage()
page.on('pageerror', (error) => say({ error: String(error) }))
await page.exposeFunction('say', say)
await page.route(page_url, (route) => route.fulfill({ contentType: 'text/html', body: '<input type="file">' }))

// In the page. `pauseAt`: the upload is stopped there, and either thrown away or gone on with.
async function upload({ endpoint, parallel, chunkSize, pauseAt, terminate }) {
  const file = document.querySelector('input').files[0]
  await new Promise((resolve, reject) => {
    let paused = false
    const running = new window.tus.Upload(file, {
      endpoint,
      chunkSize: chunkSize ?? Number.POSITIVE_INFINITY,
      parallelUploads: parallel ?? 1,
      retryDelays: null,
      metadata: { filename: file.name, filetype: file.type },
      onUploadUrlAvailable: () => window.say({ url: running.url }),
      onChunkComplete: async (size, accepted) => {
        if (!pauseAt || paused || accepted < pauseAt) return
        paused = true
        await running.abort(terminate ?? false)
        await window.say({ paused: accepted })
        if (terminate) resolve()
        else running.start()
      },
      onError: reject,
      onSuccess: resolve,
    })
    running.start()
  })
}

// In the page. Plays, seeks and plays on; how far it came each time.
async function play({ source, seekTo }) {
  const video = document.body.appendChild(document.createElement('video'))
  const heard = (name) => new Promise((resolve, reject) => {
    video.addEventListener(name, resolve, { once: true })
    video.addEventListener('error', () => reject(new Error(video.error.message)), { once: true })
  })
  const until = async (second) => {
    while (video.currentTime < second) await heard('timeupdate')
    return video.currentTime
  }
  video.muted = true
  const known = heard('loadedmetadata')
  video.src = source
  await known
  await video.play()
  const first = await until(0.5)
  const found = heard('seeked')
  video.currentTime = seekTo
  await found
  const second = await until(seekTo + 0.5)
  return { duration: video.duration, width: video.videoWidth, first, second, frames: video.getVideoPlaybackQuality().totalVideoFrames }
}

try {
  await page.goto(page_url)
  if (wanted.upload) {
    await page.addScriptTag({ path: 'node_modules/tus-js-client/dist/tus.js' })
    await page.setInputFiles('input', wanted.file)
    await page.evaluate(upload, wanted.upload)
    say({ done: true })
  } else {
    const statuses = []
    page.on('response', (answer) => {
      if (answer.url().endsWith(wanted.play.source)) statuses.push(answer.status())
    })
    const told = await page.evaluate(play, wanted.play)
    say({ played: told, statuses })
  }
} catch (error) {
  say({ error: String(error) })
}
await browser.close()
