// node embed.mjs DIST OUT.cc: the built page as C++, each file plain, by gzip and by brotli.
import crypto from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import zlib from 'node:zlib'

const [dist, out] = process.argv.slice(2)
const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
}

// A literal of bytes. Three octal digits each, so that no digit behind belongs to it; pieces, since no line is long.
function literal(bytes) {
  const pieces = []
  for (let at = 0; at < bytes.length; at += 64) {
    let text = ''
    for (const byte of bytes.subarray(at, at + 64)) {
      const plain = byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c && byte !== 0x3f
      text += plain ? String.fromCharCode(byte) : '\\' + byte.toString(8).padStart(3, '0')
    }
    pieces.push(`    "${text}"`)
  }
  return `std::string_view(\n${pieces.join('\n')},\n    ${bytes.length})`
}

const files = fs.readdirSync(dist, { recursive: true, withFileTypes: true })
  .filter((each) => each.isFile())
  .map((each) => path.join(each.parentPath ?? each.path, each.name))
  .map((file) => ({ file, name: '/' + path.relative(dist, file) }))
  .sort((a, b) => (a.name < b.name ? -1 : 1))

const rows = files.map(({ file, name }) => {
  const bytes = fs.readFileSync(file)
  const type = types[path.extname(name)]
  if (!type) throw new Error(`${name}: what type is it?`)
  const tag = crypto.createHash('sha256').update(bytes).digest('hex').slice(0, 24)
  const gzip = zlib.gzipSync(bytes, { level: 9 })
  const brotli = zlib.brotliCompressSync(bytes)
  return `  page_asset{"${name}", "${type}", "${tag}",\n${[bytes, gzip, brotli].map(literal).join(',\n')}}`
})

fs.writeFileSync(out, `// Made by web/embed.mjs.
#include <array>

#include "http/page_assets.h"

namespace sluice::http {
namespace {

constexpr std::array assets{
${rows.join(',\n')},
};

}  // namespace

std::span<const page_asset> page_assets() noexcept { return assets; }

}  // namespace sluice::http
`)
