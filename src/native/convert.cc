#include "native/convert.h"

#include <array>
#include <span>

#include "transfer/tree.h"
#include "wire/big_endian.h"

namespace sluice::native {

std::string identity_bytes(const store::entry& entry) {
  const std::array values{entry.id.dev, entry.id.ino, static_cast<std::uint64_t>(entry.id.btime_ns),
                          entry.size_bytes, static_cast<std::uint64_t>(entry.mtime_ns)};
  std::array<std::byte, sizeof(values)> bytes{};
  auto rest = std::span<std::byte>(bytes);
  for (const auto value : values) wire::put_big_endian(rest, value);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string plain_path(std::string_view path) {
  const auto parsed = store::rel_path::parse(path);
  return parsed ? parsed->text() : std::string();
}

v1::Entry to_wire(const store::entry& entry, std::string_view path) {
  if (entry.kind == store::entry_kind::folder) return wire::folder_entry(path, entry.mtime_ns);
  return wire::file_entry(path, entry.size_bytes, entry.mtime_ns, entry.executable,
                          identity_bytes(entry));
}

std::optional<catalog::replaced_file> replaced_file(const v1::Replace* replace) {
  if (replace == nullptr) return std::nullopt;
  return catalog::replaced_file{.size_bytes = replace->size_bytes(),
                                .mtime_ns = replace->mtime_ns()};
}

result<std::string> upload_id_text(std::string_view bytes) {
  store::partial_id id;
  if (bytes.size() != id.bytes.size()) {
    return fail(errc::invalid_argument, "an upload id has 16 bytes");
  }
  for (std::size_t i = 0; i < bytes.size(); ++i) id.bytes[i] = static_cast<std::byte>(bytes[i]);
  return id.text();
}

std::string upload_id_bytes(std::string_view text) {
  const auto id = store::partial_id::parse(text);
  if (!id) return {};
  std::string bytes;
  for (const auto byte : id->bytes) bytes.push_back(static_cast<char>(byte));
  return bytes;
}

}  // namespace sluice::native
