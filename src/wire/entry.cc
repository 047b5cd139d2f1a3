#include "wire/entry.h"

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>

#include <algorithm>

#include "base/limits.h"
#include "wire/kind.h"

namespace sluice::wire {
namespace {

constexpr std::size_t digest_bytes = sizeof(base::digest128::bytes);
constexpr int max_ranges = 256;

}  // namespace

v1::Entry file_entry(std::string_view path, std::uint64_t size_bytes, std::int64_t mtime_ns,
                     bool executable, std::string_view identity) {
  v1::Entry entry;
  entry.set_path(path.data(), path.size());
  entry.set_kind(v1::KIND_FILE);
  entry.set_size_bytes(size_bytes);
  entry.set_mtime_ns(mtime_ns);
  entry.set_executable(executable);
  entry.set_identity(identity.data(), identity.size());
  return entry;
}

v1::Entry folder_entry(std::string_view path, std::int64_t mtime_ns) {
  v1::Entry entry;
  entry.set_path(path.data(), path.size());
  entry.set_kind(v1::KIND_FOLDER);
  entry.set_mtime_ns(mtime_ns);
  return entry;
}

std::size_t entry_bytes(const v1::Entry& entry) {
  using google::protobuf::io::CodedOutputStream;
  constexpr std::size_t tag_bytes = 1;
  const std::size_t bytes = entry.ByteSizeLong();
  return tag_bytes + CodedOutputStream::VarintSize64(bytes) + bytes;
}

bool fits(std::size_t used_bytes, const v1::Entry& next) {
  return used_bytes + entry_bytes(next) <= max_control_body_bytes;
}

void append_digest(std::string& digests, const base::digest128& digest) {
  std::ranges::transform(digest.bytes, std::back_inserter(digests),
                         [](std::byte b) { return std::to_integer<char>(b); });
}

result<std::vector<base::digest128>> parse_digests(std::string_view digests) {
  if (digests.size() % digest_bytes != 0) {
    return fail(errc::bad_frame,
                fmt::format("run of digests of {} bytes, 16 each", digests.size()));
  }
  std::vector<base::digest128> parsed(digests.size() / digest_bytes);
  for (auto& digest : parsed) {
    std::ranges::transform(digests.substr(0, digest_bytes), digest.bytes.begin(),
                           [](char c) { return static_cast<std::byte>(c); });
    digests.remove_prefix(digest_bytes);
  }
  return parsed;
}

result<void> check_ranges(const v1::Get& get) {
  if (get.ranges_size() > max_ranges) {
    return fail(errc::invalid_argument,
                fmt::format("{} ranges in one GET, {} at most", get.ranges_size(), max_ranges));
  }
  std::uint64_t end = 0;  // of the range before
  for (const auto& range : get.ranges()) {
    const bool in_a_file = range.offset() <= base::file_bytes_max &&
                           range.length() <= base::file_bytes_max - range.offset();
    if (range.length() == 0 || range.offset() < end || !in_a_file) {
      return fail(errc::invalid_argument,
                  fmt::format("range of {} bytes at {} behind one that ends at {}", range.length(),
                              range.offset(), end));
    }
    end = range.offset() + range.length();
  }
  return {};
}

}  // namespace sluice::wire
