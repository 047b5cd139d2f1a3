#include "client/digests.h"

#include <fmt/format.h>
#include <deque>

#include "client/local_file.h"
#include "client/task_group.h"
#include "net/buffers.h"
#include "wire/entry.h"

namespace sluice::client {
namespace {

constexpr std::size_t questions_ahead = 3;
// Blocks that a thread for the disk digests in one go.
constexpr std::uint64_t blocks_a_job = 8;
constexpr std::size_t jobs_max = 4;

using digest_row = std::vector<std::optional<base::digest128>>;

// On a thread for the disk. Blocks of which there is nothing are left out.
result<digest_row> digest_run(int fd, run blocks, std::uint64_t size_bytes, bool holes_differ,
                              std::span<std::byte> buffer) {
  digest_row row(blocks.count);
  for (auto block = blocks.first; block < blocks.end(); ++block) {
    const auto bytes = bytes_of(block, size_bytes);
    if (holes_differ && !has_data(fd, offset_of(block), bytes)) continue;
    const auto got = read_at(fd, buffer.first(bytes), offset_of(block));
    if (!got) return std::unexpected(got.error());
    if (*got == bytes) row[block - blocks.first] = base::digest_of(buffer.first(bytes));
  }
  return row;
}

result<void> store_digests(digest_row& into, run blocks, std::uint64_t first,
                           const std::string& bytes) {
  const auto parsed = wire::parse_digests(bytes);
  if (!parsed) return std::unexpected(parsed.error());
  if (parsed->empty()) return {};  // of a final run: its first block says nothing
  if (first < blocks.first || parsed->size() > blocks.count ||
      first - blocks.first > blocks.count - parsed->size()) {
    return fail(errc::bad_frame, "digests of blocks that were not asked for");
  }
  std::ranges::copy(*parsed, into.begin() + static_cast<std::ptrdiff_t>(first - blocks.first));
  return {};
}

// One comparison: owned by the coroutine that awaits run().
class comparer {
 public:
  comparer(std::shared_ptr<connection> with, digest_question what, int fd, compare_options options)
      : session_(with->owner()),
        with_(std::move(with)),
        what_(std::move(what)),
        fd_(fd),
        options_(options) {}

  awaitable<result<comparison>> run_all();

 private:
  void ask_ahead();
  awaitable<result<void>> compare_row(std::shared_ptr<digest_reply> theirs);
  awaitable<void> work(std::shared_ptr<digest_reply> theirs, digest_row& ours);
  void judge(const digest_reply& theirs, const digest_row& ours);

  session& session_;
  std::shared_ptr<connection> with_;
  digest_question what_;
  int fd_;
  compare_options options_;
  std::uint64_t asked_ = 0;
  std::deque<std::shared_ptr<digest_reply>> questions_;
  std::uint64_t next_job_ = 0;  // of the row at work
  std::optional<error> failed_;
  comparison found_;
};

void comparer::ask_ahead() {
  const auto blocks = blocks_of(what_.size_bytes);
  while (asked_ < blocks && questions_.size() < questions_ahead) {
    const run row{.first = asked_, .count = std::min(digest_reply::blocks_max, blocks - asked_)};
    questions_.push_back(ask_digests(*with_, what_, row));
    asked_ = row.end();
  }
}

awaitable<result<comparison>> comparer::run_all() {
  for (ask_ahead(); !questions_.empty(); ask_ahead()) {
    if (session_.stopping()) co_return fail(errc::cancelled);
    auto theirs = std::move(questions_.front());
    questions_.pop_front();
    auto told = co_await theirs->over();
    if (!told) co_return std::unexpected(std::move(told.error()));
    auto compared = co_await compare_row(theirs);
    if (!compared) co_return std::unexpected(std::move(compared.error()));
  }
  co_return std::move(found_);
}

awaitable<result<void>> comparer::compare_row(std::shared_ptr<digest_reply> theirs) {
  digest_row ours(theirs->blocks().count);
  next_job_ = theirs->blocks().first;
  task_group workers(session_.where());
  for (std::size_t i = 0; i < jobs_max; ++i) workers.spawn(work(theirs, ours));
  co_await workers.join();
  if (failed_) co_return std::unexpected(*failed_);
  judge(*theirs, ours);
  co_return result<void>{};
}

// A worker: digests run after run of our file, where the server told digests.
awaitable<void> comparer::work(std::shared_ptr<digest_reply> theirs, digest_row& ours) {
  const run row = theirs->blocks();
  while (!failed_ && next_job_ < row.end()) {
    if (session_.stopping()) failed_ = error{.code = errc::cancelled, .context = {}};
    run mine{.first = next_job_, .count = 0};
    while (mine.end() < row.end() && mine.count < blocks_a_job && theirs->digest(mine.end())) {
      ++mine.count;
    }
    next_job_ = std::max(mine.end(), mine.first + 1);
    if (mine.count == 0) continue;
    auto buffer = co_await net::acquire(session_.buffers());
    if (!buffer) {
      failed_ = std::move(buffer.error());
      break;
    }
    auto job = [fd = fd_, mine, size = what_.size_bytes, holes = options_.holes_differ,
                bytes = buffer->bytes()] { return digest_run(fd, mine, size, holes, bytes); };
    auto digested = co_await net::on_pool(session_.disk(), job);
    if (!digested) {
      failed_ = std::move(digested.error());
      break;
    }
    std::ranges::copy(*digested,
                      ours.begin() + static_cast<std::ptrdiff_t>(mine.first - row.first));
  }
}

void comparer::judge(const digest_reply& theirs, const digest_row& ours) {
  std::uint64_t equal = 0;
  for (auto block = theirs.blocks().first; block < theirs.blocks().end(); ++block) {
    const auto& mine = ours[block - theirs.blocks().first];
    if (mine && mine == theirs.digest(block)) {
      equal += bytes_of(block, what_.size_bytes);
    } else {
      append(found_.different, {.first = block, .count = 1});
    }
  }
  found_.equal_bytes += equal;
  if (options_.counts_progress) session_.progress().moved(static_cast<std::int64_t>(equal));
}

}  // namespace

digest_reply::digest_reply(const executor& where, run blocks)
    : blocks_(blocks), over_(where), digests_(blocks.count), recorded_(blocks.count) {}

result<void> digest_reply::on_message(const wire::frame_head& head,
                                      std::span<const std::byte> body) {
  if (head.kind != wire::kind::digest_run) return fail(errc::bad_frame, "no DIGEST_RUN");
  const auto told = wire::parse_message<v1::DigestRun>(head.kind, body);
  if (!told) return std::unexpected(told.error());
  auto stored = store_digests(digests_, blocks_, told->first_block(), told->digests());
  if (stored && !told->recorded().empty()) {
    stored = store_digests(recorded_, blocks_, told->first_block(), told->recorded());
  }
  if (!stored) return stored;
  if (told->has_entry()) {
    auto entry = to_entry(told->entry());
    if (!entry) return std::unexpected(std::move(entry.error()));
    entry_ = std::move(*entry);
  }
  if (head.is_last()) {
    outcome_.emplace();
    over_.notify_all();
  }
  return {};
}

void digest_reply::on_failed(const error& why, bool) {
  if (!outcome_) outcome_.emplace(std::unexpected(why));
  over_.notify_all();
}

awaitable<result<void>> digest_reply::over() {
  while (!outcome_) co_await over_.wait();
  co_return *outcome_;
}

std::shared_ptr<digest_reply> ask_digests(connection& of, const digest_question& what, run blocks) {
  v1::Digests message;
  if (what.upload_id.empty()) {
    message.set_path(what.path);
  } else {
    message.set_upload_id(what.upload_id);
  }
  message.set_first_block(blocks.first);
  message.set_block_count(blocks.count);
  message.set_source(what.reads_content ? v1::CONTENT : v1::RECORDED);
  auto reply = std::make_shared<digest_reply>(of.owner().where(), blocks);
  of.begin(wire::kind::digests, message, reply);
  return reply;
}

awaitable<result<comparison>> compare(std::shared_ptr<connection> with, digest_question what,
                                      int fd, compare_options options) {
  comparer all(std::move(with), std::move(what), fd, options);
  auto found = co_await all.run_all();
  co_return found;
}

awaitable<result<comparison>> compare(session& owner, url server, digest_question what, int fd,
                                      compare_options options) {
  const auto attempt = [&what, fd, options](const auto& with) {
    return compare(with, what, fd, options);
  };
  auto found = co_await over_connections(owner, std::move(server), attempt);
  co_return found;
}

}  // namespace sluice::client
