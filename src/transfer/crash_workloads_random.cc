// What nobody would have thought of: steps of all kinds, by the toss of a coin, the same ones for
// the same seed.
#include <algorithm>
#include <random>

#include "transfer/crash_explorer.h"

namespace sluice::transfer::test {

namespace {

constexpr int steps = 14;

class wanderer {
 public:
  wanderer(actor& client, std::uint64_t seed) : client_(client), random_(seed) {}

  void step() {
    switch (below(12)) {
      case 0:
      case 1: return open();
      case 2:
      case 3:
      case 4: return send();
      case 5: return checkpoint();
      case 6: return finish();
      case 7: return put_small();
      case 8: return rename();
      case 9: return remove();
      case 10: return abort();
      default: return restart();
    }
  }

  // All but one upload are durable: else it is luck whose commits are one when the server ends.
  void end() {
    for (std::size_t i = 1; i < all_.size(); ++i) client_.checkpoint(all_[i].what);
  }

 private:
  struct going {
    sending what;
    std::vector<std::uint64_t> missing;
  };

  std::size_t below(std::size_t end) { return static_cast<std::size_t>(random_() % end); }
  std::string any_name() {
    static constexpr const char* names[] = {"a", "b", "c", "d/a", "d/b"};
    return names[below(std::size(names))];
  }
  bool is_file(const std::string& name) { return client_.there(name).is == place::kind::file; }

  known_file some_file() {
    const std::uint64_t sizes[] = {0, 1, 700, 5000, 70'000, mib, mib + 300};
    return file_of(sparse_content(sizes[below(std::size(sizes))], random_() % 1'000'000));
  }

  void open() {
    const auto name = any_name();
    const auto file = some_file();
    std::optional<catalog::replaced_file> replaces;
    if (is_file(name)) replaces = client_.as_replaced(name);
    going one{client_.open(name, file, [&](auto& wanted) { wanted.replaces = replaces; }), {}};
    for (std::uint64_t block = 0; block < file.digests.size(); ++block) {
      one.missing.push_back(block);
    }
    std::ranges::shuffle(one.missing, random_);
    all_.push_back(std::move(one));
  }

  void send() {
    if (all_.empty()) return open();
    auto& one = all_[below(all_.size())];
    if (one.missing.empty()) return;
    client_.send(one.what, one.missing.back());
    one.missing.pop_back();
  }

  void checkpoint() {
    if (!all_.empty()) client_.checkpoint(all_[below(all_.size())].what);
  }

  // Refused where the name was taken meanwhile, or blocks are missing: then it goes on.
  void finish() {
    if (all_.empty()) return;
    const auto which = below(all_.size());
    auto& one = all_[which];
    if (client_.finish(one.what) == errc{}) {
      all_.erase(all_.begin() + static_cast<std::ptrdiff_t>(which));
    } else {
      one.what = client_.join(one.what);
    }
  }

  void put_small() {
    const auto name = any_name();
    client_.put_small({{.path = name,
                        .file = file_of(sparse_content(below(3000), random_() % 1'000'000)),
                        .replaces = is_file(name)}});
  }

  void rename() {
    const auto from = any_name();
    const auto to = any_name();
    if (from != to && is_file(from)) client_.rename(from, to, is_file(to));
  }

  void remove() {
    if (const auto name = any_name(); is_file(name)) client_.remove(name);
  }

  void abort() {
    if (all_.empty()) return;
    client_.abort(all_.back().what);
    all_.pop_back();
  }

  void restart() {
    end();
    std::vector<std::string> ids;
    for (auto& one : all_) {
      ids.push_back(one.what.upload->id());
      one.what.upload.reset();
      one.what.writer.reset();
    }
    client_.restart();
    for (std::size_t i = 0; i < ids.size(); ++i) {
      all_[i].what = client_.join(all_[i].what, ids[i]);
    }
  }

  actor& client_;
  std::mt19937_64 random_;
  std::vector<going> all_;
};

}  // namespace

std::vector<workload> random_workloads(std::size_t count) {
  std::vector<workload> all;
  for (std::uint64_t seed = 1; seed <= count; ++seed) {
    const auto run = [seed](actor& client) {
      wanderer one(client, seed);
      for (int i = 0; i < steps; ++i) one.step();
      one.end();
    };
    const auto old = holding(file_of(sparse_content(4321, 7000 + seed), 1'300'000'000'000'000'000));
    all.push_back({.name = "random_" + std::to_string(seed),
                   .run = run,
                   .before = {{"a", old}, {"d", folder()}}});
  }
  return all;
}

}  // namespace sluice::transfer::test
