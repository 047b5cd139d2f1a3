// The 16 bytes that each side of a native connection sends first (docs/wire.md, section 1).
//
//   client   | magic 8 | lowest 2 | highest 2 | zero 4              |
//   server   | magic 8 | chosen 2 | lowest 2  | highest 2 | zero 2  |     all big-endian
//
// Pure functions on bytes; usable from any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "sluice/error.h"

namespace sluice::wire {

inline constexpr std::size_t preface_bytes = 16;
// Enough to tell the native protocol from HTTP and TLS.
inline constexpr std::byte preface_first_byte{0x89};

using preface = std::array<std::byte, preface_bytes>;

// The versions lowest..highest, both included. Version 0 does not exist.
struct version_range {
  std::uint16_t lowest = 0;
  std::uint16_t highest = 0;
  friend bool operator==(const version_range&, const version_range&) = default;
};

// What this program speaks.
inline constexpr version_range spoken_versions{.lowest = 1, .highest = 1};

// What the server answers: the version it chose, 0 for none, and what it speaks.
struct server_answer {
  std::uint16_t chosen = 0;
  version_range spoken{};
  friend bool operator==(const server_answer&, const server_answer&) = default;
};

[[nodiscard]] preface encode_client_preface(version_range spoken = spoken_versions) noexcept;
[[nodiscard]] preface encode_server_preface(server_answer answer) noexcept;

// Errors: bad_frame where the magic is another. The zero bytes are ignored, and any range is
// passed on, an empty one too: it has no version in common with anybody.
[[nodiscard]] result<version_range> parse_client_preface(
    std::span<const std::byte, preface_bytes> bytes);
[[nodiscard]] result<server_answer> parse_server_preface(
    std::span<const std::byte, preface_bytes> bytes);

// The highest version in both ranges.
[[nodiscard]] std::optional<std::uint16_t> choose_version(version_range ours,
                                                          version_range theirs) noexcept;

// Server: what to answer to a client that speaks `client`. With `chosen` 0 the connection is
// closed behind the answer.
[[nodiscard]] server_answer answer_to(version_range client,
                                      version_range ours = spoken_versions) noexcept;

// Client: the version of the connection. Errors: unsupported with the text of the refusal where
// the server chose none, bad_frame where it chose one that we did not offer.
[[nodiscard]] result<std::uint16_t> accept_answer(server_answer answer,
                                                  version_range ours = spoken_versions);

// "this client speaks version 1 of the protocol, the server speaks versions 7 to 9", for people.
[[nodiscard]] std::string refusal_text(version_range client, version_range server);

}  // namespace sluice::wire
