// What the protocol's messages and the use cases call the same thing.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sluice/error.h"
#include "transfer/uploads.h"
#include "wire/entry.h"

namespace sluice::native {

// `path` is what the entry is called in the reply.
[[nodiscard]] v1::Entry to_wire(const store::entry& entry, std::string_view path);

// The path of a request as replies tell it: without a '/' before or behind. "" where it is none.
[[nodiscard]] std::string plain_path(std::string_view path);

// Opaque to clients: another content, another identity.
[[nodiscard]] std::string identity_bytes(const store::entry& entry);

// Null: nothing may be replaced.
[[nodiscard]] std::optional<catalog::replaced_file> replaced_file(const v1::Replace* replace);

// 16 bytes on the wire, 32 hexadecimal digits elsewhere.
[[nodiscard]] result<std::string> upload_id_text(std::string_view bytes);
[[nodiscard]] std::string upload_id_bytes(std::string_view text);

}  // namespace sluice::native
