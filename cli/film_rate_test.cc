// Against films as ffmpeg writes them, whole, cut at every byte, and with every bit turned; and
// against some that nobody writes.
#include "cli/film_rate.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <random>
#include <span>
#include <string>

#include "base/limits.h"
#include "client/client_testing.h"

namespace sluice::cli {
namespace {

using testing::HasSubstr;

struct looked {
  std::string found;  // the name of the rate, or why there is none
  std::size_t blocks = 0;
};

// As `sluice notes` does it: block by block, as they are asked for.
looked look(std::string_view film) {
  client::known_content known{.size_bytes = film.size()};
  for (;;) {
    const auto rate = rate_of_film(known);
    if (rate) return {std::string(name_of(*rate)), known.blocks.size()};
    if (!rate.error().block) return {rate.error().why, known.blocks.size()};
    const auto number = *rate.error().block;
    EXPECT_FALSE(known.blocks.contains(number));
    EXPECT_LT(known.blocks.size(), film_blocks_max);
    const auto part = std::as_bytes(std::span(film)).subspan(number * base::block_bytes);
    known.blocks[number] = {
        part.begin(), part.begin() + static_cast<std::ptrdiff_t>(
                                         std::min<std::size_t>(part.size(), base::block_bytes))};
  }
}

std::string found_in(std::string_view film) { return look(film).found; }

bool is_rate(const std::string& found) { return parse_frame_rate(found).has_value(); }

using folder = client::test_folder;

// What ffmpeg makes of these options, under that name.
std::string made(const folder& in, const std::string& options, const std::string& name) {
  const std::string line =
      "ffmpeg -nostdin -v error -y -bitexact " + options + " '" + in.at(name) + "' </dev/null";
  EXPECT_EQ(std::system(line.c_str()), 0) << line;
  return in.read(name);
}

std::string picture(const std::string& rate, const std::string& size = "16x16") {
  return fmt::format("-f lavfi -i testsrc=size={}:rate={} ", size, rate);
}

constexpr std::array rates{
    std::pair{"24000/1001", "23.976"}, std::pair{"24", "24"}, std::pair{"25", "25"},
    std::pair{"30000/1001", "29.97"},  std::pair{"30", "30"}, std::pair{"50", "50"},
    std::pair{"60000/1001", "59.94"},  std::pair{"60", "60"}};

TEST(film_rate, of_each_container_and_rate) {
  const folder here;
  for (const auto& [rate, name] : rates) {
    for (const auto* file : {"a.mp4", "a.mov", "a.mkv"}) {
      const auto film = made(here, picture(rate) + "-frames:v 12 -c:v mpeg4", file);
      EXPECT_EQ(found_in(film), name) << file;
    }
  }
  const auto web = made(here, picture("25") + "-frames:v 3 -c:v libvpx", "a.webm");
  EXPECT_EQ(found_in(web), "25");
}

TEST(film_rate, of_the_video_and_not_of_the_sound_before_it) {
  const folder here;
  const std::string both = picture("30000/1001") + "-f lavfi -i sine=duration=1 -map 1 -map 0 " +
                           "-t 1 -c:v mpeg4 -c:a aac";
  for (const auto* name : {"a.mp4", "a.mov", "a.mkv"}) {
    EXPECT_EQ(found_in(made(here, both, name)), "29.97") << name;
  }
  const auto sound = made(here, "-f lavfi -i sine=duration=1 -c:a aac", "sound.mp4");
  EXPECT_EQ(found_in(sound), "it has no video");
  EXPECT_EQ(found_in(made(here, "-f lavfi -i sine=duration=1", "sound.mka")), "it has no video");
}

// A head at the end is behind content that is not read.
TEST(film_rate, of_a_head_at_the_end) {
  const folder here;
  const auto raw = picture("50", "640x480") + "-frames:v 20 -c:v rawvideo ";
  const auto film = made(here, raw, "a.mov");
  EXPECT_GT(film.size(), 8 * base::block_bytes);
  const auto at_the_end = look(film);
  EXPECT_EQ(at_the_end.found, "50");
  EXPECT_LE(at_the_end.blocks, 2U);
  const auto at_the_front = look(made(here, raw + "-movflags +faststart", "b.mov"));
  EXPECT_EQ(at_the_front.found, "50");
  EXPECT_EQ(at_the_front.blocks, 1U);
}

// Matroska counts in milliseconds, and what is made of it does so too.
TEST(film_rate, of_frames_whose_times_were_rounded) {
  const folder here;
  (void)made(here, picture("24000/1001") + "-frames:v 150 -c:v mpeg4", "a.mkv");
  const auto film = made(here, "-i '" + here.at("a.mkv") + "' -c copy", "a.mp4");
  EXPECT_EQ(found_in(film), "23.976");
}

TEST(film_rate, that_cannot_be_told) {
  const folder here;
  const auto uneven = made(here,
                           picture("25") +
                               "-vf \"select='not(eq(mod(n,5),3))'\" -vsync vfr "
                               "-frames:v 50 -c:v mpeg4",
                           "a.mp4");
  EXPECT_EQ(found_in(uneven), "its frames are not all as long");
  EXPECT_EQ(found_in(made(here, picture("12") + "-frames:v 12 -c:v mpeg4", "b.mp4")),
            "12.000 frames a second are not known here");
  EXPECT_EQ(found_in(made(here, picture("15") + "-frames:v 15 -c:v mpeg4", "b.mkv")),
            "15.000 frames a second are not known here");
  EXPECT_EQ(found_in(made(here, picture("25") + "-frames:v 5 -c:v mpeg4", "a.avi")),
            "it is no MP4, MOV, Matroska or WebM");
  const auto pieces = made(
      here, picture("25") + "-frames:v 5 -c:v mpeg4 -movflags +frag_keyframe+empty_moov", "c.mp4");
  EXPECT_EQ(found_in(pieces), "it tells no length of its frames");
  EXPECT_EQ(found_in(""), "it ends early");
  EXPECT_EQ(found_in("film"), "it ends early");
}

TEST(film_rate, of_a_film_that_is_cut_anywhere) {
  const folder here;
  for (const auto* name : {"a.mp4", "a.mov", "a.mkv"}) {
    const auto film = made(here, picture("25") + "-frames:v 4 -c:v mpeg4", name);
    bool was_found = false;
    for (std::size_t bytes = 0; bytes <= film.size(); ++bytes) {
      const auto found = found_in(film.substr(0, bytes));
      ASSERT_TRUE(found == "25" || !is_rate(found)) << name << " cut at " << bytes;
      ASSERT_TRUE(found == "25" || !was_found) << name << " cut at " << bytes;
      was_found = found == "25";
    }
    EXPECT_TRUE(was_found);
  }
}

TEST(film_rate, of_a_film_with_any_bit_turned) {
  const folder here;
  for (const auto* name : {"a.mp4", "a.mkv"}) {
    const auto whole = made(here, picture("25") + "-frames:v 4 -c:v mpeg4", name);
    auto film = whole;
    for (std::size_t bit = 0; bit < film.size() * 8; ++bit) {
      film[bit / 8] = static_cast<char>(film[bit / 8] ^ (1 << bit % 8));
      ASSERT_FALSE(found_in(film).empty());
      film[bit / 8] = whole[bit / 8];
    }
  }
}

TEST(film_rate, of_a_film_with_many_bytes_wrong) {
  const folder here;
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (const auto* name : {"a.mp4", "a.mkv"}) {
    const auto whole = made(here, picture("25") + "-frames:v 4 -c:v mpeg4", name);
    for (int round = 0; round < 20'000; ++round) {
      auto film = whole;
      for (unsigned i = 0; i <= random() % 8; ++i) {
        constexpr std::array bytes{'\0', '\1', '\x7f', '\x80', '\xff'};
        film[random() % film.size()] = bytes[random() % bytes.size()];
      }
      ASSERT_FALSE(found_in(film).empty());
    }
  }
}

// --- films that nobody writes ---

std::string big_endian(std::uint64_t value, unsigned bytes) {
  std::string text;
  while (bytes-- > 0) text += static_cast<char>(value >> (8 * bytes));
  return text;
}

std::string box(std::string_view kind, const std::string& content) {
  return big_endian(8 + content.size(), 4) + std::string(kind) + content;
}

// The same with a size of 64 bits.
std::string long_box(std::string_view kind, const std::string& content) {
  return big_endian(1, 4) + std::string(kind) + big_endian(16 + content.size(), 8) + content;
}

std::string runs(std::initializer_list<std::pair<std::uint64_t, std::uint64_t>> all) {
  std::string text = big_endian(0, 4) + big_endian(all.size(), 4);
  for (const auto& [frames, ticks] : all) text += big_endian(frames, 4) + big_endian(ticks, 4);
  return text;
}

std::string movie(const std::string& stts, std::uint64_t ticks_a_second = 1000,
                  const std::string& before = "") {
  const auto head = box("mdhd", std::string(12, '\0') + big_endian(ticks_a_second, 4));
  const auto handler = box("hdlr", big_endian(0, 8) + "vide");
  const auto table = box("minf", box("stbl", box("stts", stts)));
  return box("moov", before + box("trak", box("mdia", head + handler + table)));
}

TEST(film_rate, the_last_frame_may_be_shorter) {
  EXPECT_EQ(found_in(movie(runs({{99, 40}, {1, 7}}))), "25");
  EXPECT_EQ(found_in(movie(runs({{99, 40}, {2, 7}}))), "its frames are not all as long");
  EXPECT_EQ(found_in(movie(runs({{1, 40}}))), "25");
}

TEST(film_rate, a_millisecond_is_rounding_and_more_is_not) {
  EXPECT_EQ(found_in(movie(runs({{50, 41}, {300, 42}, {50, 41}, {100, 40}}), 1000)),
            "its frames are not all as long");
  EXPECT_EQ(found_in(movie(runs({{29, 41}, {71, 42}, {1, 0}}), 1000)), "23.976");
  EXPECT_EQ(found_in(movie(runs({{29, 4100}, {71, 4200}}), 100'000)), "23.976");
  EXPECT_EQ(found_in(movie(runs({{29, 4099}, {71, 4200}}), 100'000)),
            "its frames are not all as long");
}

TEST(film_rate, sizes_that_nobody_has) {
  const auto fine = movie(runs({{100, 40}}));
  EXPECT_EQ(found_in(long_box("free", "") + fine), "25");
  EXPECT_EQ(found_in(box("free", "") + big_endian(0, 4) + fine.substr(4)), "25");
  EXPECT_THAT(found_in(box("free", "") + big_endian(7, 4) + fine.substr(4)), HasSubstr("no room"));
  EXPECT_THAT(found_in(big_endian(fine.size() + 1, 4) + fine.substr(4)), HasSubstr("no end"));
  EXPECT_THAT(found_in(big_endian(1, 4) + "free" + big_endian(15, 8)), HasSubstr("no room"));
  EXPECT_THAT(found_in(big_endian(1, 4) + "free" + big_endian(UINT64_MAX, 8)), HasSubstr("no end"));
}

TEST(film_rate, numbers_that_nobody_has) {
  EXPECT_THAT(found_in(movie(runs({{UINT32_MAX, 40}, {1, 40}, {1, 40}}))), "25");
  EXPECT_THAT(found_in(movie(runs({{UINT32_MAX, 40}, {2, 40}}))), HasSubstr("lengths are none"));
  EXPECT_THAT(found_in(movie(runs({{1, UINT32_MAX}}))), HasSubstr("lengths are none"));
  EXPECT_THAT(found_in(movie(runs({{0, 0}, {0, 0}}))), HasSubstr("no length"));
  EXPECT_THAT(found_in(movie(runs({{100, 40}}), 0)), HasSubstr("0.000 frames a second"));
  // More runs announced than there are.
  EXPECT_EQ(found_in(movie(big_endian(0, 4) + big_endian(UINT32_MAX, 4))), "it ends early");
}

TEST(film_rate, as_many_parts_as_it_looks_at_and_more) {
  const auto with = [](std::size_t parts) {
    std::string free;
    for (std::size_t i = 0; i < parts; ++i) free += box("free", "");
    return found_in(movie(runs({{100, 40}}), 1000, free));
  };
  // Each has two numbers, and all that is around them has 27 to 30.
  constexpr auto most = (film_numbers_max - 30) / 2;
  EXPECT_EQ(with(most), "25");
  EXPECT_EQ(with(most + 2), "its head has too many parts");
}

TEST(film_rate, as_many_blocks_as_it_looks_at_and_more) {
  const auto behind = [](std::size_t blocks) {
    std::string film;
    for (std::size_t i = 0; i < blocks; ++i) {
      film += box("free", std::string(base::block_bytes - 8, '\0'));
    }
    return look(film + movie(runs({{100, 40}})));
  };
  EXPECT_EQ(behind(film_blocks_max - 1).found, "25");
  EXPECT_EQ(behind(film_blocks_max - 1).blocks, film_blocks_max);
  EXPECT_EQ(behind(film_blocks_max).found, "its head is too large");
}

// A number over the border of two blocks.
TEST(film_rate, of_a_head_over_two_blocks) {
  const auto head = movie(runs({{100, 40}}));
  for (std::size_t before = 0; before <= head.size(); ++before) {
    const std::string free(base::block_bytes - 8 - before, '\0');
    ASSERT_EQ(found_in(box("free", free) + head), "25") << before;
  }
}

std::string element(std::uint64_t id, const std::string& content) {
  const auto id_bytes = id > 0xffffff ? 4U : id > 0xffff ? 3U : id > 0xff ? 2U : 1U;
  return big_endian(id, id_bytes) + big_endian(content.size() | std::uint64_t{1} << 56, 8) +
         content;
}

std::string matroska(const std::string& tracks) {
  return element(0x1A45DFA3, "") + element(0x18538067, element(0x1654AE6B, tracks));
}

std::string track(std::uint64_t type, const std::string& duration_ns) {
  return element(0xAE, element(0x83, big_endian(type, 1)) + element(0x23E383, duration_ns));
}

TEST(film_rate, elements_that_nobody_writes) {
  EXPECT_EQ(found_in(matroska(track(1, big_endian(40'000'000, 4)))), "25");
  EXPECT_EQ(found_in(matroska(track(1, big_endian(40'000'000, 8)))), "25");
  EXPECT_EQ(found_in(matroska(track(2, "") + track(1, big_endian(20'000'000, 4)))), "50");
  EXPECT_THAT(found_in(matroska(track(1, big_endian(0, 4)))), HasSubstr("no length"));
  EXPECT_THAT(found_in(matroska(track(1, ""))), HasSubstr("no width"));
  EXPECT_THAT(found_in(matroska(track(1, std::string(9, '\0')))), HasSubstr("no width"));
  EXPECT_THAT(found_in(matroska("")), HasSubstr("no video"));
  EXPECT_THAT(found_in(element(0x1A45DFA3, "")), HasSubstr("missing"));
  const std::string zeros(20, '\0');
  EXPECT_THAT(found_in(matroska(zeros)), HasSubstr("a head that is none"));
  // The size of a segment that is written live.
  auto live = matroska(track(1, big_endian(40'000'000, 4)));
  const auto size = element(0x1A45DFA3, "").size() + 4;
  live.replace(size, 8, "\x01\xff\xff\xff\xff\xff\xff\xff");
  EXPECT_EQ(found_in(live), "25");
}

}  // namespace
}  // namespace sluice::cli
