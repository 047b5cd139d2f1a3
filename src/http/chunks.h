// The frame of a chunked body (RFC 9112, 7.1), read strictly. Pure, no sockets.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "http/head.h"

namespace sluice::http {

// Sizes are at most 16 hexadecimal digits and 2^63-1; lines end in CRLF; extensions are skipped, at
// most 256 bytes a chunk and 16 KiB a body; trailers are at most 8 KiB and 100 lines. One body.
class chunk_reader {
 public:
  // Takes framing off the front of `in`, up to the next data, the end, or the end of `in`. How many
  // bytes it took; the data itself is the caller's to take and to report.
  [[nodiscard]] parsed<std::size_t> read(std::string_view in);

  // Bytes of data that come next; 0 where more framing is needed first.
  [[nodiscard]] std::uint64_t data_left() const noexcept { return data_left_; }
  void took(std::uint64_t bytes) noexcept { data_left_ -= bytes; }

  [[nodiscard]] bool ended() const noexcept { return state_ == state::end; }

  // Behind the end: the trailers, without those that may not come there (RFC 9110, 6.5.1).
  [[nodiscard]] const field_list& trailers() const noexcept { return trailers_; }

 private:
  enum class state : std::uint8_t { size, extension, size_lf, data_cr, data_lf, trailer, end };
  using outcome = parsed<void>;

  [[nodiscard]] outcome take(char c);
  [[nodiscard]] outcome take_size(char c);
  [[nodiscard]] outcome take_extension(char c);
  [[nodiscard]] outcome take_trailer(char c);
  [[nodiscard]] outcome begin_data();

  state state_ = state::size;
  std::uint64_t size_ = 0;
  unsigned digits_ = 0;
  bool blank_ = false;  // space between the size and ";"
  std::uint64_t data_left_ = 0;
  std::size_t extension_bytes_ = 0;
  std::size_t all_extension_bytes_ = 0;
  std::string trailer_text_;
  field_list trailers_;
};

}  // namespace sluice::http
