#include "talk/listener.h"

#include "talk/test_talk.h"

namespace sluice::talk {
namespace {

using test::code_of;
using test::right;
using test::world;
using testing::ElementsAre;
using testing::IsEmpty;
using kind = news::kind;

// One who listens, and what it heard: "message a: hello".
class ear {
 public:
  explicit ear(world& w) : hears(w.talk().listen([this] { ++woken; })) {}

  result<std::int64_t> join(const test::somebody& who, const std::string& path,
                            std::int64_t told = 0) {
    auto joined = hears->join(world::at(who, path), who.as);
    if (joined) hears->begin(path, told);
    return joined;
  }

  std::vector<std::string> all() {
    std::vector<std::string> heard;
    for (auto told = hears->next(now); told.what != kind::none; told = hears->next(now)) {
      heard.push_back(text_of(told));
      last = told;
    }
    return heard;
  }

  static std::string text_of(const news& told) {
    switch (told.what) {
      case kind::message: return told.path + ": " + told.said->what().text;
      case kind::here: return told.path + " has " + std::to_string(told.people->count);
      case kind::typing: return told.path + ": " + told.name + " types";
      case kind::moved: return told.path + " is " + told.name;
      case kind::left: return "left " + told.path;
      case kind::missed: return "missed in " + told.path;
      case kind::none: break;
    }
    return "";
  }

  std::atomic<int> woken = 0;
  listener::clock::time_point now = listener::clock::now();
  news last;
  std::unique_ptr<listener> hears;
};

TEST(listener, hears_what_is_said_in_its_rooms_in_one_order) {
  world w;
  const auto anna = w.talker("anna");
  ear one(w);
  ear other(w);
  test::value(one.join(anna, "a"));
  test::value(one.join(anna, "b"));
  test::value(other.join(anna, "a"));
  (void)one.all();
  (void)other.all();
  w.say(anna, "a", "1");
  w.say(anna, "c", "elsewhere");
  w.say(anna, "a", "2");
  EXPECT_THAT(one.all(), ElementsAre("a: 1", "a: 2"));
  EXPECT_THAT(other.all(), ElementsAre("a: 1", "a: 2"));
  EXPECT_TRUE(one.hears->leave("a"));
  EXPECT_FALSE(one.hears->leave("a"));
  w.say(anna, "a", "3");
  w.say(anna, "b", "4");
  EXPECT_THAT(one.all(), ElementsAre("b: 4"));
}

TEST(listener, is_woken_once_until_it_has_heard_all) {
  world w;
  const auto anna = w.talker("anna");
  ear one(w);
  test::value(one.join(anna, "a"));
  (void)one.all();
  const int before = one.woken;
  w.say(anna, "a", "1");
  w.say(anna, "a", "2");
  EXPECT_EQ(one.woken, before + 1);
  (void)one.all();
  w.say(anna, "a", "3");
  EXPECT_EQ(one.woken, before + 2);
}

TEST(listener, hears_nothing_before_it_begins_and_nothing_twice) {
  world w;
  const auto anna = w.talker("anna");
  ear one(w);
  test::value(one.hears->join(world::at(anna, "a"), anna.as));
  w.say(anna, "a", "1");
  const auto second = w.say(anna, "a", "2");  // both are read with what was said before
  EXPECT_THAT(one.all(), IsEmpty());
  w.say(anna, "a", "3");
  one.hears->begin("a", second.version);
  EXPECT_THAT(one.all(), ElementsAre("a: 3"));
}

TEST(listener, one_that_is_said_again_is_not_told_again) {
  world w;
  const auto anna = w.talker("anna");
  ear one(w);
  test::value(one.join(anna, "a"));
  (void)w.try_say(anna, "a", {.text = "once", .nonce = "n"});
  (void)w.try_say(anna, "a", {.text = "once", .nonce = "n"});
  EXPECT_THAT(one.all(), ElementsAre("a: once"));
}

TEST(listener, who_falls_behind_is_told_from_where_and_then_nothing_until_it_joins_again) {
  world w;
  const auto anna = w.talker("anna");
  ear slow(w);
  test::value(slow.join(anna, "a"));
  const auto heard = w.say(anna, "a", "heard");
  EXPECT_THAT(slow.all(), ElementsAre("a: heard"));
  for (std::size_t i = 0; i < room::recent_max; ++i) w.say(anna, "a", std::to_string(i));
  EXPECT_EQ(slow.all().size(), room::recent_max) << "as many as a room remembers";
  for (std::size_t i = 0; i <= room::recent_max; ++i) w.say(anna, "a", std::to_string(i));
  EXPECT_THAT(slow.all(), ElementsAre("missed in a"));
  EXPECT_EQ(slow.last.version, heard.version + static_cast<std::int64_t>(room::recent_max));
  const auto unheard = w.say(anna, "a", "not told");
  EXPECT_THAT(slow.all(), IsEmpty());
  test::value(slow.join(anna, "a", unheard.version));
  w.say(anna, "a", "told");
  EXPECT_THAT(slow.all(), ElementsAre("a: told"));
}

TEST(listener, a_room_remembers_so_many_bytes) {
  world w;
  const auto anna = w.talker("anna");
  ear slow(w);
  test::value(slow.join(anna, "a"));
  const std::string drawing = "{\"d\":\"" + std::string(drawing_bytes_max - 8, 'x') + "\"}";
  for (std::size_t i = 0; i < room::recent_bytes_max / drawing_bytes_max; ++i) {
    test::value(w.try_say(anna, "a", {.text = "x", .drawing = drawing}));
  }
  EXPECT_THAT(slow.all(), ElementsAre("missed in a"));
}

TEST(listener, has_a_limit_of_rooms) {
  world w;
  const auto anna = w.talker("anna");
  ear one(w);
  for (std::size_t i = 0; i < listener::rooms_max; ++i) {
    test::value(one.join(anna, std::to_string(i)));
  }
  EXPECT_EQ(code_of(one.join(anna, "more")), errc::busy);
  test::value(one.join(anna, "5"));
  EXPECT_TRUE(one.hears->leave("7"));
  test::value(one.join(anna, "more"));
}

TEST(listener, hears_who_is_there_at_most_so_often) {
  world w;
  const auto anna = w.talker("anna");
  const auto ben = w.talker("ben");
  ear one(w);
  test::value(one.join(anna, "a"));
  EXPECT_THAT(one.all(), IsEmpty()) << "its own coming was in the answer";
  EXPECT_EQ(one.hears->people_in("a")->count, 1U);
  one.now += std::chrono::seconds(10);
  {
    ear two(w);
    ear three(w);
    test::value(two.join(ben, "a"));
    EXPECT_THAT(one.all(), ElementsAre("a has 2"));
    test::value(three.join(ben, "a"));  // an account counts once
    EXPECT_THAT(one.all(), IsEmpty()) << "too soon";
    EXPECT_FALSE(one.hears->has_late_news(one.now + std::chrono::milliseconds(499)));
    EXPECT_TRUE(one.hears->has_late_news(one.now + std::chrono::milliseconds(500)));
    one.now += std::chrono::milliseconds(500);
    EXPECT_THAT(one.all(), ElementsAre("a has 2"));
  }
  one.now += std::chrono::seconds(10);
  EXPECT_THAT(one.all(), ElementsAre("a has 1"));
}

TEST(listener, names_so_many_people_and_counts_all) {
  world w;
  const auto anna = w.talker("anna");
  std::vector<std::unique_ptr<ear>> crowd;
  for (std::size_t i = 0; i <= people::named_max; ++i) {
    crowd.push_back(std::make_unique<ear>(w));
    const person guest{.name = "g" + std::to_string(i), .guest = true};
    test::value(crowd.back()->hears->join(world::at(anna, "a"), guest));
  }
  const auto there = crowd.front()->hears->people_in("a");
  EXPECT_EQ(there->count, people::named_max + 1);
  EXPECT_EQ(there->named.size(), people::named_max);
  EXPECT_TRUE(there->named.front().guest);
}

TEST(listener, hears_who_types_but_not_itself_and_not_all_the_time) {
  world w;
  const auto anna = w.talker("anna");
  const auto ben = w.talker("ben");
  ear one(w);
  ear two(w);
  test::value(one.join(anna, "a"));
  test::value(two.join(ben, "a"));
  (void)one.all();
  (void)two.all();
  one.hears->type("a", one.now);
  one.hears->type("a", one.now + std::chrono::milliseconds(999));
  EXPECT_THAT(one.all(), IsEmpty());
  EXPECT_THAT(two.all(), ElementsAre("a: anna types"));
  one.hears->type("a", one.now + std::chrono::milliseconds(1000));
  EXPECT_THAT(two.all(), ElementsAre("a: anna types"));
  one.hears->type("b", one.now + std::chrono::seconds(9));  // where it is not
}

TEST(listener, goes_with_a_room_that_moves) {
  world w;
  const auto anna = w.talker("anna");
  ear one(w);
  test::value(one.join(anna, "day-1/a"));
  w.say(anna, "day-1/a", "before");
  test::value(w.talk().moved("day-1", "day-2"));
  w.say(anna, "day-2/a", "behind");
  EXPECT_THAT(one.all(), ElementsAre("day-1/a is day-2/a", "day-2/a: before", "day-2/a: behind"));
  EXPECT_TRUE(one.hears->person_in("day-2/a"));
  EXPECT_FALSE(one.hears->person_in("day-1/a"));
}

TEST(listener, goes_with_an_empty_room_that_moves) {
  world w;
  const auto anna = w.talker("anna");
  ear one(w);
  test::value(one.join(anna, "a"));
  test::value(w.talk().moved("a", "b"));
  w.say(anna, "b", "x");
  EXPECT_THAT(one.all(), ElementsAre("a is b", "b: x"));
}

TEST(listener, leaves_a_room_that_ends_or_is_replaced) {
  world w;
  const auto anna = w.talker("anna");
  ear one(w);
  test::value(one.join(anna, "a/x"));
  test::value(one.join(anna, "b"));
  test::value(w.talk().removed("a"));
  EXPECT_THAT(one.all(), ElementsAre("left a/x"));
  w.say(anna, "c", "x");
  test::value(w.talk().moved("c", "b"));
  EXPECT_THAT(one.all(), ElementsAre("left b"));
  w.say(anna, "b", "another room");
  EXPECT_THAT(one.all(), IsEmpty());
}

TEST(listener, hears_nothing_more_without_the_right) {
  world w;
  const auto anna = w.talker("anna");
  const auto ben = w.talker("ben");
  ear one(w);
  ear two(w);
  test::value(one.join(ben, "a"));
  test::value(two.join(anna, "a"));
  w.say(anna, "a", "secret");
  test::value(w.rights().put_grant("ben", {"", access::test::reading}));
  EXPECT_TRUE(one.hears->has_late_news(one.now));
  EXPECT_THAT(one.all(), ElementsAre("left a"));
  EXPECT_EQ(two.hears->people_in("a")->count, 1U);
  test::value(w.rights().put_grant("ben", {"", base::rights{right::talk}}));
  EXPECT_EQ(code_of(one.join(ben, "a")), errc::not_found) << "it may not see";
}

TEST(listener, does_not_go_where_it_may_not) {
  world w;
  const auto anna = w.talker("anna");
  const auto ben = w.add("ben", {{"open", access::test::writing}});
  ear one(w);
  test::value(one.join(ben, "open/a"));
  test::value(w.talk().moved("open/a", "closed/a"));
  w.say(anna, "closed/a", "secret");
  EXPECT_THAT(one.all(), ElementsAre("left open/a"));
}

}  // namespace
}  // namespace sluice::talk
