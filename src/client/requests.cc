#include "client/requests.h"

#include <fmt/format.h>

#include "base/limits.h"

namespace sluice::client {

result<remote_entry> to_entry(const v1::Entry& told) {
  if (told.kind() != v1::KIND_FILE && told.kind() != v1::KIND_FOLDER) {
    return fail(errc::bad_frame, "an entry that is no file and no folder");
  }
  if (told.size_bytes() > base::file_bytes_max) {
    return fail(errc::bad_frame, fmt::format("a file of {} bytes", told.size_bytes()));
  }
  return remote_entry{.path = told.path(),
                      .folder = told.kind() == v1::KIND_FOLDER,
                      .executable = told.executable(),
                      .size_bytes = told.size_bytes(),
                      .mtime_ns = told.mtime_ns(),
                      .identity = told.identity()};
}

v1::Replace replace_of(const remote_entry& file) {
  v1::Replace message;
  message.set_size_bytes(file.size_bytes);
  message.set_mtime_ns(file.mtime_ns);
  return message;
}

v1::Put put_of(const std::string& path, const file_facts& facts,
               const std::optional<v1::Replace>& replace) {
  v1::Put message;
  message.set_path(path);
  message.set_size_bytes(facts.size_bytes);
  message.set_mtime_ns(facts.mtime_ns);
  message.set_executable(facts.executable);
  if (replace) *message.mutable_replace() = *replace;
  message.set_parents(true);
  return message;
}

error about(const error& why, std::string_view what) {
  if (why.context.empty()) return {.code = why.code, .context = std::string(what)};
  return {.code = why.code, .context = fmt::format("{}: {}", what, why.context)};
}

bool is_of_connection(const error& why) noexcept {
  return why.code == errc::broken_stream || why.code == errc::end_of_stream ||
         why.code == errc::timed_out || why.code == errc::cannot_connect || why.code == errc::busy;
}

result<void> single_reply::on_message(const wire::frame_head& head,
                                      std::span<const std::byte> body) {
  if (head.kind != expected_ || !head.is_last()) {
    return fail(errc::bad_frame, fmt::format("{} where {} was due", wire::name_of(head.kind),
                                             wire::name_of(expected_)));
  }
  outcome_.emplace(std::string(reinterpret_cast<const char*>(body.data()), body.size()));
  over_.notify_all();
  return {};
}

void single_reply::on_failed(const error& why, bool) {
  if (!outcome_) outcome_.emplace(std::unexpected(why));
  over_.notify_all();
}

awaitable<result<std::string>> single_reply::body() {
  while (!outcome_) co_await over_.wait();
  co_return std::move(*outcome_);
}

awaitable<result<std::optional<remote_entry>>> stat(std::shared_ptr<connection> of,
                                                    std::string path) {
  v1::Stat message;
  message.set_path(path);
  auto told = co_await ask<v1::Entry>(of, wire::kind::stat, message, wire::kind::entry);
  if (!told && told.error().code == errc::not_found) co_return std::nullopt;
  if (!told) co_return std::unexpected(std::move(told.error()));
  auto entry = to_entry(*told);
  if (!entry) co_return std::unexpected(std::move(entry.error()));
  co_return std::move(*entry);
}

}  // namespace sluice::client
