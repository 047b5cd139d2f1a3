// The frame codec on memory alone: frames a second, one core. Names end in the payload bytes.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <vector>

#include "sluice/frame_codec.h"

namespace {

using bytes = std::vector<std::byte>;

// About a read buffer full, so that the cache and not the memory is measured.
constexpr std::size_t buffer_bytes = 64 << 10;

sluice::frame_format format_of(const sluice::frame_options& options) {
  return sluice::frame_format::make(options).value();
}

bytes frames_of(const sluice::frame_format& format, std::size_t payload_bytes) {
  const sluice::frame_encoder encoder(format);
  const bytes payload(payload_bytes, std::byte{'x'});
  bytes wire;
  do encoder.encode(payload, wire).value();
  while (wire.size() < buffer_bytes);
  return wire;
}

// Reads `wire` over and over, `piece_bytes` at a time.
void decode(benchmark::State& state, const sluice::frame_format& format, const bytes& wire,
            std::size_t piece_bytes) {
  sluice::frame_decoder decoder(format);
  std::int64_t frames = 0, bytes_seen = 0;
  for ([[maybe_unused]] auto _ : state) {
    for (std::size_t at = 0; at < wire.size(); at += piece_bytes) {
      auto input = std::span(wire).subspan(at, std::min(piece_bytes, wire.size() - at));
      for (;;) {
        const auto frame = decoder.next(input);
        if (!frame) return state.SkipWithError(frame.error().message().c_str());
        if (!*frame) break;
        benchmark::DoNotOptimize((*frame)->data());
        bytes_seen += static_cast<std::int64_t>((*frame)->size());
        ++frames;
      }
    }
  }
  state.SetItemsProcessed(frames);
  state.SetBytesProcessed(bytes_seen);
}

void decode_whole(benchmark::State& state) {
  const sluice::frame_format format;
  decode(state, format, frames_of(format, static_cast<std::size_t>(state.range(0))), SIZE_MAX / 2);
}
BENCHMARK(decode_whole)->Arg(16)->Arg(60)->Arg(64)->Arg(1024)->Arg(16384);

void decode_width_3_little(benchmark::State& state) {
  const auto format = format_of({.length_width = 3, .order = sluice::byte_order::little});
  decode(state, format, frames_of(format, static_cast<std::size_t>(state.range(0))), SIZE_MAX / 2);
}
BENCHMARK(decode_width_3_little)->Arg(64);

// Pieces of 1460 bytes, a TCP segment: one frame in 21 comes in two pieces.
void decode_segments(benchmark::State& state) {
  const sluice::frame_format format;
  decode(state, format, frames_of(format, static_cast<std::size_t>(state.range(0))), 1460);
}
BENCHMARK(decode_segments)->Arg(64);

// Pieces of 40 bytes: each frame is gathered.
void decode_gathered(benchmark::State& state) {
  const sluice::frame_format format;
  decode(state, format, frames_of(format, static_cast<std::size_t>(state.range(0))), 40);
}
BENCHMARK(decode_gathered)->Arg(64);

void encode(benchmark::State& state) {
  const sluice::frame_encoder encoder;
  const bytes payload(static_cast<std::size_t>(state.range(0)), std::byte{'x'});
  bytes out;
  std::int64_t frames = 0;
  for ([[maybe_unused]] auto _ : state) {
    out.clear();
    while (out.size() < buffer_bytes) {
      if (!encoder.encode(payload, out)) return state.SkipWithError("refused");
      ++frames;
    }
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(frames);
  state.SetBytesProcessed(frames * state.range(0));
}
BENCHMARK(encode)->Arg(16)->Arg(64)->Arg(1024)->Arg(16384);

void encode_head(benchmark::State& state) {
  const sluice::frame_encoder encoder;
  std::byte head[4];
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(encoder.encode_head(static_cast<std::size_t>(state.range(0)), head));
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(encode_head)->Arg(64);

}  // namespace

BENCHMARK_MAIN();
