#include "native/convert.h"

#include "transfer/tree.h"

namespace sluice::native {
namespace {

void append_number(std::string& out, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

}  // namespace

std::string identity_bytes(const store::entry& entry) {
  std::string bytes;
  append_number(bytes, entry.id.dev);
  append_number(bytes, entry.id.ino);
  append_number(bytes, static_cast<std::uint64_t>(entry.id.btime_ns));
  append_number(bytes, entry.size_bytes);
  append_number(bytes, static_cast<std::uint64_t>(entry.mtime_ns));
  return bytes;
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
