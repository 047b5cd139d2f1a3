// node tus_upload.mjs FILE ENDPOINT: one upload by the tus project's client, in one stream and one request.
import fs from 'node:fs'
import path from 'node:path'
import { Upload } from 'tus-js-client'

const [file, endpoint] = process.argv.slice(2)
new Upload(fs.createReadStream(file), {
  endpoint,
  chunkSize: Number.POSITIVE_INFINITY,
  retryDelays: null,
  metadata: { filename: path.basename(file) },
  storeFingerprintForResuming: false,
  onError: (error) => {
    console.error(String(error))
    process.exit(1)
  },
  onSuccess: () => process.exit(0),
}).start()
