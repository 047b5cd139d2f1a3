#include "cli/film_rate.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <string_view>

#include "base/limits.h"

namespace sluice::cli {
namespace {

// Of the file. `begin` is never behind `end`, nor that behind the file's.
struct area {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  [[nodiscard]] std::uint64_t size() const noexcept { return end - begin; }
};

// Reads numbers. From the first obstacle on all of them are zero, so that only loops ask for it.
class film_reader {
 public:
  explicit film_reader(const client::known_content& film) : film_(film) {}

  [[nodiscard]] area all() const { return {0, film_.size_bytes}; }
  [[nodiscard]] bool is_stuck() const { return obstacle_.has_value(); }
  [[nodiscard]] rate_obstacle obstacle() const { return *obstacle_; }
  void refuse(std::string why) { stop({.why = std::move(why)}); }

  // Big-endian, of 1 to 8 bytes.
  std::uint64_t number(const area& in, std::uint64_t at, std::uint64_t bytes) {
    if (is_stuck()) return 0;
    if (at > in.size() || bytes > in.size() - at) refuse("it ends early");
    if (++numbers_ > film_numbers_max) refuse("its head has too many parts");
    std::uint64_t value = 0;
    for (std::uint64_t i = 0; i < bytes; ++i) value = value << 8 | byte_at(in.begin + at + i);
    return is_stuck() ? 0 : value;
  }

 private:
  std::uint8_t byte_at(std::uint64_t offset) {
    if (is_stuck()) return 0;
    const auto block = offset / base::block_bytes;
    const auto known = film_.blocks.find(block);
    if (known != film_.blocks.end() && offset % base::block_bytes < known->second.size()) {
      return std::to_integer<std::uint8_t>(known->second[offset % base::block_bytes]);
    }
    const bool is_new = known == film_.blocks.end() && film_.blocks.size() < film_blocks_max;
    stop(is_new ? rate_obstacle{.block = block} : rate_obstacle{.why = "its head is too large"});
    return 0;
  }

  void stop(rate_obstacle what) {
    if (!obstacle_) obstacle_ = std::move(what);
  }

  const client::known_content& film_;
  std::size_t numbers_ = 0;
  std::optional<rate_obstacle> obstacle_;
};

// What both containers are made of: pieces with a kind, one behind the other, some with others in
// them.
struct piece {
  std::uint64_t kind = 0;
  area content;
};
using piece_reader = piece (*)(film_reader& film, const area& in);

// The piece at the beginning of `in`, whose head has so many bytes.
piece piece_of(film_reader& film, const area& in, std::uint64_t kind, std::uint64_t head,
               std::uint64_t content_bytes) {
  if (!film.is_stuck() && content_bytes > in.size() - head) film.refuse("a part of it has no end");
  if (film.is_stuck()) return {0, {in.end, in.end}};
  return {kind, {in.begin + head, in.begin + head + content_bytes}};
}

std::optional<area> find(film_reader& film, piece_reader read, area in, std::uint64_t kind) {
  while (in.begin < in.end) {
    const auto one = read(film, in);
    if (film.is_stuck()) break;
    if (one.kind == kind) return one.content;
    in.begin = one.content.end;
  }
  return std::nullopt;
}

area need(film_reader& film, piece_reader read, const area& in, std::uint64_t kind) {
  const auto found = find(film, read, in, kind);
  if (!found) film.refuse("a part is missing that tells it");
  return found.value_or(area{});
}

frame_rate named_rate(film_reader& film, double frames_a_second) {
  if (film.is_stuck()) return {};
  const auto found = frame_rate_near(frames_a_second);
  if (!found)
    film.refuse(fmt::format("{:.3f} frames a second are not known here", frames_a_second));
  return found.value_or(frame_rate{});
}

// --- MP4 and MOV: ISO/IEC 14496-12 ---

constexpr std::uint64_t name(std::string_view four) {
  std::uint64_t value = 0;
  for (const char each : four) value = value << 8 | static_cast<std::uint8_t>(each);
  return value;
}

// 4.2.2: size, kind, and the size again with 64 bits where it is 1; 0: to the end.
piece read_box(film_reader& film, const area& in) {
  std::uint64_t size = film.number(in, 0, 4);
  const auto kind = film.number(in, 4, 4);
  std::uint64_t head = 8;
  if (size == 1) {
    size = film.number(in, 8, 8);
    head = 16;
  } else if (size == 0) {
    size = in.size();
  }
  if (size < head) film.refuse("a part of it has no room for its own head");
  return piece_of(film, in, kind, head, size - head);
}

// The media of the first track whose handler (8.4.3) is video's.
area video_media(film_reader& film) {
  area tracks = need(film, read_box, film.all(), name("moov"));
  while (const auto track = find(film, read_box, tracks, name("trak"))) {
    tracks.begin = track->end;
    const area media = need(film, read_box, *track, name("mdia"));
    const area handler = need(film, read_box, media, name("hdlr"));
    if (film.number(handler, 8, 4) == name("vide")) return media;
  }
  film.refuse("it has no video");
  return {};
}

// How long the frames are, as the runs of `stts` (8.6.1.2) tell it. The last one may be shorter.
struct frame_lengths {
  std::uint64_t frames = 0;
  std::uint64_t ticks = 0;
  std::uint64_t shortest = UINT64_MAX;
  std::uint64_t longest = 0;
};
constexpr std::uint64_t frames_max = std::uint64_t{1} << 32;  // two years

frame_lengths read_lengths(film_reader& film, const area& stts) {
  frame_lengths found;
  const auto runs = film.number(stts, 4, 4);
  for (std::uint64_t i = 0; i < runs && !film.is_stuck(); ++i) {
    const auto frames = film.number(stts, 8 + i * 8, 4);
    const auto ticks = film.number(stts, 12 + i * 8, 4);
    if (frames == 1 && i + 1 == runs && i > 0) break;
    found.frames += frames;
    found.ticks += frames * ticks;
    found.shortest = std::min(found.shortest, ticks);
    found.longest = std::max(found.longest, ticks);
    if (found.frames > frames_max || ticks > UINT32_MAX / 2) film.refuse("its lengths are none");
  }
  if (found.ticks == 0) film.refuse("it tells no length of its frames");
  return found;
}

frame_rate rate_of_boxes(film_reader& film) {
  const area media = video_media(film);
  const area head = need(film, read_box, media, name("mdhd"));
  const bool is_long = film.number(head, 0, 1) == 1;  // 8.4.2: times of 64 bits
  const auto ticks_a_second = film.number(head, is_long ? 20 : 12, 4);
  const area table = need(film, read_box, need(film, read_box, media, name("minf")), name("stbl"));
  const auto lengths = read_lengths(film, need(film, read_box, table, name("stts")));
  if (film.is_stuck()) return {};
  if (lengths.longest - lengths.shortest > std::max<std::uint64_t>(1, ticks_a_second / 1000)) {
    film.refuse("its frames are not all as long");
  }
  return named_rate(film, static_cast<double>(ticks_a_second) *
                              static_cast<double>(lengths.frames) /
                              static_cast<double>(lengths.ticks));
}

// --- Matroska and WebM: RFC 9559, and RFC 8794 for its parts ---

constexpr std::uint64_t ebml = 0x1A45DFA3;
constexpr std::uint64_t segment = 0x18538067;
constexpr std::uint64_t tracks = 0x1654AE6B;
constexpr std::uint64_t track_entry = 0xAE;
constexpr std::uint64_t track_type = 0x83;
constexpr std::uint64_t default_duration = 0x23E383;  // of a frame, in ns
constexpr std::uint64_t is_video = 1;

// RFC 8794, 4: as many bytes as there are zeros before the first one, and one more.
std::uint64_t width_at(film_reader& film, const area& in, std::uint64_t at, std::uint64_t max) {
  const auto first = static_cast<std::uint8_t>(film.number(in, at, 1));
  const auto width = static_cast<std::uint64_t>(std::countl_zero(first)) + 1;
  if (width > max) film.refuse("a part of it has a head that is none");
  return std::min(width, max);
}

// A size of nothing but ones is not known: to the end of what is around it.
piece read_element(film_reader& film, const area& in) {
  const auto id_bytes = width_at(film, in, 0, 4);
  const auto kind = film.number(in, 0, id_bytes);
  const auto size_bytes = width_at(film, in, id_bytes, 8);
  const std::uint64_t mask = (std::uint64_t{1} << (7 * size_bytes)) - 1;
  const std::uint64_t size = film.number(in, id_bytes, size_bytes) & mask;
  const auto head = id_bytes + size_bytes;
  return piece_of(film, in, kind, head, size == mask ? in.size() - head : size);
}

std::uint64_t number_in(film_reader& film, const area& parts, std::uint64_t kind) {
  const area found = need(film, read_element, parts, kind);
  if (found.size() < 1 || found.size() > 8) film.refuse("a number of it has no width");
  return film.number(found, 0, found.size());
}

frame_rate rate_of_elements(film_reader& film) {
  area all = need(film, read_element, need(film, read_element, film.all(), segment), tracks);
  while (const auto track = find(film, read_element, all, track_entry)) {
    all.begin = track->end;
    if (number_in(film, *track, track_type) != is_video) continue;
    const auto frame_ns = number_in(film, *track, default_duration);
    if (frame_ns == 0) film.refuse("it tells no length of its frames");
    return named_rate(film, 1e9 / static_cast<double>(frame_ns));
  }
  film.refuse("it has no video");
  return {};
}

frame_rate find_rate(film_reader& film) {
  if (film.number(film.all(), 0, 4) == ebml) return rate_of_elements(film);
  const auto kind = film.number(film.all(), 4, 4);
  for (const auto* each : {"ftyp", "moov", "mdat", "wide", "free", "skip"}) {
    if (kind == name(each)) return rate_of_boxes(film);
  }
  film.refuse("it is no MP4, MOV, Matroska or WebM");
  return {};
}

}  // namespace

std::expected<frame_rate, rate_obstacle> rate_of_film(const client::known_content& film) {
  film_reader reader(film);
  const auto found = find_rate(reader);
  if (reader.is_stuck()) return std::unexpected(reader.obstacle());
  return found;
}

}  // namespace sluice::cli
