-- wrk -s small_files.lua URL -- PREFIX COUNT: each request is for one of COUNT small files, by chance. At the end a
-- line of JSON says what came of it.
local threads = 0
function setup(thread)
  thread:set("seed", threads)
  threads = threads + 1
end

local prefix, count
function init(arguments)
  prefix, count = arguments[1], tonumber(arguments[2])
  math.randomseed(seed + 1)
end

function request()
  local number = math.random(0, count - 1)
  return wrk.format("GET", string.format("%s/tree/%04d/%02d", prefix, math.floor(number / 100), number % 100))
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "seconds": %.6f, "bytes": %d, "errors": %d, "p99_ms": %.3f}\n',
    summary.requests, summary.duration / 1e6, summary.bytes,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(99) / 1000))
end
