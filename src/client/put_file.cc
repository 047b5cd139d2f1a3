#include "client/put_file.h"

#include <fmt/format.h>
#include <memory>
#include <utility>

#include "client/digests.h"
#include "client/names.h"
#include "client/upload.h"
#include "wire/entry.h"

namespace sluice::client {
namespace {

class file_putter {
 public:
  file_putter(session& owner, url server, std::string path, const source_file& source,
              const put_options& options)
      : session_(owner),
        path_(std::move(path)),
        place_{.server = std::move(server), .path = path_, .replace = {}},
        source_(source),
        options_(options) {}

  awaitable<result<file_outcome>> run_all(std::optional<remote_entry> there);

 private:
  // Done under the name of `place_`, or nothing where that is another file's.
  using attempt = std::optional<file_outcome>;
  awaitable<result<attempt>> try_name(const std::optional<remote_entry>& there);
  awaitable<result<attempt>> look_who_has_it(error why);
  awaitable<result<bool>> is_identical(remote_entry there);
  awaitable<result<file_outcome>> send();
  awaitable<result<file_outcome>> send_whole();
  awaitable<result<std::optional<remote_entry>>> look();
  [[nodiscard]] error taken() const;

  session& session_;
  const std::string path_;  // as it was asked for
  put_place place_;
  const source_file& source_;
  const put_options options_;
  std::shared_ptr<upload> work_;  // of a file over one block, once it was begun
};

awaitable<result<bool>> file_putter::is_identical(remote_entry there) {
  if (there.folder && options_.rename) co_return false;
  if (there.folder) co_return fail(errc::not_a_file, "a folder has that name");
  if (there.size_bytes != source_.facts.size_bytes) co_return false;
  session_.progress().enter(phase::comparing, place_.path);
  const digest_question what{.path = place_.path, .upload_id = {}, .size_bytes = there.size_bytes};
  auto found = co_await compare(session_, place_.server, what, source_.fd.get(),
                                {.holes_differ = false, .counts_progress = false});
  if (!found) co_return std::unexpected(std::move(found.error()));
  const bool is_equal = found->different.empty();
  if (is_equal) session_.progress().moved(static_cast<std::int64_t>(found->equal_bytes));
  co_return is_equal;
}

awaitable<result<std::optional<remote_entry>>> file_putter::look() {
  const auto ask_once = [this](const auto& by) { return stat(by, place_.path); };
  auto there = co_await over_connections(session_, place_.server, ask_once);
  co_return there;
}

awaitable<result<file_outcome>> file_putter::send_whole() {
  auto message = put_of(place_.path, source_.facts, place_.replace);
  message.set_whole(true);
  session_.progress().enter(phase::sending, place_.path);
  const auto ask_once = [this, &message](const auto& by) {
    return put_whole(by, message, source_);
  };
  auto outcome = co_await over_connections(session_, place_.server, ask_once);
  co_return outcome;
}

awaitable<result<file_outcome>> file_putter::send() {
  if (source_.facts.size_bytes <= base::small_file_bytes_max) {
    auto outcome = co_await send_whole();
    co_return outcome;
  }
  if (work_) {
    work_->take_name(place_.path);
  } else {
    work_ = std::make_shared<upload>(session_, place_, source_);
  }
  auto sent = co_await work_->send(streams_for(source_.facts.size_bytes, options_.streams));
  if (!sent) co_return std::unexpected(std::move(sent.error()));
  co_return file_outcome{.unchanged = false,
                         .bytes_moved = work_->bytes_moved(),
                         .blocks_repeated = work_->blocks_repeated(),
                         .renamed_to = {}};
}

error file_putter::taken() const {
  if (!work_ || !work_->is_kept()) return {errc::exists, "another file has that name"};
  return {errc::exists,
          "another file got that name meanwhile; what was sent is kept on the server"};
}

// Somebody was faster, or we ourselves by a connection whose answer was lost.
awaitable<result<file_putter::attempt>> file_putter::look_who_has_it(error why) {
  auto now = co_await look();
  if (!now) co_return std::unexpected(std::move(now.error()));
  if (!*now) co_return std::unexpected(std::move(why));
  auto identical = co_await is_identical(**now);
  if (!identical) co_return std::unexpected(std::move(identical.error()));
  if (!*identical) co_return attempt{};
  if (work_) co_await work_->discard();
  attempt done(file_outcome{.unchanged = true, .renamed_to = {}});
  co_return done;
}

awaitable<result<file_putter::attempt>> file_putter::try_name(
    const std::optional<remote_entry>& there) {
  place_.replace.reset();
  if (there) {
    auto identical = co_await is_identical(*there);
    if (!identical) co_return std::unexpected(std::move(identical.error()));
    if (*identical) {
      if (work_) co_await work_->discard();
      attempt done(file_outcome{.unchanged = true, .renamed_to = {}});
      co_return done;
    }
    if (!options_.overwrite || there->folder) co_return attempt{};
    place_.replace = replace_of(*there);
  }
  auto sent = co_await send();
  if (sent) {
    attempt done(std::move(*sent));
    co_return done;
  }
  if (sent.error().code == errc::exists) {
    auto looked = co_await look_who_has_it(std::move(sent.error()));
    co_return looked;
  }
  if (sent.error().code == errc::conflict && work_ && work_->is_kept()) {
    sent.error().context += "; what was sent is kept on the server";
  }
  co_return std::unexpected(std::move(sent.error()));
}

awaitable<result<file_outcome>> file_putter::run_all(std::optional<remote_entry> there) {
  for (unsigned number = 1; number <= names_max; ++number) {
    if (number > 1) {
      place_.path = numbered_name(path_, number);
      auto now = co_await look();
      if (!now) co_return std::unexpected(std::move(now.error()));
      there = std::move(*now);
    }
    auto tried = co_await try_name(there);
    if (!tried) co_return std::unexpected(std::move(tried.error()));
    if (*tried) {
      if (number > 1) (*tried)->renamed_to = place_.path;
      co_return std::move(**tried);
    }
    if (!options_.rename) co_return std::unexpected(taken());
  }
  co_return fail(errc::exists, fmt::format("so are {} names like it", names_max));
}

}  // namespace

void note_renamed(session& owner, const std::string& path, const file_outcome& outcome,
                  summary& done) {
  if (outcome.renamed_to.empty()) return;
  owner.progress().notice(fmt::format("{} is another file on the server: this one {} {}", path,
                                      outcome.unchanged ? "is there as" : "went as",
                                      outcome.renamed_to));
  done.renamed.push_back({.path = path, .as = outcome.renamed_to});
}

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
