#include "transfer/crash_explorer.h"

#include <cstdlib>
#include <iostream>
#include <sstream>
#include <stdexcept>

namespace sluice::transfer::test {

namespace {

constexpr std::size_t told_failures_max = 5;
constexpr std::size_t tosses_when_all = 12;
// Of the states that differ, each so many-th also has to take one more upload.
constexpr std::size_t use_every = 16;

store::disk_image empty_disk() {
  store::disk_image image;
  image.nodes[store::root_node] = {.is_folder = true, .attributes = {.mode = 0755}};
  return image;
}

// A server was started here once, and ended in order.
const store::disk_image& used_disk() {
  static const store::disk_image image = [] {
    machine first(empty_disk(), 0, watch::all);
    first.open();
    first.close();
    store::crash_disk disk(empty_disk());
    for (const auto& call : first.disk().calls()) disk.apply(call);
    return disk.found({.mode = store::survival_mode::keep});
  }();
  return image;
}

store::image_node node_from(const place& what) {
  if (what.is == place::kind::folder) return {.is_folder = true, .attributes = {.mode = 0755}};
  auto content = std::make_shared<store::disk_content>();
  content->bytes = *what.file.content;
  return {.attributes = {.mode = 0644, .mtime_ns = what.file.mtime_ns}, .content = content};
}

// Paths come in order, so a folder before what it holds.
void put_into(store::disk_image& image, const std::map<std::string, place>& places,
              store::node_id next) {
  std::map<std::string, store::node_id> folders{{"", store::root_node}};
  for (const auto& [path, what] : places) {
    const auto slash = path.rfind('/');
    const auto above = slash == std::string::npos ? "" : path.substr(0, slash);
    const auto name = slash == std::string::npos ? path : path.substr(slash + 1);
    image.nodes.at(folders.at(above)).names[name] = next;
    image.nodes[next] = node_from(what);
    if (what.is == place::kind::folder) folders[path] = next;
    ++next;
  }
}

// What `survival::text` says.
store::survival survival_from(const std::string& text) {
  using enum store::survival_mode;
  if (text == "keep") return {.mode = keep};
  if (text == "drop") return {.mode = drop};
  if (text.starts_with("torn.")) return {torn, std::stoull(text.substr(5))};
  throw std::runtime_error("SLUICE_CRASH_POINT: " + text + " is not keep, drop or torn.NUMBER");
}

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const auto& part : parts) text += (text.empty() ? "" : "/") + part;
  return text;
}

}  // namespace

crash_settings crash_settings::from_environment() {
  crash_settings made;
  if (const char* all = std::getenv("SLUICE_CRASH")) made.all = std::string(all) == "all";
  if (const char* seed = std::getenv("SLUICE_CRASH_SEED")) made.seed = std::stoull(seed);
  if (const char* point = std::getenv("SLUICE_CRASH_POINT")) {
    std::istringstream text(point);
    for (std::string part; std::getline(text, part, '/');) made.point.push_back(part);
  }
  return made;
}

crash_explorer::crash_explorer(workload what, crash_settings settings)
    : what_(std::move(what)), settings_(std::move(settings)) {
  for (const auto& [path, there] : what_.before) start_.must(path, there);
}

crash_counts crash_explorer::run(const std::function<void(const std::string&)>& report) {
  report_ = report;
  const recording done = record_run();
  counts_.calls = done.calls.size();
  walk(done, start_, {});
  return counts_;
}

crash_explorer::recording crash_explorer::record_run() {
  recording made{what_.from_nothing ? empty_disk() : used_disk(), {}, nullptr};
  put_into(made.start, what_.before, 500'000);
  restart_ids();
  machine server(made.start, 1, watch::all);
  made.told = std::make_shared<story>([&disk = server.disk()] { return disk.position(); });
  server.open();
  {
    actor client(server, *made.told, start_);
    what_.run(client);
    server.close();
  }
  made.calls = server.disk().calls();
  return made;
}

crash_explorer::recording crash_explorer::record_recovery(const store::disk_image& found,
                                                          unsigned generation) {
  recording made{found, {}, std::make_shared<story>([] { return std::size_t{0}; })};
  machine server(found, generation, watch::all);
  server.open();
  server.close();
  made.calls = server.disk().calls();
  return made;
}

std::vector<store::survival> crash_explorer::ways(std::size_t depth) const {
  using enum store::survival_mode;
  if (const auto part = 2 + 2 * depth; part < settings_.point.size()) {
    return {survival_from(settings_.point[part])};
  }
  std::vector<store::survival> all{{.mode = keep}, {.mode = drop}};
  const std::size_t tosses = settings_.all && depth == 0 ? tosses_when_all : 1;
  for (std::size_t i = 0; i < tosses; ++i) all.push_back({torn, settings_.seed + i});
  return all;
}

bool crash_explorer::is_wanted(const steps& point) const {
  if (settings_.point.empty()) return true;
  for (std::size_t i = 0; i < point.size() && i + 1 < settings_.point.size(); ++i) {
    if (settings_.point[i + 1] != point[i]) return false;
  }
  return true;
}

// Where the recovery from a crash is to crash too.
bool crash_explorer::goes_deeper(const steps& point, const store::survival& how) const {
  if (point.size() > 2) return false;
  if (!settings_.point.empty()) return settings_.point.size() > 3;
  if (settings_.all) return how.mode != store::survival_mode::torn || how.seed == settings_.seed;
  return what_.recovery_too && how.mode != store::survival_mode::drop;
}

void crash_explorer::walk(const recording& of, expectation expected, const steps& so_far) {
  store::crash_disk disk(of.start);
  std::size_t told = 0;
  for (std::size_t call = 0; call <= of.calls.size(); ++call) {
    if (call > 0) disk.apply(of.calls[call - 1]);
    for (; told < of.told->events_before(call); ++told) of.told->apply(told, expected);
    for (const auto& how : ways(so_far.size() / 2)) {
      steps point = so_far;
      point.push_back(std::to_string(call));
      point.push_back(how.text());
      if (!is_wanted(point)) continue;
      ++counts_.points;
      auto found = disk.found(how);
      const auto promises = so_far.empty() ? told : std::stoull(so_far[0]) + 1'000'000;
      if (!seen_.emplace(found.digest(), promises).second) continue;
      ++counts_.distinct;
      if (!so_far.empty()) ++counts_.in_recovery;
      const bool is_it = settings_.point.size() <= point.size() + 1;
      if (is_it) visit(found, expected, of, point);
      if (!goes_deeper(point, how)) continue;
      expectation then = expected;
      if (what_.between) what_.between(found, then);
      walk(record_recovery(found, 2), std::move(then), point);
    }
  }
}

void crash_explorer::visit(store::disk_image found, expectation expected, const recording& of,
                           const steps& point) {
  if (!settings_.point.empty()) {
    const auto calls = std::stoull(point[point.size() - 2]);
    for (std::size_t i = 0; i < calls; ++i) std::cout << i + 1 << " " << of.calls[i].text << "\n";
  }
  if (what_.between && point.size() == 2) what_.between(found, expected);
  const auto broken = broken_after(found, expected, point.size() == 2 ? 2 : 3);
  if (broken.empty()) return;
  if (++counts_.broken > told_failures_max) return;
  const auto call = std::stoull(point[point.size() - 2]);
  std::string text = "power off behind call " + std::to_string(call) + " of " +
                     std::to_string(of.calls.size()) + " (" +
                     (call == 0 ? "none" : of.calls[call - 1].text) + "), " + point.back() + ":\n";
  for (const auto& line : broken) text += "  " + line + "\n";
  report_(text + "again: SLUICE_CRASH_POINT=" + what_.name + "/" + joined(point) +
          " crash_tests --gtest_filter='*/" + what_.name + "'");
}

std::vector<std::string> crash_explorer::broken_after(const store::disk_image& found,
                                                      const expectation& expected,
                                                      unsigned generation) {
  std::vector<std::string> broken;
  try {
    machine server(found, generation, watch::store_only);
    server.open();
    broken = violations(server, expected);
    const auto before = contents_of(server);
    server.reopen();
    if (contents_of(server) != before) broken.emplace_back("another start changes something");
    if (counts_.distinct % use_every == 0) {
      if (auto refused = use_once(server); !refused.empty()) broken.push_back(refused);
    }
  } catch (const std::exception& thrown) {
    broken.emplace_back(std::string("the server does not start: ") + thrown.what());
  }
  return broken;
}

}  // namespace sluice::transfer::test
