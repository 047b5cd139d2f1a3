// SCRUB: what is stored against what was recorded, told while it is found.
#include <algorithm>
#include <boost/asio/this_coro.hpp>

#include "native/requests.h"
#include "net/on_pool.h"
#include "transfer/scrub.h"
#include "wire/error_message.h"

namespace sluice::native {
namespace {

using std::chrono::steady_clock;

// Of a frame: well below the limit of a control frame.
constexpr std::size_t report_bytes = 48 * 1024;
// So that the end of the session or of the server is seen soon.
constexpr std::chrono::milliseconds pause_max{250};

v1::ScrubReport report_of(const transfer::scrub& work) {
  const auto& counts = work.counts();
  v1::ScrubReport report;
  report.set_path(work.path());
  report.set_files(counts.files);
  report.set_bytes(counts.bytes);
  report.set_no_record(counts.no_record);
  report.set_recorded(counts.recorded);
  report.set_changed(counts.changed);
  report.set_damaged_files(counts.damaged_files);
  report.set_difference_count(counts.differences);
  report.set_files_passed(counts.files_passed);
  report.set_bytes_passed(counts.bytes + counts.bytes_passed);
  if (counts.totals_known) {
    report.set_files_total(counts.files_total);
    report.set_bytes_total(counts.bytes_total);
  }
  return report;
}

// One portion's news, in frames of a bounded size.
void tell(session& self, std::uint32_t request, transfer::scrub& work, bool is_last) {
  auto report = report_of(work);
  std::size_t bytes = 0;
  for (auto& found : work.take_damages()) {
    if (bytes >= report_bytes) {
      self.writer().send(wire::kind::scrub_report, request, wire::no_flags, report);
      report.clear_differences();
      bytes = 0;
    }
    auto* difference = report.add_differences();
    difference->set_path(std::move(found.path));
    if (found.block) difference->set_block(*found.block);
    difference->set_text(std::move(found.what));
    bytes += difference->ByteSizeLong();
  }
  self.writer().send(wire::kind::scrub_report, request, is_last ? wire::last : wire::no_flags,
                     report);
}

awaitable<void> rest(std::shared_ptr<session> self, std::chrono::milliseconds pause) {
  steady_timer timer(self->where());
  while (pause.count() > 0 && !self->is_ending()) {
    const auto part = std::min(pause, pause_max);
    timer.expires_after(part);
    co_await timer.async_wait(as_tuple);
    pause -= part;
  }
}

awaitable<result<void>> run(std::shared_ptr<session> self, std::uint32_t request,
                            v1::Scrub message) {
  auto& shared = self->shared();
  const auto asked = base::permit<base::right::take>(self->caller(), message.path());
  if (!asked) co_return std::unexpected(asked.error());
  auto begun = co_await net::on_pool(shared.pool, [&shared, &message, &asked] {
    return shared.scrubs.begin(*asked, message.record());
  });
  if (!begun) co_return std::unexpected(begun.error());
  auto& work = **begun;
  const auto rate = shared.scrubs.rate_for(message.bytes_per_second());
  const auto step_bytes = transfer::scrub_step_bytes(rate);
  const auto started = steady_clock::now();
  for (bool more = true; more;) {
    if (self->is_ending()) co_return fail(errc::cancelled, "the server is shutting down");
    const auto stepped =
        co_await net::on_pool(shared.pool, [&work, step_bytes] { return work.next(step_bytes); });
    if (!stepped) co_return std::unexpected(stepped.error());
    more = *stepped;
    tell(*self, request, work, !more);
    auto room = co_await self->writer().room();
    if (!room) co_return room;
    const auto passed = steady_clock::now() - started;
    if (more) co_await rest(self, transfer::scrub_pause(rate, work.counts().bytes, passed));
  }
  co_return result<void>{};
}

}  // namespace

awaitable<void> answer_scrub(std::shared_ptr<session> self, std::uint32_t request,
                             v1::Scrub message) {
  const auto path = message.path();
  auto done = co_await run(self, request, std::move(message));
  if (!done) self->reply_error(request, done.error(), path);
}

}  // namespace sluice::native
