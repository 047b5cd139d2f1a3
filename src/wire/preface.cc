#include "wire/preface.h"

#include <fmt/format.h>

#include <algorithm>

#include "wire/big_endian.h"

namespace sluice::wire {
namespace {

constexpr std::array<std::byte, 8> magic{preface_first_byte, std::byte{'S'}, std::byte{'L'},
                                         std::byte{'U'},     std::byte{'I'}, std::byte{'C'},
                                         std::byte{'E'},     std::byte{'\n'}};

// The bytes behind the magic.
result<std::span<const std::byte>> behind_magic(std::span<const std::byte, preface_bytes> bytes) {
  if (!std::ranges::equal(bytes.first<magic.size()>(), magic)) {
    return fail(errc::bad_frame, "the first bytes are no preface of the sluice protocol");
  }
  return bytes.subspan(magic.size());
}

template <class... Fields>
preface encode(Fields... fields) noexcept {
  preface bytes{};
  std::ranges::copy(magic, bytes.begin());
  auto rest = std::span<std::byte>(bytes).subspan(magic.size());
  (put_big_endian(rest, fields), ...);
  return bytes;
}

version_range take_range(std::span<const std::byte>& in) noexcept {
  const auto lowest = take_big_endian<std::uint16_t>(in);
  const auto highest = take_big_endian<std::uint16_t>(in);
  return {.lowest = lowest, .highest = highest};
}

std::string in_words(version_range range) {
  if (range.lowest > range.highest || range.highest == 0) return "no version";
  if (range.lowest == range.highest) return fmt::format("version {}", range.lowest);
  return fmt::format("versions {} to {}", range.lowest, range.highest);
}

}  // namespace

preface encode_client_preface(version_range spoken) noexcept {
  return encode(spoken.lowest, spoken.highest);
}

preface encode_server_preface(server_answer answer) noexcept {
  return encode(answer.chosen, answer.spoken.lowest, answer.spoken.highest);
}

result<version_range> parse_client_preface(std::span<const std::byte, preface_bytes> bytes) {
  auto rest = behind_magic(bytes);
  if (!rest) return std::unexpected(std::move(rest).error());
  return take_range(*rest);
}

result<server_answer> parse_server_preface(std::span<const std::byte, preface_bytes> bytes) {
  auto rest = behind_magic(bytes);
  if (!rest) return std::unexpected(std::move(rest).error());
  const auto chosen = take_big_endian<std::uint16_t>(*rest);
  return server_answer{.chosen = chosen, .spoken = take_range(*rest)};
}

std::optional<std::uint16_t> choose_version(version_range ours, version_range theirs) noexcept {
  const auto lowest = std::max({ours.lowest, theirs.lowest, std::uint16_t{1}});
  const auto highest = std::min(ours.highest, theirs.highest);
  if (highest < lowest) return std::nullopt;
  return highest;
}

server_answer answer_to(version_range client, version_range ours) noexcept {
  return {.chosen = choose_version(ours, client).value_or(0), .spoken = ours};
}

result<std::uint16_t> accept_answer(server_answer answer, version_range ours) {
  if (answer.chosen == 0) return fail(errc::unsupported, refusal_text(ours, answer.spoken));
  if (answer.chosen < ours.lowest || answer.chosen > ours.highest) {
    return fail(errc::bad_frame,
                fmt::format("the server chose version {} of the protocol, and was offered {}",
                            answer.chosen, in_words(ours)));
  }
  return answer.chosen;
}

std::string refusal_text(version_range client, version_range server) {
  return fmt::format("this client speaks {} of the protocol, the server speaks {}",
                     in_words(client), in_words(server));
}

}  // namespace sluice::wire
