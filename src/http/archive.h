// A folder with all that is in it as one stream: zip or tar, made while it is sent.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "http/exchange.h"
#include "http/service.h"

namespace sluice::http {

enum class archive_format : std::uint8_t { zip, tar };

// Writes the archive a step at a time. One thread at a time; its memory does not grow with what it
// packs. Names are UTF-8; sizes may be over 4 GiB (zip64; pax). Content is stored as it is: video
// does not get smaller.
class archive_stream {
 public:
  // `path` is a checked folder. Everything in the archive lies below a folder of its name. Of each
  // file `who` is asked when it is packed.
  archive_stream(service& shared, base::caller_ptr who, std::string path, archive_format format);
  ~archive_stream();
  archive_stream(const archive_stream&) = delete;
  archive_stream& operator=(const archive_stream&) = delete;

  // Some more of the archive, about half a MiB, valid until the next call; empty at its end. Blocks
  // on the disk.
  //   changed: a file became shorter while it was packed; not_found, not_allowed, io
  [[nodiscard]] result<std::span<const std::byte>> next();

 private:
  struct state;
  std::unique_ptr<state> state_;
};

// GET of a folder with ?archive=zip or ?archive=tar.
awaitable<result<void>> get_archive(exchange& now, service& shared);

}  // namespace sluice::http
