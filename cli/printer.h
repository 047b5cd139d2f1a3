// All that a command prints goes through one of these.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <thread>

#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/view.h"
#include "client/client.h"
#include "client/observer.h"
#include "sluice/error.h"

namespace sluice::cli {

// Results go to standard output; progress, notices and errors to standard error; with --json all of
// it goes to standard output (to standard error where standard output carries content). Owns a
// thread that keeps the progress alive while the engine has nothing to say. Any thread may call.
class printer : public client::observer {
 public:
  explicit printer(const output_flags& flags, bool stdout_is_content = false);
  ~printer() override;

  void on_progress(const client::progress& snapshot) override;
  void on_notice(std::string_view text) override;

  // What a command's connections have to say; `options` do not outlive this.
  void hear(client::session_options& options);

  // Shows that the peer is being called, for work that has no progress of its own.
  void connecting(const client::url& peer);

  // One line of results: `text` for people (escaped here), or with --json `event` for programs. -q
  // does not silence what was asked for.
  void result_line(std::string_view text, const nlohmann::ordered_json& event);

  // Like result_line, but flushed, and on standard error where standard output carries content.
  void address_line(std::string_view text, const nlohmann::ordered_json& event);

  // False once standard output takes no more: who prints without end has reached it.
  [[nodiscard]] bool is_heard();

  // The last word of a command; these return the exit code. A full disk behind standard output is
  // found here at the latest.
  [[nodiscard]] int done(std::string_view text, const nlohmann::ordered_json& facts);
  [[nodiscard]] int failed(const error& why);
  [[nodiscard]] int failed(const error& why, std::string_view advice);

  // Seconds since the printer was made, for the totals.
  [[nodiscard]] std::chrono::milliseconds elapsed() const;

 private:
  void tick_until_ended();
  [[nodiscard]] std::string shown(std::string_view text, const nlohmann::ordered_json& event) const;
  void write_line(std::string_view text, const nlohmann::ordered_json& event);
  int report(const error& why, std::string_view advice);

  const output_flags flags_;
  const bool stdout_is_content_;
  const time_point started_;
  std::mutex mutex_;
  std::condition_variable ended_signal_;
  bool ended_ = false;
  int stdout_errno_ = 0;
  std::unique_ptr<view> view_;
  std::thread ticker_;
};

// "sent 3 files, 2.7 GB in 25 s (110.0 MB/s), 2 files unchanged", and the same for programs.
[[nodiscard]] std::string summary_text(std::string_view verb, const client::summary& summary,
                                       std::chrono::milliseconds elapsed);
[[nodiscard]] nlohmann::ordered_json summary_facts(const client::summary& summary,
                                                   std::chrono::milliseconds elapsed);

}  // namespace sluice::cli
