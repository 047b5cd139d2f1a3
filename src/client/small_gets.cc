#include "client/small_gets.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "client/beneath.h"
#include "client/digests.h"
#include "client/download.h"
#include "client/names.h"
#include "client/small_file.h"
#include "net/buffers.h"

namespace sluice::client {
namespace {

using shared_buffer = std::shared_ptr<base::pooled_buffer>;

// The disk is set to work when it has so much to do.
constexpr std::uint64_t sync_step_bytes = std::uint64_t{32} << 20;

}  // namespace

// A file that came, on its way to the disk and back.
struct small_gets::arrived {
  small_get file;
  file_facts facts;
  shared_buffer buffer;  // absent for an empty file
  std::size_t offset = 0;
  base::digest128 digest;
  result<void> outcome;
};

// A connection and what is on its way in it.
struct small_gets::link {
  std::shared_ptr<connection> by;
  small_window window;
  shared_buffer buffer;  // that is being filled
  std::size_t used = 0;
  std::vector<arrived> ready;
  std::size_t writing = 0;  // batches with the disk
};

// The place of a request in the window of its link.
class small_gets::place {
 public:
  place(small_gets& owner, link_ptr by, std::uint64_t size_bytes)
      : owner_(owner), by_(std::move(by)), size_bytes_(size_bytes) {
    ++by_->window.files;
    by_->window.bytes += size_bytes_;
  }

  [[nodiscard]] link& by() const noexcept { return *by_; }
  [[nodiscard]] const link_ptr& shared() const noexcept { return by_; }

  void leave() {
    --by_->window.files;
    by_->window.bytes -= size_bytes_;
    owner_.changed_.notify_all();
  }

  void failed(small_get job, const error& why, bool lost) {
    leave();
    if (!lost && is_of_connection(why)) by_->by->close(why);
    if (lost || is_of_connection(why)) return owner_.again(std::move(job));
    owner_.failed_one(job, why);
  }

 private:
  small_gets& owner_;
  link_ptr by_;
  std::uint64_t size_bytes_;
};

// A GET that waits for its answer.
class small_gets::sent_get final : public request {
 public:
  sent_get(small_gets& owner, link_ptr by, small_get job)
      : owner_(owner), place_(owner, std::move(by), job.size_bytes) {
    it_.file = std::move(job);
  }

  result<void> on_message(const wire::frame_head& head, std::span<const std::byte> body) override {
    if (head.kind == wire::kind::content && !told_) return on_content(body);
    if (head.kind != wire::kind::content_end || !told_) {
      return fail(errc::bad_frame, "no answer to a GET");
    }
    if (problem_) {
      place_.leave();
      owner_.failed_one(it_.file, *problem_);
      return {};
    }
    if (it_.facts.size_bytes > 0 && !it_.buffer) {
      return fail(errc::bad_frame, "a GET that ended before its block");
    }
    auto& by = place_.by();
    by.ready.push_back(std::move(it_));
    // The disk is free, or it is enough: more comes while this is written.
    const bool nothing_more = !by.by->reader().more_here() && by.writing == 0;
    if (by.ready.size() >= small_batch_files || nothing_more) owner_.flush(place_.shared());
    return {};
  }

  awaitable<result<void>> on_block(wire::frame_head, wire::block_head block,
                                   connection& from) override {
    if (problem_) co_return result<void>{};
    const std::size_t bytes = from.reader().payload_left();
    if (!told_ || block.offset != 0 || it_.buffer || bytes != it_.facts.size_bytes) {
      co_return fail(errc::bad_frame, "a block that does not fit the file");
    }
    auto& by = place_.by();
    if (!by.buffer || base::block_bytes - by.used < bytes) {
      by.buffer.reset();
      owner_.flush(place_.shared());
      const connection::standstill ours(from);
      auto fresh = co_await net::acquire(from.owner().buffers());
      if (!fresh) co_return std::unexpected(std::move(fresh.error()));
      by.buffer = std::make_shared<base::pooled_buffer>(std::move(*fresh));
      by.used = 0;
    }
    const auto buffer = by.buffer;
    const auto offset = std::exchange(by.used, by.used + bytes);
    auto got = co_await from.reader().payload(buffer->bytes().subspan(offset, bytes));
    if (!got) co_return got;
    it_.buffer = buffer;
    it_.offset = offset;
    it_.digest = block.digest;
    co_return result<void>{};
  }

  void on_failed(const error& why, bool lost) override {
    place_.failed(std::move(it_.file), why, lost);
  }

 private:
  // The file is what it is now, which may differ from what was listed.
  result<void> on_content(std::span<const std::byte> body) {
    const auto told = wire::parse_message<v1::Content>(wire::kind::content, body);
    if (!told) return std::unexpected(told.error());
    auto entry = to_entry(told->entry());
    if (!entry) return std::unexpected(std::move(entry.error()));
    told_ = true;
    it_.facts = {.size_bytes = entry->size_bytes,
                 .mtime_ns = entry->mtime_ns,
                 .executable = entry->executable};
    if (entry->folder || entry->size_bytes > base::small_file_bytes_max) {
      problem_ = error{.code = errc::changed, .context = "it changed since it was listed"};
    }
    return {};
  }

  small_gets& owner_;
  place place_;
  arrived it_;
  bool told_ = false;
  std::optional<error> problem_;
};

// DIGESTS of a file that is here already.
class small_gets::sent_question final : public digest_reply {
 public:
  sent_question(small_gets& owner, link_ptr by, small_get job)
      : digest_reply(owner.session_.where(), one_block),
        owner_(owner),
        place_(owner, std::move(by), job.size_bytes),
        job_(std::move(job)) {}

  result<void> on_message(const wire::frame_head& head, std::span<const std::byte> body) override {
    auto told = digest_reply::on_message(head, body);
    if (told && head.is_last()) judge();
    return told;
  }

  void on_failed(const error& why, bool lost) override {
    place_.failed(std::move(job_), why, lost);
  }

 private:
  void judge() {
    place_.leave();
    const bool is_same = job_.size_bytes > 0 ? digest(0) == job_.here : !digest(0);
    if (is_same) return owner_.finished(job_, job_.size_bytes, true);
    if (!owner_.overwrite_) {
      return owner_.failed_one(
          job_,
          {.code = errc::exists, .context = "it is there and differs; --overwrite replaces it"});
    }
    job_.here.reset();
    job_.replace = true;
    owner_.again(std::move(job_));
  }

  small_gets& owner_;
  place place_;
  small_get job_;
};

small_gets::small_gets(session& owner, url server, std::string base, int root_fd, bool overwrite,
                       summary& done, failures& failed_files)
    : small_streams(owner, std::move(server), std::move(base), "get", done, failed_files),
      root_fd_(root_fd),
      overwrite_(overwrite) {}

// Until the connection is lost, or all is done. What came is written in every case.
awaitable<void> small_gets::serve(std::shared_ptr<connection> over) {
  const auto by = std::make_shared<link>();
  by->by = std::move(over);
  while (!by->by->lost() && !is_over()) {
    while (!jobs_.empty() && !by->window.is_full(*by->by)) ask(by);
    // All that was asked for came: nothing else will start the rest of it on its way to the disk.
    if (by->by->open_requests() == 0) flush(by);
    co_await changed_.wait();
  }
  if (by->by->open_requests() > 0) by->by->close({.code = errc::cancelled, .context = {}});
  flush(by);
  while (by->writing > 0 || syncing_) co_await changed_.wait();
}

void small_gets::ask(const link_ptr& by) {
  auto job = std::move(jobs_.front());
  jobs_.pop_front();
  if (jobs_.size() == waiting_max / 2) changed_.notify_all();
  if (job.here) {
    v1::Digests message;
    message.set_path(join(base_, job.path));
    message.set_block_count(1);
    by->by->begin(wire::kind::digests, message,
                  std::make_shared<sent_question>(*this, by, std::move(job)));
    return;
  }
  v1::Get message;
  message.set_path(join(base_, job.path));
  by->by->begin(wire::kind::get, message, std::make_shared<sent_get>(*this, by, std::move(job)));
}

void small_gets::flush(const link_ptr& by) {
  if (by->ready.empty()) return;
  ++by->writing;
  auto work = [this, files = std::exchange(by->ready, {})]() mutable {
    folder_cache folders(root_fd_, links::refused);
    for (auto& file : files) {
      const auto content = file.buffer
                               ? file.buffer->bytes().subspan(file.offset, file.facts.size_bytes)
                               : std::span<std::byte>{};
      if (file.buffer && base::digest_of(content) != file.digest) {
        file.outcome = fail(errc::bad_digest);
        continue;
      }
      const auto folder = folders.at(folder_of(file.file.path));
      if (!folder) {
        file.outcome = std::unexpected(folder.error());
        continue;
      }
      file.outcome = write_small(*folder, std::string(name_of(file.file.path)), content, file.facts,
                                 file.file.replace);
    }
    return std::move(files);
  };
  session_.on_disk(std::move(work), [this, by](std::vector<arrived> files) {
    --by->writing;
    landed(by, std::move(files));
  });
}

void small_gets::landed(const link_ptr& by, std::vector<arrived> files) {
  for (auto& file : files) {
    --by->window.files;
    by->window.bytes -= file.file.size_bytes;
    land(file);
    unsynced_bytes_ += file.facts.size_bytes;
  }
  sync_some();
  changed_.notify_all();
}

// While more comes: so the sync at the end has little left to wait for. What it finds, that one
// would not be told again.
void small_gets::sync_some() {
  if (syncing_ || unsynced_bytes_ < sync_step_bytes) return;
  syncing_ = true;
  unsynced_bytes_ = 0;
  auto work = [fd = root_fd_] { return ::syncfs(fd) == 0 ? 0 : errno; };
  session_.on_disk(work, [this](int failed) {
    syncing_ = false;
    if (failed != 0) fail_with(fail_errno(failed, "sync the volume").error());
    changed_.notify_all();
  });
}

void small_gets::land(arrived& file) {
  done_.bytes_moved += file.facts.size_bytes;
  if (file.outcome) return finished(file.file, file.facts.size_bytes, false);
  if (file.outcome.error().code != errc::bad_digest) {
    return failed_one(file.file, file.outcome.error());
  }
  if (++file.file.damaged == download::tries_max) {
    return failed_one(file.file,
                      {.code = errc::bad_digest,
                       .context = fmt::format("it arrived damaged {} times", file.file.damaged)});
  }
  ++done_.blocks_repeated;
  again(std::move(file.file));
}

}  // namespace sluice::client
