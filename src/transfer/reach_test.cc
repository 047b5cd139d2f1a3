// Who comes by a link reaches what was shared and nothing else, whatever has its name.
#include "transfer/reach.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "transfer/test_people.h"

namespace sluice::transfer {
namespace {

using base::permit;
using base::right;
using base::rights;
using test::bytes;
using test::content_of;
using test::mib;
using test::value;

class keeper final : public name_keeper {
 public:
  explicit keeper(access::table& of) : table_(of) {}
  void begin_move(const std::string& from) override { table_.begin_move(from); }
  void end_move(const std::string& from, const std::optional<std::string>& to) override {
    table_.end_move(from, to);
  }

 private:
  access::table& table_;
};

class reach_test : public test::people {
 protected:
  reach_test() : keeper_(*table_), anna(somebody("anna", {{"", rights::all()}})) { bind(); }

  // What the server does at its start.
  void bind() {
    auto& where = w.site();
    where.bound_to = [this](const std::string& id) -> std::optional<bound_place> {
      const auto place = table_->place_of(id);
      if (!place) return std::nullopt;
      const auto& file = place->shared;
      return bound_place{place->path, {file.dev, file.ino, file.btime_ns}};
    };
    where.budget_of = [this](const std::string& id) { return table_->budget_of(id); };
    where.keepers = {&keeper_};
  }

  base::caller_ptr link_to(const std::string& path, rights does, base::budget_limits limits = {}) {
    const auto there = value(w.asking_tree().stat(value(permit<right::see>(anna, path))));
    const auto made =
        value(table_->add_link(*anna, {.path = path,
                                       .shared = {there.id.dev, there.id.ino, there.id.btime_ns},
                                       .does = does,
                                       .limits = limits}));
    return value(table_->find_by_token(made.text));
  }
  void by_hand(const std::string& path, std::string_view text) {
    w.write(path, std::as_bytes(std::span(text)));
  }
  result<std::shared_ptr<const store::content>> open(const base::caller_ptr& who,
                                                     const std::string& path) {
    auto asked = permit<right::take>(who, path);
    if (!asked) return std::unexpected(asked.error());
    if (auto early = w.downloads().asked().try_open_content(*asked)) return *early;
    return w.downloads().asked().open_content(*asked);
  }
  result<store::entry> put_small(const base::caller_ptr& who, const std::string& path,
                                 std::size_t size_bytes = 5) {
    auto to = permit<right::give>(who, path);
    if (!to) return std::unexpected(to.error());
    const auto content = content_of(size_bytes);
    std::promise<result<store::entry>> done;
    w.small().put(small_file(*to), content, base::digest_of(content),
                  [&](result<store::entry> r) { done.set_value(std::move(r)); });
    return done.get_future().get();
  }
  result<store::entry> put_large(const base::caller_ptr& who, const std::string& path,
                                 std::uint64_t size_bytes) {
    if (auto to = permit<right::give>(who, path); !to) return std::unexpected(to.error());
    auto opened = w.asking_uploads().open(wanted_by(who, path, size_bytes));
    if (!opened) return std::unexpected(opened.error());
    const auto content = content_of(size_bytes);
    {
      const auto writer = opened->upload->attach({}, opened->by);
      for (std::uint64_t block = 0; block < test::block_count(content); ++block) {
        const auto piece = test::block_of(content, block);
        value(writer->write(block * mib, piece, base::digest_of(piece)));
      }
    }
    std::promise<result<store::entry>> done;
    opened->upload->finish(opened->by, std::nullopt,
                           [&](result<store::entry> r) { done.set_value(std::move(r)); });
    return done.get_future().get();
  }

  keeper keeper_;
  base::caller_ptr anna;
};

TEST_F(reach_test, a_renamed_file_keeps_its_link_and_the_next_of_its_name_has_none) {
  by_hand("a", "first");
  by_hand("b", "second");
  const auto link = link_to("a", access::watching);
  EXPECT_TRUE(open(link, "a"));
  value(w.asking_tree().rename(value(permit<right::change>(anna, "a")),
                               value(permit<right::give>(anna, "c")), std::nullopt));
  value(w.asking_tree().rename(value(permit<right::change>(anna, "b")),
                               value(permit<right::give>(anna, "a")), std::nullopt));
  EXPECT_FAILS(open(link, "a"), errc::not_found);
  EXPECT_EQ(value(open(link, "c"))->info().size_bytes, 5U);
}

// It may have been another one only while it was opened.
TEST_F(reach_test, what_was_opened_is_what_was_shared) {
  by_hand("a", "first");
  const auto link = link_to("a", access::watching);
  const auto name = value(store::rel_path::parse("a"));
  auto found = value(w.tree().stat("a")).id;
  EXPECT_TRUE(check_reached(w.site(), *link, name, found));
  ++found.ino;
  EXPECT_FAILS(check_reached(w.site(), *link, name, found), errc::not_found);
}

TEST_F(reach_test, what_others_put_under_the_name_by_hand_is_not_reached) {
  by_hand("a", "first");
  std::filesystem::create_directory(w.root() / "day");
  by_hand("day/x", "inside");
  const auto to_file = link_to("a", access::watching);
  const auto to_folder = link_to("day", access::watching | access::dropping);
  std::filesystem::rename(w.root() / "a", w.root() / "elsewhere");
  by_hand("a", "second");
  std::filesystem::rename(w.root() / "day", w.root() / "night");
  std::filesystem::create_directory(w.root() / "day");
  by_hand("day/x", "another");
  EXPECT_FAILS(open(to_file, "a"), errc::not_found);
  EXPECT_FAILS(open(to_folder, "day/x"), errc::not_found);
  EXPECT_FAILS(w.asking_tree().list(value(permit<right::see>(to_folder, "day"))), errc::not_found);
  EXPECT_FAILS(w.asking_tree().stat(value(permit<right::see>(to_folder, "day/x"))),
               errc::not_found);
  EXPECT_FAILS(put_small(to_folder, "day/y"), errc::not_found);
  EXPECT_FAILS(put_large(to_folder, "day/z", mib), errc::not_found);
  std::filesystem::remove_all(w.root() / "day");
  std::filesystem::rename(w.root() / "night", w.root() / "day");
  EXPECT_TRUE(open(to_folder, "day/x")) << "what was shared is back";
}

TEST_F(reach_test, files_that_replaced_what_was_shared_are_not_reached) {
  by_hand("a", "first");
  const auto link = link_to("a", access::watching);
  by_hand("b", "second");
  const auto there = value(w.asking_tree().stat(value(permit<right::see>(anna, "a"))));
  value(w.asking_tree().rename(value(permit<right::change>(anna, "b")),
                               value(permit<right::give>(anna, "a")),
                               catalog::replaced_file{there.size_bytes, there.mtime_ns}));
  EXPECT_FAILS(open(link, "a"), errc::not_found);
}

TEST_F(reach_test, limits_hold_for_small_and_large_together_and_over_a_restart) {
  std::filesystem::create_directory(w.root() / "in");
  const auto link = link_to("in", access::dropping, {.bytes = 2 * mib, .files = 3});
  EXPECT_TRUE(put_small(link, "in/a", 5));
  EXPECT_FAILS(put_large(link, "in/b", 2 * mib), errc::no_space);
  EXPECT_TRUE(put_large(link, "in/b", mib));
  EXPECT_FAILS(put_small(link, "in/a", 6), errc::exists);          // and costs nothing
  EXPECT_FAILS(put_large(link, "in/c", mib - 4), errc::no_space);  // one byte over
  EXPECT_EQ(table_->links("").front().used.bytes, mib + 5);
  EXPECT_EQ(table_->links("").front().used.files, 2U);
  value(table_->set_limits("anna", {.files = 100}));
  const auto id = link->id();
  table_.reset();
  w.reopen();
  table_ = value(access::table::open(w.catalog(), {}));
  bind();
  EXPECT_EQ(table_->links("").front().used.bytes, mib + 5);
  const auto budget = table_->budget_of(id);
  EXPECT_TRUE(budget->take({.bytes = mib - 5, .files = 1}));
  EXPECT_FAILS(budget->take({.files = 1}), errc::no_space);
}

TEST_F(reach_test, what_is_open_counts_while_it_is) {
  std::filesystem::create_directory(w.root() / "in");
  const auto link = link_to("in", access::dropping, {.bytes = 2 * mib, .uploads = 1});
  const auto opened = value(w.asking_uploads().open(wanted_by(link, "in/a", mib)));
  EXPECT_FAILS(put_large(link, "in/b", mib), errc::busy);
  EXPECT_FAILS(put_small(link, "in/b", mib + 1), errc::no_space);
  value(opened.upload->abort());
  EXPECT_TRUE(put_large(link, "in/b", 2 * mib));
  EXPECT_EQ(table_->links("").front().used.uploads, 0U);
}

}  // namespace
}  // namespace sluice::transfer
