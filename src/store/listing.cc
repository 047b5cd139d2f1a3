#include "store/listing.h"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "base/limits.h"
#include "store/folder_reader.h"
#include "store/store.h"
#include "store/volume.h"

namespace sluice::store {

namespace {

// One folder of the walk, and the next names in it.
struct walked_folder {
  open_file folder{};
  std::string prefix{};  // of its entries' names: "" or "a/b/"
  std::string last{};    // the name told last
  std::vector<std::string> window{};
  std::size_t at = 0;       // the next one in the window
  bool more_behind = true;  // the folder may hold names behind the window

  [[nodiscard]] bool is_done() const noexcept { return at == window.size() && !more_behind; }
};

bool may_be_told(const folder_reader::item& item) {
  return (item.type == DT_REG || item.type == DT_DIR || item.type == DT_UNKNOWN) &&
         check_name(item.name).has_value();
}

// Of the names taken so far the `count` smallest stay, in order.
void keep_smallest(std::vector<std::string>& names, std::size_t count) {
  if (names.size() > count) {
    const auto end = names.begin() + static_cast<std::ptrdiff_t>(count);
    std::nth_element(names.begin(), end, names.end());
    names.erase(end, names.end());
  }
  std::ranges::sort(names);
}

}  // namespace

struct listing::walk {
  std::shared_ptr<volume> home;
  bool recursive = false;
  std::size_t window_names = 0;
  std::size_t base_bytes = 0;  // of the listed folder's own path, with the slash behind it
  std::size_t base_parts = 0;
  std::string shown;  // for errors
  std::vector<walked_folder> stack;

  result<void> start(open_file folder, const std::string& after);
  result<void> refill(walked_folder& at);
  result<void> tell(list_page& page);
  void enter(const std::string& name, std::string prefix, std::string after);
};

// Puts the walk behind `after`: each folder above it goes on behind the part that leads to it.
result<void> listing::walk::start(open_file folder, const std::string& after) {
  auto path = rel_path::parse(after);
  if (!path) return std::unexpected(path.error());
  stack.push_back({.folder = std::move(folder)});
  for (const std::string_view part : path->parts()) {
    stack.back().last = part;
    if (!recursive) break;
    const std::size_t before = stack.size();
    enter(std::string(part), stack.back().prefix + std::string(part) + "/", "");
    if (stack.size() == before) break;  // it is gone, or a file
  }
  return {};
}

// What cannot be entered is left out: a folder that is gone, another's, or too deep to be asked
// for.
void listing::walk::enter(const std::string& name, std::string prefix, std::string after) {
  if (base_parts + stack.size() >= base::path_parts_max) return;
  auto folder = home->open_below(stack.back().folder.fd(), name);
  if (!folder) return;
  walked_folder& outer = stack.back();
  const std::size_t outer_window_names = std::max<std::size_t>(window_names / 64, 1);
  if (outer.window.size() - outer.at > outer_window_names) {
    outer.window.erase(outer.window.begin(),
                       outer.window.begin() + static_cast<std::ptrdiff_t>(outer.at));
    outer.window.resize(outer_window_names);
    outer.window.shrink_to_fit();
    outer.at = 0;
    outer.more_behind = true;
  }
  stack.push_back(
      {.folder = std::move(*folder), .prefix = std::move(prefix), .last = std::move(after)});
}

// The next `window_names` names behind the last one, in order.
result<void> listing::walk::refill(walked_folder& at) {
  at.window.clear();
  at.at = 0;
  at.more_behind = false;
  const std::string what = "list " + shown;
  auto again = home->open_below(at.folder.fd(), ".");
  if (!again) return std::unexpected(again.error());
  const auto reader = std::make_unique<folder_reader>(home->files, again->fd());
  for (;;) {
    auto item = reader->next(what);
    if (!item) return std::unexpected(item.error());
    if (!*item) break;
    if (!may_be_told(**item) || at.last >= (*item)->name) continue;
    at.window.emplace_back((*item)->name);
    if (at.window.size() == 2 * window_names) {
      keep_smallest(at.window, window_names);
      at.more_behind = true;
    }
  }
  if (at.window.size() > window_names) at.more_behind = true;
  keep_smallest(at.window, window_names);
  return {};
}

// One name of the innermost folder: told if it is a file or a folder that can be asked for.
result<void> listing::walk::tell(list_page& page) {
  walked_folder& at = stack.back();
  std::string name = std::move(at.window[at.at++]);
  at.last = name;
  std::string path = at.prefix + name;
  if (base_bytes + path.size() > base::path_bytes_max) return {};
  auto seen = home->stat_in(at.folder.fd(), name.c_str(), "list " + shown);
  if (!seen) {
    if (seen.error().code == errc::not_found) return {};
    return std::unexpected(seen.error());
  }
  seen->name = path;
  page.entries.push_back(std::move(*seen));
  if (recursive && page.entries.back().kind == entry_kind::folder) enter(name, path + "/", "");
  return {};
}

listing::listing(std::unique_ptr<walk> state) : walk_(std::move(state)) {}
listing::~listing() = default;
listing::listing(listing&&) noexcept = default;
listing& listing::operator=(listing&&) noexcept = default;

result<list_page> listing::next(std::size_t max_entries) {
  list_page page;
  std::vector<walked_folder>& stack = walk_->stack;
  while (!stack.empty() && page.entries.size() < std::max<std::size_t>(max_entries, 1)) {
    walked_folder& at = stack.back();
    if (at.is_done()) {
      stack.pop_back();
      continue;
    }
    auto stepped = at.at == at.window.size() ? walk_->refill(at) : walk_->tell(page);
    if (!stepped) return std::unexpected(stepped.error());
  }
  while (!stack.empty() && stack.back().is_done()) stack.pop_back();
  page.more = !stack.empty();
  return page;
}

result<listing> folder_store::list(const rel_path& folder, const list_options& options) const {
  auto opened = home_->open_to_read(folder, O_RDONLY | O_DIRECTORY);
  if (!opened) return std::unexpected(opened.error());
  auto state = std::make_unique<listing::walk>();
  state->home = home_;
  state->recursive = options.recursive;
  state->window_names = std::max<std::size_t>(options.window_names, 1);
  state->base_bytes = folder.is_root() ? 0 : folder.text().size() + 1;
  state->base_parts = folder.parts().size();
  state->shown = folder.is_root() ? "/" : folder.text();
  if (auto begun = state->start(std::move(*opened), options.after); !begun) {
    return std::unexpected(begun.error());
  }
  return listing(std::move(state));
}

}  // namespace sluice::store
