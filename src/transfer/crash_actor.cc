#include "transfer/crash_actor.h"

#include <algorithm>
#include <latch>

namespace sluice::transfer::test {

actor::actor(machine& at, story& to, const expectation& start) : server(at), told(to) {
  for (const auto& [path, places] : start.names) now_[path] = places.front();
}

void actor::may(const std::string& path, const place& what) {
  told.tell([=](expectation& e) { e.may(path, what); });
}

void actor::must(const std::string& path, const place& what) {
  {
    const std::lock_guard lock(mutex_);
    now_[path] = what;
  }
  told.tell([=](expectation& e) { e.must(path, what); });
}

place actor::there(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto found = now_.find(path);
  return found == now_.end() ? nothing() : found->second;
}

std::vector<std::string> actor::missing_above(const std::string& path) const {
  std::vector<std::string> missing;
  for (auto end = path.find('/'); end != std::string::npos; end = path.find('/', end + 1)) {
    const auto found = now_.find(path.substr(0, end));
    if (found == now_.end() || found->second.is == place::kind::nothing) {
      missing.push_back(path.substr(0, end));
    }
  }
  return missing;
}

void actor::may_make(const std::vector<std::string>& folders) {
  for (const auto& one : folders) may(one, folder());
}
void actor::must_have(const std::vector<std::string>& folders) {
  for (const auto& one : folders) must(one, folder());
}

namespace {

small_file wanted_of(const actor::small& one) {
  small_file wanted(unasked(one.path));
  wanted.mtime_ns = one.file.mtime_ns;
  wanted.executable = one.file.executable;
  wanted.make_parents = one.make_parents;
  return wanted;
}

}  // namespace

// --- Uploads ---

void actor::note_durable(const std::string& id, const known_file& file,
                         const std::vector<block_range>& blocks) {
  std::map<std::uint64_t, base::digest128> heard;
  for (const auto& [first, count] : blocks) {
    for (auto block = first; block < first + count; ++block) {
      heard[block] = file.digests.at(block);
    }
  }
  told.tell([=](expectation& e) {
    for (const auto& [block, digest] : heard) e.uploads.at(id).acknowledged[block] = digest;
  });
}

report_callback actor::listen(const std::string& id, const known_file& file) {
  return [this, id, file](const durability_report& report) {
    if (!report.durable.empty()) note_durable(id, file, report.durable);
  };
}

sending actor::open(const std::string& path, const known_file& file,
                    const std::function<void(upload_request&)>& change) {
  upload_request wanted = request_for(path, file.content->size());
  wanted.mtime_ns = file.mtime_ns;
  wanted.executable = file.executable;
  if (change) change(wanted);
  auto opened = value(server.uploads().open(wanted));
  const std::string id = opened.upload->id();
  told.tell([=](expectation& e) {
    if (!wanted.untold) e.uploads.try_emplace(id).first->second.path = path;
  });
  auto heard = wanted.untold ? report_callback() : listen(id, file);
  auto writer = opened.upload->attach(std::move(heard), unasked());
  return {std::move(opened.upload), std::move(writer), nullptr, file, path, wanted.make_parents};
}

sending actor::join(const sending& of, const std::string& id) {
  sending another = of;
  another.upload = value(server.uploads().join(id)).upload;
  another.writer = another.upload->attach(listen(id, of.file), unasked());
  return another;
}

void actor::send(const sending& to, std::uint64_t block) {
  value(test::send(*to.writer, *to.file.content, block));
}

void actor::send_all(const sending& to) {
  for (std::uint64_t block = 0; block < to.file.digests.size(); ++block) send(to, block);
}

void actor::send_differently(sending& to, std::uint64_t block, const known_file& file) {
  told.tell(
      [=, id = to.upload->id()](expectation& e) { e.uploads.at(id).acknowledged.erase(block); });
  to.file = file;
  to.writer = to.upload->attach(listen(to.upload->id(), file), unasked());
  send(to, block);
}

void actor::checkpoint(const sending& of) {
  value(test::checkpoint(*of.upload));  // which the writers heard of
}

errc actor::finish(sending& what, std::optional<std::uint64_t> size_bytes) {
  const auto id = what.upload->id();
  const auto path = what.path;
  const auto above = missing_above(path);
  may_make(above);
  may(path, holding(what.file));
  told.tell([=](expectation& e) {
    if (e.uploads.contains(id)) e.uploads.at(id).may_be_done = true;
  });
  std::promise<errc> answer;
  what.upload->finish(unasked(), size_bytes, [&](result<store::entry> entry) {
    if (entry) {
      must_have(above);
      must(path, holding(what.file));
    }
    if (!entry) must(path, there(path));
    told.tell([=, done = entry.has_value()](expectation& e) {
      if (!e.uploads.contains(id)) return;
      e.uploads.at(id).is_done = done;
      e.uploads.at(id).may_be_done = done;
    });
    answer.set_value(code_of(entry));
  });
  const errc code = answer.get_future().get();
  what.writer.reset();
  return code;
}

sending actor::open_serially(const std::string& path, const known_file& file,
                             const std::function<void(upload_request&)>& change) {
  upload_request wanted = serial_request(path, file.content->size());
  wanted.mtime_ns = file.mtime_ns;
  if (path.empty()) wanted.form = catalog::upload_form::part;
  if (change) change(wanted);
  auto opened = value(server.uploads().open(wanted));
  told.tell([=, id = opened.upload->id()](expectation& e) {
    auto& one = e.uploads[id];
    one.path = path;
    one.file = file;
  });
  auto writer = value(opened.upload->write_serially({}, unasked()));
  return {std::move(opened.upload), nullptr, std::move(writer), file, path, wanted.make_parents};
}

sending actor::take_over(const sending& of) {
  sending newer = of;
  newer.upload = value(server.uploads().join(of.upload->id())).upload;
  newer.serial = value(newer.upload->write_serially({}, unasked()));
  told.tell([id = of.upload->id(), offset = newer.serial->offset()](expectation& e) {
    e.uploads.at(id).acknowledged_bytes = offset;
  });
  return newer;
}

void actor::append(const sending& to, std::uint64_t until, std::size_t piece_bytes) {
  value(test::append(*to.serial, *to.file.content, until, piece_bytes));
}

void actor::declare(const sending& to, std::uint64_t size_bytes) {
  value(to.serial->declare_size(size_bytes));
  told.tell([id = to.upload->id(), size_bytes](expectation& e) {
    e.uploads.at(id).declared_bytes = size_bytes;
  });
}

void actor::acknowledge(const sending& to) {
  const auto offset = value(test::checkpoint(*to.serial));
  if (offset != to.serial->offset()) throw std::runtime_error("a checkpoint left something out");
  told.tell([id = to.upload->id(), offset](expectation& e) {
    e.uploads.at(id).acknowledged_bytes = offset;
  });
}

void actor::join_parts(const sending& whole, const std::vector<sending>& parts) {
  const auto id = whole.upload->id();
  may(whole.path, holding(whole.file));
  told.tell([=](expectation& e) {
    e.uploads.at(id).may_be_done = true;
    for (const auto& part : parts) e.uploads.at(part.upload->id()).may_be_gone = true;
  });
  if (!value(server.uploads().join_parts(id))) throw std::runtime_error("a part is not whole");
  must(whole.path, holding(whole.file));
  told.tell([=](expectation& e) {
    e.uploads.at(id).is_done = true;
    for (const auto& part : parts) e.uploads.at(part.upload->id()).is_gone = true;
  });
}

void actor::abort(const sending& what) {
  const auto id = what.upload->id();
  told.tell([=](expectation& e) { e.uploads.at(id).may_be_gone = true; });
  value(what.upload->abort());
  told.tell([=](expectation& e) { e.uploads.at(id).is_gone = true; });
}

void actor::expire(const std::vector<std::string>& ids) {
  told.tell([=](expectation& e) {
    for (const auto& id : ids) e.uploads.at(id).may_be_gone = true;
  });
  value(server.uploads().age(std::chrono::hours(24 * 8)));
  told.tell([=](expectation& e) {
    for (const auto& id : ids) e.uploads.at(id).is_gone = true;
  });
}

// --- The rest ---

catalog::replaced_file actor::as_replaced(const std::string& path) const {
  const auto& file = now_.at(path).file;
  return {file.content->size(), file.mtime_ns};
}

void actor::put_small(const std::vector<small>& files) {
  std::latch answered(static_cast<std::ptrdiff_t>(files.size()));
  // The first one's group is held in its sync until the others wait: so they are one group. Theirs
  // begins when the first one is committed: so that is one commit.
  std::latch first_syncs(1), others_wait(1);
  if (files.size() > 1) {
    using enum store::file_call;
    const auto hold = [&] {
      first_syncs.count_down();
      others_wait.wait();
    };
    const auto folders = 1 + missing_above(files[0].path).size();
    server.disk().during_next(fsync, hold);
    server.disk().during_next(fsync, [this] { settle(); }, folders);
    server.disk().during_next(syncfs, [this] { settle(); });
  }
  std::vector<errc> codes(files.size());
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto& one = files[i];
    const auto above = missing_above(one.path);
    may_make(above);
    may(one.path, holding(one.file));
    small_file wanted = wanted_of(one);
    if (one.replaces) wanted.replaces = as_replaced(one.path);
    server.small().put(wanted, *one.file.content, base::digest_of(*one.file.content),
                       [&, i, above, path = one.path, file = one.file](auto entry) {
                         codes[i] = code_of(entry);
                         if (entry) {
                           must_have(above);
                           must(path, holding(file));
                         }
                         answered.count_down();
                       });
    if (i == 0 && files.size() > 1) first_syncs.wait();
  }
  others_wait.count_down();
  answered.wait();
  server.disk().during_no_other();
  for (const errc code : codes) {
    if (code != errc{}) throw std::runtime_error("a small file was refused");
  }
}

void actor::put_small_in_vain(const small& one) {
  may_make(missing_above(one.path));
  server.disk().fail_next(store::file_call::linkat, -ENOSPC);
  std::promise<errc> answer;
  server.small().put(wanted_of(one), *one.file.content, base::digest_of(*one.file.content),
                     [&](const auto& entry) { answer.set_value(code_of(entry)); });
  if (answer.get_future().get() != errc::no_space) throw std::runtime_error("room was found");
}

void actor::mkdir(const std::string& path, bool parents, std::optional<std::int64_t> mtime_ns) {
  const auto above = missing_above(path);
  may_make(above);
  may(path, folder());
  (void)value(folder_made(server.small(), {path, parents, false, mtime_ns}));
  must_have(above);
  must(path, folder(mtime_ns));
}

std::map<std::string, place> actor::at_and_below(const std::string& path) const {
  std::map<std::string, place> found;
  for (const auto& [name, what] : now_) {
    const bool below = name == path || name.starts_with(path + "/");
    if (below && what.is != place::kind::nothing) found[name] = what;
  }
  return found;
}

// What was published there is not there any more, and is done all the same.
void actor::note_taken_away(const std::string& path) {
  told.tell([=](expectation& e) {
    for (auto& [id, one] : e.uploads) one.was_taken_away = one.was_taken_away || one.path == path;
  });
}

void actor::rename(const std::string& from, const std::string& to, bool replaces) {
  const auto moved = at_and_below(from);
  note_taken_away(from);
  told.tell([=](expectation& e) {
    for (const auto& [name, what] : moved) {
      const auto target = to + name.substr(from.size());
      e.may(name, nothing());
      e.may(target, what);
      if (what.is == place::kind::file) e.somewhere.push_back({what.file, {name, target}});
    }
  });
  std::optional<catalog::replaced_file> replaced;
  if (replaces) replaced = as_replaced(to);
  (void)value(server.tree().rename(from, to, replaced));
  for (const auto& [name, what] : moved) {
    must(name, nothing());
    must(to + name.substr(from.size()), what);
  }
  told.tell([](expectation& e) { e.somewhere.clear(); });
  settle();
}

void actor::remove(const std::string& path, bool recursive) {
  const auto gone = at_and_below(path);
  note_taken_away(path);
  for (const auto& [name, what] : gone) may(name, nothing());
  // The catalog forgets it beside the sync: in the same order in every run.
  if (!recursive) server.disk().during_next(store::file_call::fsync, [this] { settle(); });
  value(server.tree().remove(path, recursive));
  server.disk().during_no_other();
  for (const auto& [name, what] : gone) must(name, nothing());
  settle();
}

// What the server does behind its answers has been done.
void actor::settle() {
  value(server.catalog().write([](catalog::session&) -> result<void> { return {}; }));
}

void actor::restart() { server.reopen(); }

}  // namespace sluice::transfer::test
