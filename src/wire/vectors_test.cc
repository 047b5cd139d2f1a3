// The byte vectors that docs/wire.md publishes, against this room.
#include <gtest/gtest.h>

#include <iterator>
#include <set>

#include "wire/any_message.h"
#include "wire/block_head.h"
#include "wire/entry.h"
#include "wire/page_vectors.h"
#include "wire/preface.h"

namespace sluice::wire {
namespace {

using bytes = std::vector<std::byte>;

const std::vector<page_vector>& all() {
  static const auto vectors = read_page_vectors(SLUICE_WIRE_PAGE);
  return vectors;
}

std::vector<page_vector> frames() {
  std::vector<page_vector> found;
  std::ranges::copy_if(all(), std::back_inserter(found),
                       [](const auto& v) { return v.kind_name() != "PREFACE"; });
  return found;
}

const bytes& vector_of(std::string_view name) {
  const auto found = std::ranges::find(all(), name, &page_vector::name);
  if (found == all().end()) throw std::runtime_error("no vector " + std::string(name));
  return found->bytes;
}

side sender_of(const page_vector& v) {
  const auto k = kind{std::to_integer<std::uint8_t>(v.bytes.at(4))};
  return may_send(side::client, k) ? side::client : side::server;
}

frame_view frame_of(const page_vector& v) {
  const auto found = find_frame(v.bytes, sender_of(v));
  if (!found) throw std::runtime_error(v.name + ": " + found.error().message());
  if (!*found) throw std::runtime_error(v.name + ": not whole");
  return **found;
}

std::span<const std::byte, preface_bytes> preface_of(std::string_view name) {
  return std::span<const std::byte>(vector_of(name)).first<preface_bytes>();
}

// The frame that this room makes of `message` is the vector, byte by byte.
void expect_made(std::string_view name, kind k, std::uint32_t request, std::uint8_t flags,
                 const google::protobuf::MessageLite& message) {
  bytes made;
  const auto appended = append_message(made, k, request, flags, message);
  ASSERT_TRUE(appended) << appended.error().message();
  EXPECT_EQ(made, vector_of(name)) << name;
}

TEST(vectors, every_kind_has_one) {
  std::set<std::string_view> named;
  for (const auto& v : all()) named.insert(v.kind_name());
  for (unsigned k = 0; k < 256; ++k) {
    const auto each = kind{static_cast<std::uint8_t>(k)};
    if (is_known(each)) {
      EXPECT_TRUE(named.contains(name_of(each))) << name_of(each);
    }
  }
}

TEST(vectors, prefaces) {
  EXPECT_TRUE(std::ranges::equal(encode_client_preface(), vector_of("PREFACE.client")));
  EXPECT_TRUE(std::ranges::equal(encode_server_preface({1, {1, 1}}), vector_of("PREFACE.server")));
  EXPECT_TRUE(std::ranges::equal(encode_server_preface({0, {1, 1}}), vector_of("PREFACE.refused")));
  EXPECT_EQ(parse_client_preface(preface_of("PREFACE.client")), (version_range{1, 1}));
  EXPECT_EQ(parse_server_preface(preface_of("PREFACE.server")), (server_answer{1, {1, 1}}));
  EXPECT_EQ(parse_server_preface(preface_of("PREFACE.refused")), (server_answer{0, {1, 1}}));
}

TEST(vectors, heads_are_read_and_made_again) {
  for (const auto& v : frames()) {
    const auto frame = frame_of(v);
    EXPECT_EQ(frame.body.size() + head_bytes, v.bytes.size()) << v.name;
    if (is_known(frame.head.kind)) {
      EXPECT_EQ(name_of(frame.head.kind), v.kind_name());
    } else {
      EXPECT_TRUE(is_skippable(frame.head)) << v.name;
    }
    const auto made = encode_head(frame.head);
    ASSERT_TRUE(made) << v.name;
    EXPECT_TRUE(std::ranges::equal(*made, std::span(v.bytes).first(head_bytes))) << v.name;
  }
}

TEST(vectors, messages_are_read_and_made_again) {
  for (const auto& v : frames()) {
    const auto frame = frame_of(v);
    const auto message = any_message(frame.head.kind);
    if (!message) continue;
    const auto parsed = parse_message(frame.head.kind, frame.body, *message);
    ASSERT_TRUE(parsed) << v.name << ": " << parsed.error().message();
    expect_made(v.name, frame.head.kind, frame.head.request, frame.head.flags, *message);
  }
}

TEST(vectors, fields_of_a_put) {
  v1::Put put;
  put.set_path("takes/b.mp4");
  put.set_size_bytes(3'145'730);
  put.set_mtime_ns(1'700'000'000'123'456'789);
  put.set_executable(true);
  put.mutable_replace()->set_size_bytes(5);
  put.mutable_replace()->set_mtime_ns(-1);
  put.set_parents(true);
  put.set_resume(true);
  expect_made("PUT", kind::put, 6, no_flags, put);
}

TEST(vectors, fields_of_a_run_of_digests) {
  const auto text = std::string_view("sluice");
  v1::DigestRun run;
  run.set_first_block(2);
  append_digest(*run.mutable_digests(), base::digest_of(std::as_bytes(std::span(text))));
  append_digest(*run.mutable_digests(), base::digest_of({}));
  append_digest(*run.mutable_recorded(), base::digest_of(std::as_bytes(std::span(text))));
  append_digest(*run.mutable_recorded(), base::digest_of(std::as_bytes(std::span(text))));
  *run.mutable_entry() =
      file_entry("takes/b.mp4", 3'145'730, 1'700'000'000'123'456'789, false, "\x01\x02\xFE");
  expect_made("DIGEST_RUN", kind::digest_run, 4, last, run);
}

TEST(vectors, fields_of_a_listing) {
  v1::Entries entries;
  *entries.add_entries() = folder_entry("day 2", -1);
  *entries.add_entries() = file_entry("day 2/\u7247\u6bb5.mp4", 3'145'730,
                                      1'700'000'000'123'456'789, false, "\x01\x02\xFE");
  expect_made("ENTRIES", kind::entries, 1, last, entries);
}

TEST(vectors, a_block) {
  const auto& vector = vector_of("BLOCK");
  const auto payload = std::as_bytes(std::span(std::string_view("ok")));
  const block_head head{.offset = 3'145'728, .digest = base::digest_of(payload)};
  auto made = encode_block_frame_head(6, no_flags, head, 2);
  ASSERT_TRUE(made);
  EXPECT_TRUE(std::ranges::equal(*made, std::span(vector).first(block_frame_head_bytes)));
  EXPECT_TRUE(std::ranges::equal(payload, std::span(vector).subspan(block_frame_head_bytes)));
  const auto body = std::span<const std::byte>(vector).subspan(head_bytes);
  EXPECT_EQ(parse_block_head(body.first<block_head_bytes>(), payload.size()), head);
}

TEST(vectors, pings) {
  for (const auto k : {kind::ping, kind::pong}) {
    bytes made;
    const auto body = std::as_bytes(std::span(std::string_view("are you there?")));
    ASSERT_TRUE(append_frame(made, k, 0, no_flags, body));
    EXPECT_EQ(made, vector_of(name_of(k)));
  }
}

TEST(vectors, cut_short_anywhere_they_need_more) {
  for (const auto& v : frames()) {
    for (std::size_t size = 0; size < v.bytes.size(); ++size) {
      const auto found = find_frame(std::span(v.bytes).first(size), sender_of(v));
      ASSERT_TRUE(found) << v.name << " cut to " << size << ": " << found.error().message();
      EXPECT_FALSE(found->has_value()) << v.name << " cut to " << size;
    }
  }
}

TEST(vectors, bodies_cut_short_anywhere_are_another_message_or_none) {
  std::size_t refused = 0;
  for (const auto& v : frames()) {
    const auto frame = frame_of(v);
    for (std::size_t size = 0; size < frame.body.size(); ++size) {
      const auto message = any_message(frame.head.kind);
      if (!message) continue;
      const auto parsed = parse_message(frame.head.kind, frame.body.first(size), *message);
      if (parsed) {
        EXPECT_LE(message->ByteSizeLong(), size) << v.name << " cut to " << size;
      } else {
        ++refused;
        EXPECT_EQ(parsed.error().code, errc::bad_frame);
        EXPECT_NE(parsed.error().context.find(v.kind_name()), std::string::npos);
      }
    }
  }
  EXPECT_GT(refused, 100U);
}

// Every byte of every vector takes every value: an error or another message, never a crash.
TEST(vectors, damaged_anywhere_they_do_no_harm) {
  for (const auto& v : frames()) {
    auto damaged = v.bytes;
    for (auto& byte : damaged) {
      const auto whole = byte;
      for (unsigned value = 0; value < 256; ++value) {
        byte = static_cast<std::byte>(value);
        const auto found = find_frame(damaged, sender_of(v));
        if (!found || !*found) continue;
        const auto message = any_message((*found)->head.kind);
        if (message)
          static_cast<void>(parse_message((*found)->head.kind, (*found)->body, *message));
      }
      byte = whole;
    }
    EXPECT_EQ(damaged, v.bytes);
  }
}

}  // namespace
}  // namespace sluice::wire
