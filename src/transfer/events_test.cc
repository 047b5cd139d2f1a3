#include "transfer/events.h"

#include "transfer/test_world.h"

namespace sluice::transfer::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string word_for(event_kind kind) {
  switch (kind) {
    case event_kind::stored: return "stored";
    case event_kind::made: return "made";
    case event_kind::renamed: return "renamed";
    case event_kind::removed: return "removed";
    case event_kind::upload_started: return "started";
    case event_kind::upload_progress: return "progress";
    case event_kind::upload_finished: return "finished";
    case event_kind::upload_ended: return "ended";
  }
  return "";
}

std::string line_of(const event& what) {
  std::string line = word_for(what.kind) + ' ';
  if (!what.from.empty()) line += what.from + " -> ";
  return line + what.path;
}

std::vector<std::string> lines(subscription& from) {
  std::vector<std::string> all;
  for (auto what = from.next(); !what.is_none(); what = from.next()) {
    all.push_back(what.missed ? "missed" : line_of(*what.what));
  }
  return all;
}

base::permitted<base::right::see> seen(const std::string& folder) {
  return base::permit_unasked<base::right::see>(folder);
}
store::rel_path path(const std::string& text) { return value(store::rel_path::parse(text)); }

std::unique_ptr<subscription> follow_all(world& w) {
  auto made = w.told().subscribe({});
  value(made->follow(seen(""), true));
  return made;
}

result<store::entry> put_small(world& w, const std::string& name, const bytes& content) {
  std::promise<result<store::entry>> told;
  small_file wanted(unasked(name));
  wanted.make_parents = true;
  w.small().put(wanted, content, base::digest_of(content),
                [&](auto entry) { told.set_value(std::move(entry)); });
  return told.get_future().get();
}

result<store::entry> make_folder(world& w, const std::string& name, bool may_exist) {
  new_folder wanted(unasked(name));
  wanted.parents = true;
  wanted.may_exist = may_exist;
  std::promise<result<store::entry>> told;
  w.small().make_folder(wanted, [&](auto entry) { told.set_value(std::move(entry)); });
  return told.get_future().get();
}

TEST(concerns, what_is_in_the_folder_is_it_or_holds_it) {
  for (const bool recursive : {false, true}) {
    EXPECT_TRUE(concerns("a", recursive, "a/b"));
    EXPECT_TRUE(concerns("a", recursive, "a"));
    EXPECT_TRUE(concerns("a/b", recursive, "a"));
    EXPECT_TRUE(concerns("", recursive, "a"));
    EXPECT_EQ(concerns("a", recursive, "a/b/c"), recursive);
    EXPECT_EQ(concerns("", recursive, "a/b"), recursive);
    EXPECT_FALSE(concerns("a", recursive, "ab"));
    EXPECT_FALSE(concerns("a", recursive, "ab/c"));
    EXPECT_FALSE(concerns("a/b", recursive, "a/c"));
    EXPECT_FALSE(concerns("a/b", recursive, "a/bc"));
  }
}

TEST(events, an_upload_in_blocks_and_a_serial_one_and_a_small_file_are_told_alike) {
  world w;
  const auto heard = follow_all(w);
  const auto content = content_of(2 * mib + 5);

  auto blocks = value(w.uploads().open(request_for("a", content.size()))).upload;
  send_all(*blocks->attach({}, unasked()), content);
  value(finish(*blocks));
  EXPECT_THAT(lines(*heard), ElementsAre("started a", "finished a", "stored a"));

  auto serial = value(w.uploads().open(serial_request("b", content.size()))).upload;
  value(append(*value(serial->write_serially({}, unasked())), content, content.size()));
  value(finish(*serial));
  EXPECT_THAT(lines(*heard), ElementsAre("started b", "finished b", "stored b"));

  value(put_small(w, "c", content_of(7)));
  EXPECT_THAT(lines(*heard), ElementsAre("started c", "finished c", "stored c"));
}

TEST(events, what_is_stored_is_told_with_its_entry) {
  world w;
  const auto heard = follow_all(w);
  const auto entry = value(put_small(w, "a", content_of(7)));
  EXPECT_EQ(heard->next().what->size_bytes, 7U);
  EXPECT_EQ(heard->next().what->durable_bytes, 7U);
  const auto stored = heard->next().what;
  EXPECT_EQ(stored->entry, entry);
  EXPECT_FALSE(stored->replaced);
}

TEST(events, progress_is_told_of_what_is_durable_and_not_more_often_than_it_may) {
  world w;
  const auto heard = follow_all(w);
  const auto content = content_of(3 * mib + 5);
  auto upload = value(w.uploads().open(request_for("a", content.size()))).upload;
  const auto writer = upload->attach({}, unasked());
  value(send(*writer, content, 3));
  EXPECT_THAT(lines(*heard), ElementsAre("started a"));
  value(checkpoint(*upload));
  const auto progress = heard->next().what;
  EXPECT_EQ(progress->kind, event_kind::upload_progress);
  EXPECT_EQ(progress->durable_bytes, 5U) << "the last block is short";
  EXPECT_EQ(progress->size_bytes, content.size());
  value(send(*writer, content, 0));
  value(checkpoint(*upload));
  // Within the pause: unless this machine is so slow that it is over.
  for (const auto& line : lines(*heard)) EXPECT_EQ(line, "progress a");
}

TEST(events, of_progress_that_waits_the_newest_is_left) {
  const auto home = std::make_shared<events>();
  const auto heard = home->subscribe({});
  value(heard->follow(seen(""), true));
  for (std::uint64_t done = 1; done <= 5; ++done) {
    for (std::uint64_t upload = 1; upload <= 2; ++upload) {
      home->tell({.kind = event_kind::upload_progress,
                  .path = "a",
                  .upload = upload,
                  .durable_bytes = done});
    }
  }
  for (std::uint64_t upload = 1; upload <= 2; ++upload) {
    const auto what = heard->next().what;
    EXPECT_EQ(what->upload, upload);
    EXPECT_EQ(what->durable_bytes, 5U);
  }
  EXPECT_TRUE(heard->next().is_none());
}

TEST(events, an_upload_that_is_thrown_away_ended) {
  world w;
  const auto heard = follow_all(w);
  auto upload = value(w.uploads().open(request_for("a", 5))).upload;
  value(upload->abort());
  EXPECT_THAT(lines(*heard), ElementsAre("started a", "ended a"));
}

TEST(events, an_upload_that_nobody_came_back_to_ended) {
  auto opts = world::quiet();
  opts.upload_expiry = std::chrono::hours(1);
  world w(opts);
  const auto heard = follow_all(w);
  value(w.uploads().open(request_for("a", 5)));
  value(w.uploads().age(std::chrono::hours(2)));
  EXPECT_THAT(lines(*heard), ElementsAre("started a", "ended a"));
}

TEST(events, parts_have_no_name_and_are_not_told) {
  world w;
  const auto heard = follow_all(w);
  auto part = value(w.uploads().open(part_request(5))).upload;
  value(append(*value(part->write_serially({}, unasked())), content_of(5), 5));
  value(checkpoint(*part));
  value(part->abort());
  EXPECT_THAT(lines(*heard), IsEmpty());
}

TEST(events, folders_that_are_made_on_the_way_are_told) {
  world w;
  const auto heard = follow_all(w);
  value(put_small(w, "a/b/c", content_of(7)));
  EXPECT_THAT(lines(*heard),
              ElementsAre("made a", "made a/b", "started a/b/c", "finished a/b/c", "stored a/b/c"));
  value(make_folder(w, "d/e", false));
  EXPECT_THAT(lines(*heard), ElementsAre("made d", "made d/e"));
  value(make_folder(w, "d/e", true));
  EXPECT_THAT(lines(*heard), IsEmpty());
}

TEST(events, names_that_change_and_go_are_told) {
  world w;
  value(put_small(w, "a/b", content_of(7)));
  const auto heard = follow_all(w);
  const auto renamed = value(w.tree().rename("a/b", "a/c", std::nullopt));
  const auto what = heard->next().what;
  EXPECT_EQ(line_of(*what), "renamed a/b -> a/c");
  EXPECT_EQ(what->entry, renamed);
  value(w.tree().remove("a", true));
  const auto gone = heard->next().what;
  EXPECT_EQ(line_of(*gone), "removed a");
  EXPECT_EQ(gone->entry.kind, store::entry_kind::folder);
  EXPECT_TRUE(heard->next().is_none());
}

TEST(events, what_fails_is_not_told) {
  world w;
  value(put_small(w, "a", content_of(7)));
  const auto heard = follow_all(w);
  EXPECT_FAILS(put_small(w, "a", content_of(7)), errc::exists);
  EXPECT_FAILS(w.tree().remove("none", false), errc::not_found);
  EXPECT_FAILS(w.tree().rename("none", "b", std::nullopt), errc::not_found);
  EXPECT_FAILS(make_folder(w, "a", false), errc::exists);
  EXPECT_THAT(lines(*heard), IsEmpty());
}

TEST(events, a_follower_hears_of_its_own_folders_only) {
  const auto home = std::make_shared<events>();
  const auto heard = home->subscribe({});
  value(heard->follow(seen("a"), false));
  home->tell({.kind = event_kind::made, .path = "a/b"});
  home->tell({.kind = event_kind::made, .path = "a/b/c"});
  home->tell({.kind = event_kind::made, .path = "b"});
  home->tell({.kind = event_kind::renamed, .path = "b/x", .from = "a/x"});
  EXPECT_THAT(lines(*heard), ElementsAre("made a/b", "renamed a/x -> b/x"));
  value(heard->follow(seen("a"), true));  // said again, it counts as it is said now
  home->tell({.kind = event_kind::made, .path = "a/b/c"});
  EXPECT_THAT(lines(*heard), ElementsAre("made a/b/c"));
  EXPECT_TRUE(heard->unfollow(path("a")));
  EXPECT_FALSE(heard->unfollow(path("a")));
  home->tell({.kind = event_kind::made, .path = "a/b/c"});
  EXPECT_THAT(lines(*heard), IsEmpty());
}

TEST(events, a_follower_that_does_not_keep_up_is_told_that_it_missed_some) {
  const auto home = std::make_shared<events>();
  const auto heard = home->subscribe({});
  value(heard->follow(seen(""), true));
  for (std::size_t i = 0; i < subscription::waiting_max; ++i) {
    home->tell({.kind = event_kind::made, .path = std::to_string(i)});
  }
  EXPECT_EQ(lines(*heard).size(), subscription::waiting_max) << "as many as may wait";
  for (std::size_t i = 0; i <= subscription::waiting_max; ++i) {
    home->tell({.kind = event_kind::made, .path = std::to_string(i)});
  }
  home->tell({.kind = event_kind::made, .path = "after"});
  EXPECT_THAT(lines(*heard), ElementsAre("missed", "made after"));
}

TEST(events, a_removal_that_fails_in_the_middle_is_missed) {
  const auto home = std::make_shared<events>();
  const auto heard = home->subscribe({});
  home->tell_missed();
  EXPECT_THAT(lines(*heard), ElementsAre("missed"));
}

TEST(events, the_number_of_folders_has_a_limit) {
  const auto home = std::make_shared<events>();
  const auto heard = home->subscribe({});
  for (std::size_t i = 0; i < subscription::folders_max; ++i) {
    value(heard->follow(seen(std::to_string(i)), false));
  }
  EXPECT_FAILS(heard->follow(seen("more"), false), errc::busy);
  value(heard->follow(seen("1"), true));
}

TEST(events, a_follower_is_woken_once_until_it_has_heard_all) {
  const auto home = std::make_shared<events>();
  int woken = 0;
  {
    const auto heard = home->subscribe([&woken] { ++woken; });
    value(heard->follow(seen(""), true));
    home->tell({.kind = event_kind::made, .path = "a"});
    home->tell({.kind = event_kind::made, .path = "b"});
    EXPECT_EQ(woken, 1);
    EXPECT_THAT(lines(*heard), ElementsAre("made a", "made b"));
    home->tell({.kind = event_kind::made, .path = "c"});
    EXPECT_EQ(woken, 2);
    EXPECT_TRUE(home->has_followers());
  }
  EXPECT_FALSE(home->has_followers());
  home->tell({.kind = event_kind::made, .path = "d"});
  EXPECT_EQ(woken, 2);
}

}  // namespace
}  // namespace sluice::transfer::test
