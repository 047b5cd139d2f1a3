#include "transfer/crash_check.h"

#include <sys/stat.h>

#include <algorithm>
#include <set>

namespace sluice::transfer::test {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t all_blocks = std::uint64_t{1} << 40;

class checker {
 public:
  checker(machine& server, const expectation& expected) : server_(server), expected_(expected) {}

  std::vector<std::string> run() {
    look_at_names();
    look_for_names();
    look_for_moved();
    look_at_rows();
    look_at_uploads();
    look_at_partials();
    return std::move(broken_);
  }

 private:
  void say(const std::string& what) { broken_.push_back(what); }

  // --- Names ---

  void look_at_names() {
    for (auto at = fs::recursive_directory_iterator(server_.root()); at != end(at); ++at) {
      const auto path = at->path().lexically_relative(server_.root()).string();
      if (path == ".sluice") {
        at.disable_recursion_pending();
        continue;
      }
      there_.insert(path);
      if (!is_allowed(path, at->is_directory())) say(path + ": is not what it may be");
    }
  }

  bool is_allowed(const std::string& path, bool is_folder) {
    const auto found = expected_.names.find(path);
    if (found == expected_.names.end()) return false;
    const auto fits = [&](const place& one) {
      if (is_folder) return one.is == place::kind::folder && has_time(path, one.folder_mtime_ns);
      return one.is == place::kind::file && holds(path, one.file);
    };
    return std::ranges::any_of(found->second, fits);
  }

  bool has_time(const std::string& path, const std::optional<std::int64_t>& mtime_ns) {
    return !mtime_ns || seen(path).mtime_ns == *mtime_ns;
  }

  store::entry seen(const std::string& path) {
    auto found = server_.tree().stat(path);
    return found ? *found : store::entry{};
  }

  // Whole, with its time and mode; and no digest is on record that is not its own.
  bool holds(const std::string& path, const known_file& file) {
    auto opened = server_.downloads().open(path);
    if (!opened) return false;
    const auto& info = (*opened)->info();
    if (info.size_bytes != file.content->size() || info.mtime_ns != file.mtime_ns ||
        info.executable != file.executable) {
      return false;
    }
    auto blocks = (*opened)->digests(0, all_blocks, digest_source::content);
    if (!blocks || blocks->size() != file.digests.size()) return false;
    for (const auto& one : *blocks) {
      if (one.digest != file.digests[one.block]) return false;
      if (one.recorded && *one.recorded != one.digest) say(path + ": a wrong digest on record");
    }
    return true;
  }

  void look_for_names() {
    for (const auto& [path, places] : expected_.names) {
      const bool may_be_missing = std::ranges::any_of(
          places, [](const place& one) { return one.is == place::kind::nothing; });
      if (!may_be_missing && !there_.contains(path)) say(path + ": is gone");
    }
  }

  void look_for_moved() {
    for (const auto& [file, paths] : expected_.somewhere) {
      const auto here = [&](const std::string& path) {
        return there_.contains(path) && holds(path, file);
      };
      if (!std::ranges::any_of(paths, here)) say(paths.front() + ": renamed to nowhere");
    }
  }

  // --- Uploads ---

  // An open upload has its partial, and holds nothing but what its digests say.
  void look_at_rows() {
    for (const auto& row :
         value(server_.catalog().read([](auto& s) { return catalog::all_uploads(s); }))) {
      if (row.state == catalog::upload_state::done) continue;
      if (row.state != catalog::upload_state::open) {
        say("upload " + row.id + ": neither open nor done");
        continue;
      }
      auto joined = server_.uploads().join(row.id);
      if (!joined || !joined->upload) {
        say("upload " + row.id + ": a row that nothing can be done with" +
            (joined ? "" : ": " + joined.error().message()));
        continue;
      }
      auto& held = open_[row.id];
      for (const auto& one :
           value(joined->upload->digests(0, all_blocks, digest_source::content))) {
        held[one.block] = one.digest;
        if (one.recorded != one.digest) {
          say("upload " + row.id + " block " + std::to_string(one.block) +
              ": recorded as durable, and is not");
        }
      }
      look_at_offset(row.id, *joined->upload);
    }
  }

  // What a serial writer's upload says to have is there, to the byte.
  void look_at_offset(const std::string& id, upload& one) {
    if (one.form() == catalog::upload_form::blocks) return;
    const auto recorded = one.durable_bytes();
    const auto offset = value(one.write_serially({}, unasked()))->offset();
    if (offset != recorded) {
      say("upload " + id + ": " + std::to_string(recorded) +
          " bytes are recorded as durable, and " + std::to_string(offset) + " are");
    }
    offsets_[id] = offset;
  }

  void look_at_bytes(const std::string& name, const std::string& id, const known_upload& one) {
    const auto offset = offsets_.contains(id) ? offsets_.at(id) : 0;
    if (offset < one.acknowledged_bytes) {
      say(name + ": " + std::to_string(one.acknowledged_bytes) + " bytes were acknowledged, and " +
          std::to_string(offset) + " are there");
    }
    const auto found = value(server_.uploads().join(id)).upload;
    if (one.declared_bytes && found->size_bytes() != one.declared_bytes) {
      say(name + ": forgot its size");
    }
    if (offset == 0 || !one.file.content) return;
    bytes there(offset);
    if (value(found->read(0, there)) != offset ||
        !std::equal(there.begin(), there.end(), one.file.content->begin())) {
      say(name + ": holds other bytes than were sent");
    }
  }

  void look_at_uploads() {
    for (const auto& [id, one] : expected_.uploads) {
      const std::string name = "upload " + id + " of " + one.path;
      if (const auto found = open_.find(id); found != open_.end()) {
        look_at_bytes(name, id, one);
        if (one.is_done || one.is_gone) say(name + ": is open again");
        for (const auto& [block, digest] : one.acknowledged) {
          const auto held = found->second.find(block);
          if (held == found->second.end() || held->second != digest) {
            say(name + " block " + std::to_string(block) + ": was acknowledged, and is lost");
          }
        }
        continue;
      }
      auto joined = server_.uploads().join(id);
      if (joined && joined->done) {
        if (!one.may_be_done) say(name + ": is done, and nobody asked for it");
        if (joined->path != one.path) say(name + ": is done as " + joined->path);
        if (!one.was_taken_away && !there_.contains(one.path))
          say(name + ": is done, and is not there");
      } else if (!one.may_be_gone) {
        say(name + ": is gone");
      }
    }
  }

  // Nothing is left of what is done, was thrown away or never became an upload.
  void look_at_partials() {
    const std::set<std::string> own{"lock", "partials", "catalog.db", "catalog.db-wal",
                                    "catalog.db-shm"};
    for (const auto& one : fs::directory_iterator(server_.root() / ".sluice")) {
      const auto name = one.path().filename().string();
      if (!own.contains(name)) say(".sluice/" + name + ": nobody knows it");
    }
    std::set<std::string> partials;
    for (const auto& one : fs::directory_iterator(server_.root() / ".sluice" / "partials")) {
      const auto name = one.path().filename().string();
      partials.insert(name);
      if (!name.ends_with(".part") || !open_.contains(name.substr(0, name.size() - 5))) {
        say("partials/" + name + ": an orphan");
      }
    }
    for (const auto& [id, held] : open_) {
      if (!partials.contains(id + ".part")) say("upload " + id + ": its partial is missing");
    }
  }

  machine& server_;
  const expectation& expected_;
  std::vector<std::string> broken_;
  std::set<std::string> there_;
  std::map<std::string, std::map<std::uint64_t, base::digest128>> open_;
  std::map<std::string, std::uint64_t> offsets_;
};

}  // namespace

std::vector<std::string> violations(machine& server, const expectation& expected) {
  return checker(server, expected).run();
}

std::string contents_of(machine& server) {
  std::set<std::string> lines;
  for (const auto& one : fs::recursive_directory_iterator(server.root())) {
    const auto path = one.path().lexically_relative(server.root()).string();
    if (path.starts_with(".sluice/catalog.db")) continue;
    lines.insert(path + " " + (one.is_directory() ? "/" : std::to_string(one.file_size())));
  }
  const auto rows = value(server.catalog().read([](auto& s) {
    std::vector<std::pair<catalog::upload_row, std::size_t>> all;
    for (auto& row : catalog::all_uploads(s)) {
      const auto count = catalog::blocks_of(s, row.id).size();
      all.emplace_back(std::move(row), count);
    }
    return all;
  }));
  std::string text;
  for (const auto& line : lines) text += line + "\n";
  for (const auto& [row, blocks] : rows) {
    text += row.id + " " + row.path + " " + std::to_string(static_cast<int>(row.state)) + " " +
            std::to_string(blocks) + "\n";
  }
  return text;
}

std::string use_once(machine& server) {
  const bytes content = sparse_content(5000, 77);
  auto opened = server.uploads().open(request_for("one more", content.size()));
  if (!opened) return "one more upload: " + opened.error().message();
  test::send_all(*opened->upload->attach({}, unasked()), content);
  if (auto saved = checkpoint(*opened->upload); !saved) return saved.error().message();
  if (auto done = finish(*opened->upload); !done) return done.error().message();
  auto there = server.tree().stat("one more");
  if (!there || there->size_bytes != content.size()) return "one more upload: is not there";
  return {};
}

}  // namespace sluice::transfer::test
