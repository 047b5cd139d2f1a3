// The frame codec against a decoder so simple that it is right by sight: any format, any bytes, cut
// anywhere, the maximum changed on the way. Both must read the same frames and end the same way,
// and every frame, written again, must give the same bytes.
#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "sluice/frame_codec.h"

namespace {

using bytes = std::vector<std::byte>;
using view = std::span<const std::byte>;
__extension__ using wide = __int128;

struct reading {
  std::vector<bytes> frames;  // stripped
  std::vector<view> wholes;   // as on the wire; the reference alone fills it
  std::optional<sluice::errc> failure;
  std::uint64_t discarded_frames = 0;
};

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

// From the byte `change_at` on, the maximum is `later_maximum`.
struct plan {
  std::size_t change_at;
  std::size_t later_maximum;
};

reading reference(const sluice::frame_options& o, const plan& p, view wire) {
  reading r;
  const std::size_t head = o.length_offset + o.length_width, strip = o.strip.value_or(head);
  std::size_t at = 0;
  while (at < wire.size()) {
    const std::size_t left = wire.size() - at;
    if (left < head) return r.failure = sluice::errc::broken_stream, r;
    wide value = 0;
    for (std::size_t i = 0; i < o.length_width; ++i) {
      const auto k = o.order == sluice::byte_order::big ? i : o.length_width - 1 - i;
      value = value * 256 + static_cast<int>(wire[at + o.length_offset + k]);
    }
    const wide frame = static_cast<wide>(head) + value + o.length_adjustment;
    const bool top_bit = value >> 63 != 0;
    if (top_bit || frame < static_cast<wide>(std::max(head, strip)))
      return r.failure = sluice::errc::bad_frame, r;
    const bool oversized =
        frame > static_cast<wide>(at + head <= p.change_at ? o.max_frame_bytes : p.later_maximum);
    if (oversized && o.oversized == sluice::oversize::fail)
      return r.failure = sluice::errc::frame_too_large, r;
    r.discarded_frames += oversized;
    if (frame > static_cast<wide>(left)) return r.failure = sluice::errc::broken_stream, r;
    const view whole = wire.subspan(at, static_cast<std::size_t>(frame));
    if (!oversized) {
      r.wholes.push_back(whole);
      r.frames.emplace_back(whole.begin() + static_cast<std::ptrdiff_t>(strip), whole.end());
    }
    at += whole.size();
  }
  return r;
}

// False at an error. The piece is copied to memory of exactly its size, to catch a read beyond it.
bool feed(sluice::frame_decoder& decoder, view piece, reading& r) {
  const bytes exact(piece.begin(), piece.end());
  view input(exact);
  for (;;) {
    const auto frame = decoder.next(input);
    if (!frame) return r.failure = frame.error().code, false;
    if (!*frame) return require(input.empty(), "nullopt means that all is taken"), true;
    r.frames.emplace_back((*frame)->begin(), (*frame)->end());
  }
}

reading real(const sluice::frame_format& format, const plan& p, view wire,
             FuzzedDataProvider& choices) {
  reading r;
  sluice::frame_decoder decoder(format);
  for (std::size_t at = 0; at < wire.size();) {
    if (at == p.change_at) (void)decoder.set_max_frame_bytes(p.later_maximum);
    const std::size_t stop = at < p.change_at ? std::min(p.change_at, wire.size()) : wire.size();
    const auto piece = std::min<std::size_t>(
        stop - at, choices.remaining_bytes() ? choices.ConsumeIntegralInRange(1, 64) : SIZE_MAX);
    if (!feed(decoder, wire.subspan(at, piece), r)) break;
    at += piece;
    require(decoder.memory_bytes() <= 2 * at, "memory follows the bytes that arrived");
  }
  const auto finished = decoder.finish();
  if (r.failure) {
    require(!finished && finished.error().code == *r.failure, "the same error each time");
  } else if (!finished) {
    r.failure = finished.error().code;
  }
  r.discarded_frames = decoder.discarded_frames();
  return r;
}

void write_again(const sluice::frame_format& format, const std::vector<view>& wholes) {
  sluice::frame_encoder encoder(format);
  const auto offset = static_cast<std::ptrdiff_t>(format.options().length_offset);
  const auto head = static_cast<std::ptrdiff_t>(format.head_size());
  bytes out;
  for (const view whole : wholes) {
    bytes content(whole.begin(), whole.begin() + offset);
    content.insert(content.end(), whole.begin() + head, whole.end());
    out.clear();
    require(encoder.encode(content, out).has_value(), "what was read can be written");
    require(std::ranges::equal(out, whole), "and gives the same bytes");
  }
}

sluice::frame_options any_options(FuzzedDataProvider& choices) {
  sluice::frame_options o;
  o.length_width = choices.ConsumeIntegralInRange<std::size_t>(0, 9);
  o.length_offset = choices.ConsumeIntegralInRange<std::size_t>(0, 10);
  if (choices.ConsumeBool()) o.order = sluice::byte_order::little;
  if (choices.ConsumeBool()) o.oversized = sluice::oversize::discard;
  o.length_adjustment = choices.ConsumeBool()
                            ? choices.ConsumeIntegralInRange<std::int64_t>(-40, 40)
                            : choices.ConsumeIntegral<std::int64_t>();
  if (choices.ConsumeBool()) o.strip = choices.ConsumeIntegralInRange<std::size_t>(0, 30);
  o.max_frame_bytes = choices.ConsumeBool() ? choices.ConsumeIntegralInRange<std::size_t>(0, 300)
                                            : choices.ConsumeIntegral<std::size_t>();
  return o;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider choices(data, size);
  const auto options = any_options(choices);
  const auto format = sluice::frame_format::make(options);
  if (!format) return 0;
  plan p{choices.ConsumeIntegral<std::uint8_t>(), options.max_frame_bytes};
  if (choices.ConsumeBool()) {
    auto later = options;
    later.max_frame_bytes = choices.ConsumeIntegralInRange<std::size_t>(0, 300);
    if (sluice::frame_format::make(later)) p.later_maximum = later.max_frame_bytes;
  }
  const auto wire_bytes = choices.ConsumeIntegralInRange<std::size_t>(0, 4096);
  const auto wire = choices.ConsumeBytes<std::byte>(wire_bytes);
  const reading expected = reference(options, p, wire);
  const reading seen = real(*format, p, wire, choices);
  require(seen.frames == expected.frames, "the same frames");
  require(seen.failure == expected.failure, "the same end");
  require(seen.discarded_frames == expected.discarded_frames, "the same count of discarded frames");
  // A frame that only the later, larger maximum let through is written under that one.
  auto widest = options;
  widest.max_frame_bytes = std::max(options.max_frame_bytes, p.later_maximum);
  write_again(sluice::frame_format::make(widest).value(), expected.wholes);
  return 0;
}
