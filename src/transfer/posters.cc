#include "transfer/posters.h"

#include "transfer/names.h"

namespace sluice::transfer {
namespace {

catalog::content_state state_of(const store::entry& file) {
  return {to_catalog(file.id), file.size_bytes, file.mtime_ns};
}

}  // namespace

result<std::vector<std::byte>> posters::find(const base::permitted<base::right::take>& /*asked*/,
                                             const store::entry& file) {
  return site_.catalog.read(
      [state = state_of(file)](catalog::session& s) { return catalog::find_poster(s, state); });
}

result<void> posters::keep(const base::permitted<base::right::change>& /*asked*/,
                           const store::entry& file, std::span<const std::byte> picture) {
  return put(file, picture);
}

result<void> posters::keep(const opened_upload& own, std::span<const std::byte> picture) {
  if (own.done) return put(*own.done, picture);
  return fail(errc::conflict, "keep a picture of an upload that is no file yet");
}

result<void> posters::put(const store::entry& file, std::span<const std::byte> picture) {
  return site_.catalog.write(
      [state = state_of(file), picture](catalog::session& s) -> result<void> {
        catalog::put_poster(s, state, picture);
        return {};
      });
}

}  // namespace sluice::transfer
