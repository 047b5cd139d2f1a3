#include "wire/error_message.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "wire/message.h"

namespace sluice::wire {
namespace {

constexpr auto last_errc = errc::internal;

std::vector<errc> all_errcs() {
  std::vector<errc> codes;
  for (unsigned c = 0; c <= static_cast<unsigned>(last_errc); ++c)
    codes.push_back(errc{static_cast<std::uint8_t>(c)});
  return codes;
}

v1::Error frame_error(const std::vector<std::byte>& out, std::uint32_t request) {
  const auto frame = find_frame(out, side::server);
  EXPECT_TRUE(frame && *frame);
  EXPECT_EQ((*frame)->head.kind, kind::error);
  EXPECT_EQ((*frame)->head.request, request);
  EXPECT_TRUE((*frame)->head.is_last());
  return parse_message<v1::Error>(kind::error, (*frame)->body).value();
}

TEST(error_message, every_code_of_the_protocol_has_one_of_ours) {
  // All but SHUTTING_DOWN, which tells a client to try later, come back as they went.
  for (int c = v1::Code_MIN + 1; c <= v1::Code_MAX; ++c) {
    const auto code = static_cast<v1::Code>(c);
    const auto there = to_wire(from_wire(code));
    EXPECT_EQ(there, code == v1::SHUTTING_DOWN ? v1::BUSY : code) << c;
  }
}

TEST(error_message, every_code_of_ours_has_one_of_the_protocol) {
  for (const auto code : all_errcs()) {
    const auto there = to_wire(code);
    EXPECT_NE(there, v1::CODE_UNSPECIFIED) << to_string(code);
    if (code != errc::internal) {
      EXPECT_NE(there, v1::INTERNAL) << to_string(code);
    }
  }
  EXPECT_EQ(to_wire(errc::cancelled), v1::SHUTTING_DOWN);
  EXPECT_EQ(to_wire(errc::frame_too_large), v1::PROTOCOL_VIOLATION);
  EXPECT_EQ(to_wire(errc::not_a_file), v1::WRONG_KIND);
}

TEST(error_message, unknown_codes_are_internal) {
  EXPECT_EQ(from_wire(v1::CODE_UNSPECIFIED), errc::internal);
  EXPECT_EQ(from_wire(static_cast<v1::Code>(9'999)), errc::internal);
  EXPECT_EQ(from_wire(static_cast<v1::Code>(-1)), errc::internal);
}

TEST(error_message, an_error_comes_back_as_it_went) {
  for (const auto& context : {std::string("open a/\u7247\u6bb5.mp4"), std::string()}) {
    const error failure{errc::not_found, context};
    const auto message = to_wire(failure);
    EXPECT_EQ(message.text(), failure.message());
    EXPECT_EQ(from_wire(message), failure);
  }
}

TEST(error_message, the_path_stands_in_for_a_missing_text) {
  const auto message = to_wire(error{errc::not_found, ""}, "a/b.mp4");
  EXPECT_EQ(message.path(), "a/b.mp4");
  EXPECT_EQ(from_wire(message).context, "a/b.mp4");
}

TEST(error_message, retry_hints) {
  EXPECT_EQ(to_wire(error{errc::busy, "x"}).retry(), v1::LATER);
  EXPECT_GT(to_wire(error{errc::busy, "x"}).retry_after_ms(), 0U);
  EXPECT_EQ(to_wire(error{errc::cancelled, "x"}).retry(), v1::LATER);
  EXPECT_EQ(to_wire(error{errc::bad_digest, "x"}).retry(), v1::LATER);
  EXPECT_EQ(to_wire(error{errc::bad_digest, "x"}).retry_after_ms(), 0U);
  EXPECT_EQ(to_wire(error{errc::no_space, "x"}).retry(), v1::AFTER_CHANGE);
  EXPECT_EQ(to_wire(error{errc::exists, "x"}).retry(), v1::AFTER_CHANGE);
  EXPECT_EQ(to_wire(error{errc::not_found, "x"}).retry(), v1::NEVER);
  EXPECT_EQ(to_wire(error{errc::not_found, "x"}).retry_after_ms(), 0U);
}

TEST(error_message, names_of_files_that_are_not_utf8_do_not_break_the_frame) {
  std::vector<std::byte> out;
  append_error(out, 3, error{errc::io, "read bad\xFFname"}, "bad\xFFname");
  const auto message = frame_error(out, 3);
  EXPECT_EQ(message.text(), "read bad\\xffname: " + std::string(to_string(errc::io)));
  EXPECT_EQ(message.path(), "bad\\xffname");
}

TEST(error_message, is_one_line_without_controls_in_both_directions) {
  v1::Error hostile;
  hostile.set_code(v1::IO);
  hostile.set_text("a\x1b[2Jb\nc\u202e");
  EXPECT_EQ(from_wire(hostile).context.find_first_of("\x1b\n"), std::string::npos);
  EXPECT_EQ(from_wire(hostile).context.find("\u202e"), std::string::npos);
  EXPECT_EQ(to_wire(error{errc::io, "a\nb"}).text().find('\n'), std::string::npos);
}

TEST(error_message, long_texts_are_cut_at_the_limit_between_characters) {
  const auto phrase_bytes = to_string(errc::io).size() + 2;
  const error fits{errc::io, std::string(max_error_text_bytes - phrase_bytes, 'x')};
  EXPECT_EQ(to_wire(fits).text(), fits.message());
  const error over{errc::io, std::string(max_error_text_bytes - phrase_bytes + 1, 'x')};
  EXPECT_EQ(to_wire(over).text(), over.message().substr(0, max_error_text_bytes));

  // Three bytes a character: the limits are no multiples of three.
  std::string wide;
  while (wide.size() < 2 * max_error_path_bytes) wide += "\u7247";
  const auto message = to_wire(error{errc::io, wide}, wide);
  EXPECT_EQ(message.text().size(), max_error_text_bytes / 3 * 3);
  EXPECT_EQ(message.path().size(), max_error_path_bytes / 3 * 3);
  EXPECT_TRUE(base::is_valid_utf8(message.text()));
}

TEST(error_message, an_error_too_large_for_a_frame_is_sent_bare) {
  v1::Error huge;
  huge.set_code(v1::BUSY);
  huge.set_text(std::string(max_control_body_bytes, 'x'));
  std::vector<std::byte> out;
  append_error(out, 0, huge);
  const auto message = frame_error(out, 0);
  EXPECT_EQ(message.code(), v1::BUSY);
  EXPECT_TRUE(message.text().empty());
}

}  // namespace
}  // namespace sluice::wire
