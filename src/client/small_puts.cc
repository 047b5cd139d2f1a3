#include "client/small_puts.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "client/beneath.h"
#include "client/digests.h"
#include "client/names.h"
#include "client/put_file.h"
#include "client/upload.h"
#include "net/buffers.h"
#include "wire/entry.h"
#include "wire/error_message.h"

namespace sluice::client {
namespace {

// Two at a time for each connection, so that one reads while the other sends.
constexpr unsigned feeders = 2;

}  // namespace

// A connection and what is on its way in it.
struct small_puts::link {
  std::shared_ptr<connection> by;
  task_group tasks;
  small_window window;

  link(std::shared_ptr<connection> of, const executor& where) : by(std::move(of)), tasks(where) {}
  [[nodiscard]] bool is_full() const noexcept { return window.is_full(*by); }
};

// A file that was read, or why it was not.
struct small_puts::prepared {
  small_put file;
  std::optional<error> problem;
  std::size_t offset = 0;  // in the batch's buffer
  base::digest128 digest;
};

// A PUT that waits for its answer.
class small_puts::sent_put final : public request,
                                   public std::enable_shared_from_this<small_puts::sent_put> {
 public:
  sent_put(small_puts& owner, link_ptr by, small_put job)
      : file(std::move(job)), by_(std::move(by)), owner_(owner) {
    ++by_->window.files;
    by_->window.bytes += file.facts.size_bytes;
  }

  result<void> on_message(const wire::frame_head& head, std::span<const std::byte> body) override {
    if (head.kind == wire::kind::put_done && !given_up_) {
      leave();
      owner_.stored(file, false);
      return {};
    }
    if (head.kind == wire::kind::ok && given_up_) {
      leave();
      return {};
    }
    if (head.kind != wire::kind::block_refused) {
      return fail(errc::bad_frame, "no answer to a PUT of a whole file");
    }
    const auto told = wire::parse_message<v1::BlockRefused>(head.kind, body);
    if (!told) return std::unexpected(told.error());
    on_refused(wire::from_wire(told->error()));
    return {};
  }

  void on_failed(const error& why, bool lost) override {
    leave();
    if (given_up_) return;
    if (!lost && is_of_connection(why)) by_->by->close(why);
    if (lost || is_of_connection(why)) {
      file.repeated = true;
      file.compare = true;
      owner_.again(std::move(file));
    } else {
      owner_.refused(file, why);
    }
  }

  void give_up(const error& why) {
    given_up_ = true;
    owner_.failed_one(file, why);
    by_->by->send(wire::kind::put_abort, number, v1::PutAbort());
  }

  [[nodiscard]] const link_ptr& by() const noexcept { return by_; }

  small_put file;
  std::uint32_t number = 0;

 private:
  void on_refused(const error& why) {
    if (given_up_) return;
    if (why.code != errc::bad_digest) return give_up(why);
    if (++file.refusals == upload::tries_max) {
      return give_up({.code = errc::bad_digest,
                      .context = fmt::format("it arrived damaged {} times", file.refusals)});
    }
    ++owner_.done_.blocks_repeated;
    by_->tasks.spawn(owner_.send_again(shared_from_this()));
  }

  void leave() {
    const bool was_full = by_->is_full();
    --by_->window.files;
    by_->window.bytes -= file.facts.size_bytes;
    if (by_->window.files == 0 || was_full != by_->is_full()) owner_.changed_.notify_all();
  }

  link_ptr by_;
  small_puts& owner_;
  bool given_up_ = false;
};

// DIGESTS of a file that may be there.
class small_puts::sent_question final : public digest_reply {
 public:
  sent_question(small_puts& owner, link_ptr by, prepared job)
      : digest_reply(owner.session_.where(), one_block),
        owner_(owner),
        by_(std::move(by)),
        job_(std::move(job)) {
    ++by_->window.files;
  }

  result<void> on_message(const wire::frame_head& head, std::span<const std::byte> body) override {
    auto told = digest_reply::on_message(head, body);
    if (told && head.is_last()) judge();
    return told;
  }

  void on_failed(const error& why, bool lost) override {
    leave();
    job_.file.compare = lost;
    if (!lost && is_of_connection(why)) by_->by->close(why);
    if (lost || is_of_connection(why) || why.code == errc::not_found)
      return owner_.again(std::move(job_.file));
    if (why.code == errc::not_a_file) return owner_.taken(std::move(job_.file), why);
    owner_.failed_one(job_.file, why);
  }

 private:
  void judge() {
    leave();
    const auto size_bytes = job_.file.facts.size_bytes;
    const auto there = entry().value_or(remote_entry{});
    if (there.size_bytes == size_bytes && (size_bytes == 0 || digest(0) == job_.digest)) {
      return owner_.stored(job_.file, !job_.file.repeated);
    }
    if (!owner_.options_.overwrite) {
      const error why{.code = errc::exists, .context = "it is there and differs"};
      return owner_.taken(std::move(job_.file), why);
    }
    job_.file.compare = false;
    job_.file.replace = replace_of(there);
    owner_.again(std::move(job_.file));
  }

  void leave() {
    --by_->window.files;
    owner_.changed_.notify_all();
  }

  small_puts& owner_;
  link_ptr by_;
  prepared job_;
};

namespace {

// On a thread for the disk. What the file is now, not what it was when it was found, is sent.
result<base::digest128> read_small(folder_cache& folders, links allowed, small_put& file,
                                   std::span<std::byte> into) {
  const auto folder = folders.at(folder_of(file.path));
  if (!folder) return std::unexpected(folder.error());
  const auto fd = open_beneath(*folder, std::string(name_of(file.path)),
                               O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, allowed);
  if (!fd) return std::unexpected(fd.error());
  const auto before = facts_of(fd->get(), file.path);
  if (!before) return std::unexpected(before.error());
  if (before->size_bytes > into.size()) return fail(errc::changed, "it grew meanwhile");
  const auto content = into.first(static_cast<std::size_t>(before->size_bytes));
  const auto got = read_at(fd->get(), content, 0);
  if (!got) return std::unexpected(got.error());
  const auto after = facts_of(fd->get(), file.path);
  if (!after || *after != *before || *got != content.size()) {
    return fail(errc::changed, "it was written to while it was read");
  }
  file.facts = *before;
  return base::digest_of(content);
}

}  // namespace

small_puts::small_puts(session& owner, url server, std::string base, const local_tree& source,
                       const put_options& options, summary& done, failures& failed_files)
    : small_streams(owner, std::move(server), std::move(base), "put", done, failed_files),
      source_(source),
      options_(options) {}

void small_puts::stored(const small_put& file, bool unchanged) {
  if (file.number > 1) {
    const file_outcome outcome{.unchanged = unchanged, .renamed_to = target_of(file)};
    note_renamed(session_, join(base_, file.path), outcome, done_);
  }
  finished(file, file.facts.size_bytes, unchanged);
}

void next_name(small_put& file) {
  ++file.number;
  file.compare = true;
  file.looked = false;
}

// The name is another file's.
void small_puts::taken(small_put file, const error& why) {
  if (!options_.rename || file.number >= names_max) return failed_one(file, why);
  next_name(file);
  again(std::move(file));
}

std::string small_puts::target_of(const small_put& file) const {
  auto path = join(base_, file.path);
  return file.number > 1 ? numbered_name(path, file.number) : path;
}

// The server's ERROR to a PUT.
void small_puts::refused(const small_put& file, const error& why) {
  const bool taken = why.code == errc::exists || why.code == errc::conflict;
  if (!taken || file.looked) return failed_one(file, why);
  // Somebody was faster: perhaps with the same content.
  small_put retry = file;
  retry.looked = true;
  retry.compare = true;
  again(std::move(retry));
}

awaitable<void> small_puts::serve(std::shared_ptr<connection> over) {
  const auto by = std::make_shared<link>(std::move(over), session_.where());
  for (unsigned i = 0; i < feeders; ++i) by->tasks.spawn(feed(by));
  co_await by->tasks.join();
  if (by->window.files > 0) by->by->close({.code = errc::cancelled, .context = {}});
}

awaitable<void> small_puts::feed(link_ptr by) {
  while (!by->by->lost() && !is_over()) {
    if (jobs_.empty() || by->is_full()) {
      co_await changed_.wait();
      continue;
    }
    co_await read_and_send(by);
  }
}

std::vector<small_put> small_puts::take_batch() {
  std::vector<small_put> batch;
  std::uint64_t bytes = 0;
  while (!jobs_.empty() && batch.size() < small_batch_files &&
         bytes + jobs_.front().facts.size_bytes <= base::block_bytes) {
    bytes += jobs_.front().facts.size_bytes;
    batch.push_back(std::move(jobs_.front()));
    jobs_.pop_front();
  }
  if (jobs_.size() < waiting_max / 2) changed_.notify_all();
  return batch;
}

awaitable<void> small_puts::read_and_send(link_ptr by) {
  auto acquired = co_await net::acquire(session_.buffers());
  if (!acquired) {
    fail_with(std::move(acquired.error()));
    co_return;
  }
  const auto buffer = std::make_shared<base::pooled_buffer>(std::move(*acquired));
  auto batch = take_batch();
  if (batch.empty()) co_return;
  auto work = [this, buffer, &batch] {
    std::vector<prepared> files;
    files.reserve(batch.size());
    const auto allowed = source_.follows() ? links::inside : links::refused;
    folder_cache folders(source_.root_fd(), allowed);
    std::size_t used = 0;
    for (auto& file : batch) {
      prepared next{.file = std::move(file), .problem = {}, .offset = used, .digest = {}};
      auto digest = read_small(folders, allowed, next.file, buffer->bytes().subspan(used));
      if (digest) {
        next.digest = *digest;
        used += static_cast<std::size_t>(next.file.facts.size_bytes);
      } else {
        next.problem = std::move(digest.error());
      }
      files.push_back(std::move(next));
    }
    return files;
  };
  auto files = co_await net::on_pool(session_.disk(), work);
  auto room = co_await by->by->writer().room();
  for (auto& file : files) {
    if (file.problem) {
      failed_one(file.file, *file.problem);
    } else if (!room || by->by->lost()) {
      again(std::move(file.file));
    } else if (file.file.compare) {
      ask(by, std::move(file));
    } else {
      send(by, std::move(file), buffer);
    }
  }
}

v1::Put small_puts::message_of(const small_put& file) const {
  auto message = put_of(target_of(file), file.facts, file.replace);
  message.set_whole(true);
  return message;
}

void small_puts::send(const link_ptr& by, prepared file,
                      const std::shared_ptr<base::pooled_buffer>& buffer) {
  const auto size = static_cast<std::size_t>(file.file.facts.size_bytes);
  const auto message = message_of(file.file);
  const auto waiting = std::make_shared<sent_put>(*this, by, std::move(file.file));
  waiting->number = by->by->begin(wire::kind::put, message, waiting);
  if (size == 0) return;
  done_.bytes_moved += size;
  by->by->writer().send_block(
      waiting->number, {.offset = 0, .digest = file.digest},
      net::memory_piece{buffer, buffer->bytes().subspan(file.offset, size)});
}

void small_puts::ask(const link_ptr& by, prepared file) {
  v1::Digests message;
  message.set_path(target_of(file.file));
  message.set_block_count(1);
  by->by->begin(wire::kind::digests, message,
                std::make_shared<sent_question>(*this, by, std::move(file)));
}

// The block of a PUT that is still open, read anew.
awaitable<void> small_puts::send_again(std::shared_ptr<sent_put> file) {
  auto acquired = co_await net::acquire(session_.buffers());
  if (!acquired) co_return file->give_up(acquired.error());
  const auto buffer = std::make_shared<base::pooled_buffer>(std::move(*acquired));
  const auto before = file->file.facts;
  auto work = [this, buffer, now = file->file]() mutable -> result<base::digest128> {
    const auto allowed = source_.follows() ? links::inside : links::refused;
    folder_cache folders(source_.root_fd(), allowed);
    const auto expected = now.facts;
    auto digest = read_small(folders, allowed, now, buffer->bytes());
    if (digest && now.facts != expected) return fail(errc::changed, "it was written to meanwhile");
    return digest;
  };
  auto digest = co_await net::on_pool(session_.disk(), work);
  const auto& by = file->by()->by;
  if (by->lost()) co_return;  // it has been told, and comes again
  if (!digest) co_return file->give_up(digest.error());
  done_.bytes_moved += before.size_bytes;
  by->writer().send_block(
      file->number, {.offset = 0, .digest = *digest},
      net::memory_piece{buffer,
                        buffer->bytes().first(static_cast<std::size_t>(before.size_bytes))});
}

}  // namespace sluice::client
