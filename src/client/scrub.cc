// scrub: the server reads what it stores, and tells what it finds.
#include "client/client.h"
#include "client/names.h"
#include "client/requests.h"

namespace sluice::client {
namespace {

using taker = std::function<void(const difference&)>;

// The reports of one scrub, in order.
class scrub_reply final : public request {
 public:
  scrub_reply(session& owner, const taker& each)
      : session_(owner), each_(each), over_(owner.where()) {}

  result<void> on_message(const wire::frame_head& head, std::span<const std::byte> body) override {
    if (head.kind != wire::kind::scrub_report) return fail(errc::bad_frame, "no SCRUB_REPORT");
    const auto told = wire::parse_message<v1::ScrubReport>(head.kind, body);
    if (!told) return std::unexpected(told.error());
    show_progress(*told);
    for (const auto& found : told->differences()) {
      difference one{.path = found.path(), .block = {}, .what = found.text()};
      if (found.has_block()) one.block = found.block();
      each_(one);
    }
    last_ = *told;
    if (head.is_last()) end({});
    return {};
  }

  void on_failed(const error& why, bool) override { end(std::unexpected(why)); }

  awaitable<result<scrub_report>> over() {
    while (!outcome_) co_await over_.wait();
    if (!*outcome_) co_return std::unexpected(outcome_->error());
    co_return scrub_report{.files = last_.files(),
                           .bytes = last_.bytes(),
                           .no_record = last_.no_record(),
                           .recorded = last_.recorded(),
                           .changed = last_.changed(),
                           .damaged_files = last_.damaged_files(),
                           .differences = last_.difference_count()};
  }

 private:
  void show_progress(const v1::ScrubReport& now) {
    auto& shown = session_.progress();
    shown.at(now.path());
    if (now.has_bytes_total() && !last_.has_bytes_total()) {
      shown.expect(now.bytes_total(), now.files_total());
      shown.totals_known();
    }
    shown.moved(static_cast<std::int64_t>(now.bytes_passed() - last_.bytes_passed()));
    shown.file_done(now.files_passed() - last_.files_passed());
  }

  void end(result<void> outcome) {
    outcome_ = std::move(outcome);
    over_.notify_all();
  }

  session& session_;
  const taker& each_;
  net::signal over_;
  v1::ScrubReport last_;
  std::optional<result<void>> outcome_;
};

awaitable<result<scrub_report>> run(session& owner, url target, const scrub_options& options,
                                    const taker& each) {
  owner.progress().enter(phase::connecting, target.text());
  auto by = co_await owner.open(target);
  if (!by) co_return std::unexpected(about(by.error(), "connect"));
  if (!(*by)->has("scrub")) {
    co_return fail(errc::unsupported, "scrub " + target.text() +
                                          ": this server is too old to do it; use a newer "
                                          "one, or scrub its folder while it does not run");
  }
  owner.progress().enter(phase::verifying, target.text());
  v1::Scrub message;
  message.set_path(std::string(without_slash(target.path)));
  message.set_bytes_per_second(options.bytes_per_second);
  message.set_record(options.record);
  const auto reply = std::make_shared<scrub_reply>(owner, each);
  (*by)->begin(wire::kind::scrub, message, reply);
  auto told = co_await reply->over();
  if (!told) co_return std::unexpected(about(told.error(), "scrub " + target.text()));
  co_return told;
}

}  // namespace

result<scrub_report> scrub(const url& target, const scrub_options& options, observer& watcher,
                           const std::function<void(const difference&)>& each) {
  session work(options, watcher);
  return work.run(run(work, target, options, each));
}

}  // namespace sluice::client
