// One upload by the tus project's own client. The argument is JSON: file, endpoint, and what else is
// wanted; on standard output a JSON object a line says what happens.
import fs from 'node:fs'
import { Readable } from 'node:stream'
import * as tus from 'tus-js-client'

const wanted = JSON.parse(process.argv[2])
const say = (what) => fs.writeSync(1, JSON.stringify(what) + '\n')
const heard = (name) => new Promise((resolve) => { waiting[name] = resolve })
const waiting = {}
process.stdin.on('data', (text) => waiting[String(text).trim()]?.())

// A stream that does not tell its size, as a recording that goes on.
const source = wanted.deferred
  ? Readable.from(fs.createReadStream(wanted.file, { highWaterMark: 1 << 20 }))
  : fs.createReadStream(wanted.file)

const upload = new tus.Upload(source, {
  endpoint: wanted.endpoint,
  chunkSize: wanted.chunkSize ?? Number.POSITIVE_INFINITY,
  parallelUploads: wanted.parallel ?? 1,
  uploadLengthDeferred: wanted.deferred ?? false,
  uploadDataDuringCreation: wanted.duringCreation ?? false,
  overridePatchMethod: wanted.overridePatchMethod ?? false,
  retryDelays: wanted.retryDelays ?? null,
  metadata: { filename: wanted.name, filetype: 'video/mp4' },
  urlStorage: wanted.storage ? new tus.FileUrlStorage(wanted.storage) : undefined,
  storeFingerprintForResuming: Boolean(wanted.storage),
  onUploadUrlAvailable: () => say({ url: upload.url }),
  onChunkComplete: async (size, accepted, total) => {
    say({ accepted, total })
    if (wanted.pauseAt && accepted >= wanted.pauseAt) {
      wanted.pauseAt = 0
      await upload.abort(wanted.terminate ?? false)
      say({ paused: true })
      if (wanted.terminate) return
      await heard('go on')
      upload.start()
    }
  },
  onError: (error) => {
    say({ error: String(error) })
    process.exit(1)
  },
  onSuccess: () => {
    say({ done: upload.url })
    process.exit(0)
  },
})

if (wanted.storage) {
  const previous = await upload.findPreviousUploads()
  say({ found: previous.length })
  if (previous.length > 0) upload.resumeFromPreviousUpload(previous[0])
}
upload.start()
