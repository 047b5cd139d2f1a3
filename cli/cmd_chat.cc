#include <unistd.h>
#include <CLI/CLI.hpp>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "base/text.h"
#include "cli/chat_input.h"
#include "cli/chat_line.h"
#include "cli/keys.h"
#include "cli/links.h"
#include "cli/printer.h"
#include "cli/reach.h"
#include "cli/stop_signals.h"
#include "client/talk.h"

namespace sluice::cli {

namespace {

using json = nlohmann::ordered_json;

struct chat_flags {
  std::string url;
  std::string name;
  std::uint64_t history = 50;
  bool listen = false;
  reach_flags reach;
  output_flags output;
};

std::string own_name() {
  const char* user = std::getenv("USER");
  return user == nullptr ? "" : user;
}

// What comes out of the room, to the screen or to a program. Any thread.
class chat_screen final : public client::talk_observer {
 public:
  chat_screen(printer& out, const output_flags& flags, std::stop_source& stop)
      : out_(out), flags_(flags), stop_(stop) {}
  // The lines of people go above the one that is being typed. Before anything is shown.
  void show_above(chat_input& editor) { editor_ = &editor; }

  void on_message(const client::talk_message& what) override {
    const bool is_known = !known_.insert(what.id).second;
    show(message_lines(what, is_known), message_event(what));
  }
  void on_people(const std::vector<client::talk_person>& some, std::uint64_t count) override {
    auto line = people_line(some, count);
    json event{{"event", "here"}, {"count", count}, {"people", json::array()}};
    for (const auto& each : some) {
      event["people"].push_back({{"name", each.name}, {"guest", each.guest}});
    }
    {
      const std::lock_guard lock(mutex_);
      here_ = line;
      if (std::exchange(told_here_, true) && !flags_.json) return;  // people ask with /who
    }
    if (!flags_.quiet) show({std::move(line)}, event);
  }
  void on_typing(const std::string& name) override {
    if (flags_.json) show({}, {{"event", "typing"}, {"name", name}});
  }
  void on_moved(const std::string& path) override {
    show({"this is " + path + " now"}, {{"event", "moved"}, {"path", path}});
  }
  void on_refused(const client::talk_wish& wish, const error& why) override {
    {
      const std::lock_guard lock(mutex_);
      refused_ = why;
    }
    const auto what = wish.resolve ? "resolve " + std::to_string(*wish.resolve) : wish.text;
    notice("not done: " + what + ": " + why.message());
  }
  void on_lost(const error& why) override { notice(why.message() + "; trying again"); }
  void on_back() override { notice("here again"); }

  void notice(const std::string& text) {
    if (editor_ != nullptr) return show({text}, {});
    out_.on_notice(text);
  }
  void show_here() {
    std::string line;
    {
      const std::lock_guard lock(mutex_);
      line = here_.empty() ? "nobody is known yet" : here_;
    }
    show({line}, {{"event", "notice"}, {"text", line}});
  }
  [[nodiscard]] std::optional<error> refused() {
    const std::lock_guard lock(mutex_);
    return refused_;
  }

 private:
  void show(std::vector<std::string> lines, const json& event) {
    if (editor_ != nullptr) {
      for (auto& each : lines) each = base::escape_unsafe(each);
      return editor_->show(std::move(lines));
    }
    if (flags_.json) {
      out_.address_line("", event);
    } else {
      for (const auto& each : lines) out_.address_line(each, event);
    }
    if (!out_.is_heard()) stop_.request_stop();
  }

  printer& out_;
  const output_flags flags_;
  std::stop_source& stop_;
  chat_input* editor_ = nullptr;
  std::set<std::uint64_t> known_;  // the thread of the conversation only
  std::mutex mutex_;
  std::string here_;
  bool told_here_ = false;
  std::optional<error> refused_;
};

// Somebody types: told to the others now and then.
class typing_pulse {
 public:
  void beat(client::conversation& room) {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < std::chrono::seconds(2)) return;
    last_ = now;
    room.say_typing();
  }

 private:
  std::chrono::steady_clock::time_point last_{};
};

// Until the input is over.
void read_lines(chat_input& input, client::conversation& room, chat_screen& screen) {
  while (const auto typed = input.next()) {
    auto line = read_chat_line(*typed);
    switch (line.what) {
      case chat_line::kind::nothing: break;
      case chat_line::kind::wish: room.add(std::move(line.wish)); break;
      case chat_line::kind::who: screen.show_here(); break;
      case chat_line::kind::help:
        for (const auto& each : chat_help()) screen.notice(each);
        break;
      case chat_line::kind::mistake: screen.notice(line.mistake); break;
      case chat_line::kind::quit: return;
    }
  }
}

int run_chat(const chat_flags& flags) {
  const stop_signals signals;
  printer out(flags.output);
  auto target = client::parse_url(flags.url);
  if (!target) return out.failed(target.error());
  const bool on_terminal =
      !flags.output.json && ::isatty(STDIN_FILENO) != 0 && ::isatty(STDOUT_FILENO) != 0;
  client::talk_options options;
  apply(flags.reach, options, out);
  if (auto led = find_keys_and_lead(*target, options); !led) return out.failed(led.error());
  options.name = flags.name.empty() ? own_name() : flags.name;
  options.history = flags.history;
  options.comes_again = on_terminal;
  std::stop_source stop;  // a signal, or the end of standard output
  const std::stop_callback on_signal(signals.token(), [&stop] { stop.request_stop(); });
  options.stop = stop.get_token();

  chat_screen screen(out, flags.output, stop);
  client::conversation room(*target, options, screen);
  typing_pulse pulse;
  std::unique_ptr<chat_input> input;
  if (on_terminal) input = open_chat_editor([&] { pulse.beat(room); });
  if (input) {
    screen.show_above(*input);
  } else {
    input = open_chat_pipe([](const auto&) {});
  }
  result<void> outcome;
  std::thread talking([&] {
    outcome = room.run();
    input->end();
  });
  read_lines(*input, room, screen);
  if (!flags.listen || on_terminal) room.finish();
  talking.join();
  input.reset();  // the terminal is as it was
  if (!outcome) return out.failed(outcome.error());
  if (const auto refused = screen.refused()) return out.failed(*refused);
  return out.done("", {});
}

}  // namespace

runner declare_chat(CLI::App& app) {
  describe(
      app,
      "Joins the conversation about a file or a folder: what was said last, and then what is said, "
      "as it is said. A line that is typed is said once it is durable; empty ones are not sent. "
      "After a lost connection it catches up, and each message is shown once.\n\nLines that begin "
      "with a slash: \"/at 1:23.5 TEXT\" speaks about a time in the film, \"/reply 17 TEXT\" "
      "answers a message by its number, \"/resolve 17\" marks it as done, \"/who\" tells who is "
      "there, \"/quit\" leaves. \"//TEXT\" says a text that begins with a slash.\n\nIn a pipe it "
      "says the lines of standard input, prints what is said, and ends when the input has ended "
      "and all of it is durable; with --listen it then goes on listening. The exit code is 1 or "
      "more where something could not be said.\n\nCharacters that would act on a terminal are "
      "shown escaped; --json gives texts as they are.",
      {{"Talk about a film", "sluice chat sluice://nas/day-1/a.mp4"},
       {"Say one thing", "echo \"/at 1:23.5 the sky flickers\" | sluice chat sluice://nas/a.mp4"},
       {"Hear what is said", "sluice chat --json --listen sluice://nas/a.mp4 < /dev/null"}});
  auto flags = std::make_shared<chat_flags>();
  app.add_option("URL", flags->url, "The file or folder that the conversation is about.")
      ->required();
  app.add_option("--name", flags->name,
                 "What a guest, without an account, is called. By default the name of the user.")
      ->type_name("NAME");
  app.add_option("--history", flags->history, "So many messages from before are shown.")
      ->type_name("COUNT")
      ->check(in_range(0, 500))
      ->capture_default_str();
  app.add_flag("--listen", flags->listen, "Go on after the end of the input, until Ctrl-C.");
  add_reach_flags(app, flags->reach);
  add_output_flags(app, flags->output);
  return [flags] { return run_chat(*flags); };
}

}  // namespace sluice::cli
