#include "client/put_file.h"

#include <fmt/format.h>
#include <utility>

#include "client/digests.h"
#include "client/upload.h"
#include "wire/entry.h"

namespace sluice::client {
namespace {

class file_putter {
 public:
  file_putter(session& owner, url server, std::string path, const source_file& source,
              const put_options& options)
      : session_(owner),
        server_(std::move(server)),
        path_(std::move(path)),
        source_(source),
        options_(options) {}

  awaitable<result<file_outcome>> run_all(std::optional<remote_entry> there);

 private:
  awaitable<result<bool>> is_identical(remote_entry there);
  awaitable<result<file_outcome>> send(put_place place);
  awaitable<result<file_outcome>> send_whole(put_place place);
  awaitable<result<std::optional<remote_entry>>> look();

  session& session_;
  const url server_;
  const std::string path_;
  const source_file& source_;
  const put_options options_;
};

awaitable<result<bool>> file_putter::is_identical(remote_entry there) {
  if (there.folder) co_return fail(errc::not_a_file, "a folder has that name");
  if (there.size_bytes != source_.facts.size_bytes) co_return false;
  session_.progress().enter(phase::comparing, path_);
  const digest_question what{.path = path_, .upload_id = {}, .size_bytes = there.size_bytes};
  auto found = co_await compare(session_, server_, what, source_.fd.get(),
                                {.holes_differ = false, .counts_progress = false});
  if (!found) co_return std::unexpected(std::move(found.error()));
  if (found->different.empty()) {
    session_.progress().moved(static_cast<std::int64_t>(found->equal_bytes));
  }
  co_return found->different.empty();
}

awaitable<result<std::optional<remote_entry>>> file_putter::look() {
  auto by = co_await session_.open(server_);
  if (!by) co_return std::unexpected(std::move(by.error()));
  auto there = co_await stat(*by, path_);
  session_.give_back(std::move(*by));
  co_return there;
}

awaitable<result<file_outcome>> file_putter::send_whole(put_place place) {
  v1::Put message;
  message.set_path(place.path);
  message.set_size_bytes(source_.facts.size_bytes);
  message.set_mtime_ns(source_.facts.mtime_ns);
  message.set_executable(source_.facts.executable);
  if (place.replace) *message.mutable_replace() = *place.replace;
  message.set_parents(true);
  message.set_whole(true);
  session_.progress().enter(phase::sending, path_);
  patience patient(session_);
  for (;;) {
    error why;
    auto by = co_await session_.open(server_);
    if (by) {
      auto outcome = co_await put_whole(*by, message, source_);
      session_.give_back(std::move(*by));
      if (outcome || !is_of_connection(outcome.error())) co_return outcome;
      why = std::move(outcome.error());
    } else {
      why = std::move(by.error());
    }
    const bool again = co_await patient.once_more(why);
    if (!again) co_return std::unexpected(std::move(why));
  }
}

awaitable<result<file_outcome>> file_putter::send(put_place place) {
  if (source_.facts.size_bytes <= base::small_file_bytes_max) {
    auto outcome = co_await send_whole(std::move(place));
    co_return outcome;
  }
  const auto work = std::make_shared<upload>(session_, std::move(place), source_);
  auto sent = co_await work->send(streams_for(source_.facts.size_bytes, options_.streams));
  if (!sent) co_return std::unexpected(std::move(sent.error()));
  co_return file_outcome{.unchanged = false,
                         .bytes_moved = work->bytes_moved(),
                         .blocks_repeated = work->blocks_repeated()};
}

awaitable<result<file_outcome>> file_putter::run_all(std::optional<remote_entry> there) {
  put_place place{.server = server_, .path = path_, .replace = {}};
  if (there) {
    auto identical = co_await is_identical(*there);
    if (!identical) co_return std::unexpected(std::move(identical.error()));
    if (*identical) co_return file_outcome{.unchanged = true};
    if (!options_.overwrite) {
      co_return fail(errc::exists, "another file has that name; --overwrite replaces it");
    }
    place.replace.emplace();
    place.replace->set_size_bytes(there->size_bytes);
    place.replace->set_mtime_ns(there->mtime_ns);
  }
  auto outcome = co_await send(std::move(place));
  if (outcome || outcome.error().code != errc::exists) co_return outcome;
  // Somebody was faster, or we ourselves by a connection whose answer was lost.
  auto now = co_await look();
  if (!now || !*now || (*now)->folder) co_return outcome;
  auto identical = co_await is_identical(**now);
  if (!identical || !*identical) co_return outcome;
  co_return file_outcome{.unchanged = true};
}

}  // namespace

awaitable<result<file_outcome>> put_file(session& owner, url server, std::string path,
                                         const source_file& source,
                                         std::optional<remote_entry> there, put_options options) {
  const auto what = fmt::format("put {}", path);
  file_putter work(owner, std::move(server), std::move(path), source, options);
  auto outcome = co_await work.run_all(std::move(there));
  if (!outcome) co_return std::unexpected(about(outcome.error(), what));
  co_return outcome;
}

}  // namespace sluice::client
