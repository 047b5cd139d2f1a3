#include "cli/printer.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/quantity.h"

namespace sluice::cli {

namespace {

constexpr auto tick_interval = std::chrono::milliseconds(100);

time_point now() { return std::chrono::steady_clock::now(); }

std::uint64_t rate(std::uint64_t bytes, std::chrono::milliseconds elapsed) {
  const double seconds = std::max(static_cast<double>(elapsed.count()) / 1000, 0.001);
  return static_cast<std::uint64_t>(static_cast<double>(bytes) / seconds);
}

}  // namespace

printer::printer(const output_flags& flags, bool stdout_is_content)
    : flags_(flags),
      stdout_is_content_(stdout_is_content),
      started_(now()),
      view_(make_view(flags, stdout_is_content)),
      ticker_([this] { tick_until_ended(); }) {}

printer::~printer() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  ended_signal_.notify_all();
  ticker_.join();
}

void printer::tick_until_ended() {
  std::unique_lock lock(mutex_);
  while (!ended_signal_.wait_for(lock, tick_interval, [this] { return ended_; })) {
    view_->tick(now());
  }
}

void printer::on_progress(const client::progress& snapshot) {
  const std::lock_guard lock(mutex_);
  if (!ended_) view_->progress(snapshot, now());
}

void printer::on_notice(std::string_view text) {
  const std::lock_guard lock(mutex_);
  view_->notice(text);
}

void printer::hear(client::session_options& options) {
  options.on_new_host = [this](std::string_view text) { on_notice(text); };
}

void printer::connecting(const client::url& peer) {
  client::progress calling;
  calling.path = peer.authority();
  on_progress(calling);
}

void printer::result_line(std::string_view text, const nlohmann::ordered_json& event) {
  const std::lock_guard lock(mutex_);
  view_->make_way(true);
  write_line(text, event);
}

void printer::address_line(std::string_view text, const nlohmann::ordered_json& event) {
  const std::lock_guard lock(mutex_);
  view_->make_way(false);
  if (stdout_is_content_) return put_text(STDERR_FILENO, shown(text, event));
  write_line(text, event);
  if (std::fflush(stdout) != 0 && stdout_errno_ == 0) stdout_errno_ = errno;
}

bool printer::is_heard() {
  const std::lock_guard lock(mutex_);
  return stdout_errno_ == 0;
}

std::string printer::shown(std::string_view text, const nlohmann::ordered_json& event) const {
  return flags_.json ? json_line(event) : base::escape_unsafe(text) + "\n";
}

void printer::write_line(std::string_view text, const nlohmann::ordered_json& event) {
  if (stdout_errno_ != 0) return;
  const std::string line = shown(text, event);
  if (std::fwrite(line.data(), 1, line.size(), stdout) != line.size()) stdout_errno_ = errno;
}

int printer::done(std::string_view text, const nlohmann::ordered_json& facts) {
  const std::lock_guard lock(mutex_);
  ended_ = true;
  if (std::fflush(stdout) != 0 && stdout_errno_ == 0) stdout_errno_ = errno;
  // Whoever reads our output and stops reading has what was wanted.
  if (stdout_errno_ == EPIPE) return exit_failed;
  if (stdout_errno_ != 0) {
    const auto why = fail_errno(stdout_errno_, "write to standard output").error();
    return report(why, advice(why.code));
  }
  view_->done(text, facts);
  return exit_done;
}

int printer::failed(const error& why) { return failed(why, advice(why.code)); }

int printer::failed(const error& why, std::string_view advice) {
  const std::lock_guard lock(mutex_);
  ended_ = true;
  std::fflush(stdout);
  return report(why, advice);
}

int printer::report(const error& why, std::string_view advice) {
  const int code = exit_code_of(why.code);
  // What is wrong with an argument says its context; "invalid argument" adds nothing.
  const bool enough = why.code == errc::invalid_argument && !why.context.empty();
  const std::string message = enough ? why.context : why.message();
  view_->failed({code, to_string(why.code), message, advice});
  return code;
}

std::chrono::milliseconds printer::elapsed() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(now() - started_);
}

std::string summary_text(std::string_view verb, const client::summary& summary,
                         std::chrono::milliseconds elapsed) {
  std::string text = std::string(verb) + " " + counted(summary.files, "file");
  text += ", " + human_bytes(summary.bytes_moved) + " in " + human_duration(elapsed) + " (" +
          human_bytes(rate(summary.bytes_moved, elapsed)) + "/s)";
  if (summary.files_unchanged > 0) {
    text += ", " + counted(summary.files_unchanged, "file") + " unchanged";
  }
  if (!summary.skipped.empty()) text += ", " + std::to_string(summary.skipped.size()) + " skipped";
  if (!summary.renamed.empty()) {
    text += ", " + counted(summary.renamed.size(), "file") + " under another name";
  }
  if (summary.blocks_repeated > 0) {
    text += ", " + counted(summary.blocks_repeated, "damaged block") + " sent again";
  }
  return text;
}

nlohmann::ordered_json summary_facts(const client::summary& summary,
                                     std::chrono::milliseconds elapsed) {
  auto renamed = nlohmann::ordered_json::array();
  for (const auto& [path, as] : summary.renamed) renamed.push_back({{"path", path}, {"as", as}});
  return {{"files", summary.files},
          {"files_unchanged", summary.files_unchanged},
          {"folders", summary.folders},
          {"bytes", summary.bytes},
          {"bytes_moved", summary.bytes_moved},
          {"blocks_repeated", summary.blocks_repeated},
          {"skipped", summary.skipped},
          {"renamed", std::move(renamed)},
          {"seconds", static_cast<double>(elapsed.count()) / 1000}};
}

}  // namespace sluice::cli
