// node tus_server.mjs FOLDER NAME: the tus project's server on a port of the system's choice, which it prints. What is
// uploaded is kept in FOLDER under NAME.
import http from 'node:http'
import { FileStore } from '@tus/file-store'
import { Server } from '@tus/server'

const [folder, name] = process.argv.slice(2)
const tus = new Server({
  path: '/tus',
  datastore: new FileStore({ directory: folder }),
  namingFunction: () => name,
})
const server = http.createServer(tus.handle.bind(tus))
server.listen(0, '127.0.0.1', () => console.log(`listening on 127.0.0.1:${server.address().port}`))
process.on('SIGTERM', () => process.exit(0))
