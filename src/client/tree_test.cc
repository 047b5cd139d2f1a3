// Trees: put, get, list, verify, against a server in memory.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/client_testing.h"
#include "client/fake_server.h"
#include "client/local_tree.h"
#include "client/names.h"

namespace sluice::client {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::size_t mib = std::size_t{1} << 20;

class Tree : public testing::Test {
 protected:
  result<summary> put(const std::string& name, const std::string& path) {
    return client::put({folder.at(name)}, server.at(path), put_with, watcher);
  }
  result<summary> get(const std::string& path, const std::string& target) {
    return client::get({server.at(path)}, target, get_with, watcher);
  }
  std::string there(const std::string& path) {
    return server.file(path).value_or(fake_file{.content = "(nothing)"}).content;
  }

  fake_server server;
  test_folder folder;
  memory_observer watcher;
  put_options put_with;
  get_options get_with;
};

TEST_F(Tree, PutBringsAllOfIt) {
  folder.write("t/电影/第 1 集.mp4", content_of(3 * mib));
  folder.write("t/a", "");
  folder.write("t/a b/c", "c");
  folder.write("t/a-b", "d");
  std::filesystem::create_directories(folder.at("t/empty/deeper"));
  for (int i = 0; i < 700; ++i) folder.write("t/many/" + std::to_string(i), content_of(i));
  const auto done = put("t", "up/");
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(done->files, 704U);
  EXPECT_EQ(there("up/t/电影/第 1 集.mp4"), content_of(3 * mib));
  EXPECT_EQ(there("up/t/a"), "");
  EXPECT_EQ(there("up/t/a b/c"), "c");
  for (int i = 0; i < 700; ++i) EXPECT_EQ(there("up/t/many/" + std::to_string(i)), content_of(i));
  EXPECT_THAT(server.folders(), Contains("up/t/empty/deeper"));
  EXPECT_EQ(watcher.last.files_done, 704U);
  EXPECT_EQ(watcher.last.files_total, 704U);
}

TEST_F(Tree, PutAgainSendsNothing) {
  for (int i = 0; i < 300; ++i)
    folder.write("t/d" + std::to_string(i % 7) + "/" + std::to_string(i), content_of(i));
  folder.write("t/large", content_of(2 * mib));
  ASSERT_TRUE(put("t", "up/t"));
  const int before = server.blocks_received();
  const auto again = put("t", "up/");
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(again->files, 0U);
  EXPECT_EQ(again->files_unchanged, 301U);
  EXPECT_EQ(server.blocks_received(), before);
}

TEST_F(Tree, PutTellsWhatItCannotSend) {
  folder.write("t/good", "1");
  folder.write("t/.hidden", "2");
  folder.write("t/\xff\xfe", "3");
  std::filesystem::create_symlink("good", folder.at("t/link"));
  ASSERT_EQ(::mkfifo(folder.at("t/pipe").c_str(), 0600), 0);
  const auto done = put("t", "up/");
  ASSERT_FALSE(done);  // the name that is no UTF-8
  EXPECT_EQ(done.error().code, errc::invalid_argument);
  EXPECT_THAT(done.error().message(), HasSubstr("UTF-8"));
  EXPECT_EQ(there("up/t/good"), "1");
  EXPECT_FALSE(server.file("up/t/.hidden"));
  EXPECT_FALSE(server.file("up/t/link"));
  std::filesystem::remove(folder.at("t/\xff\xfe"));
  const auto skipping = put("t", "up/");
  ASSERT_TRUE(skipping) << skipping.error().message();
  EXPECT_THAT(skipping->skipped, ElementsAre(".hidden", "link", "pipe"));
}

TEST_F(Tree, FollowsLinksThatStayInside) {
  folder.write("outside", "secret");
  folder.write("t/a/file", "1");
  std::filesystem::create_symlink("a/file", folder.at("t/inside"));
  std::filesystem::create_symlink("../outside", folder.at("t/out"));
  std::filesystem::create_symlink("..", folder.at("t/a/up"));  // a loop
  std::filesystem::create_symlink("a", folder.at("t/copy"));
  put_with.follow_symlinks = true;
  const auto done = put("t", "up/");
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(there("up/t/inside"), "1");
  EXPECT_EQ(there("up/t/copy/file"), "1");
  EXPECT_FALSE(server.file("up/t/out"));
  EXPECT_THAT(done->skipped, ElementsAre("a/up", "copy/up", "out"));
}

TEST_F(Tree, PutDoesNotOverwriteAndGoesOn) {
  folder.write("t/a", "mine");
  folder.write("t/b", "new");
  folder.write("t/c", "longer than there");
  server.set("up/t/a", "urs!");
  server.set("up/t/c", "short");
  const auto done = put("t", "up/");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, errc::exists);
  EXPECT_THAT(done.error().message(), HasSubstr("2 files"));
  EXPECT_EQ(there("up/t/a"), "urs!");
  EXPECT_EQ(there("up/t/b"), "new");
  EXPECT_EQ(there("up/t/c"), "short");
  put_with.overwrite = true;
  const auto over = put("t", "up/");
  ASSERT_TRUE(over) << over.error().message();
  EXPECT_EQ(there("up/t/a"), "mine");
  EXPECT_EQ(there("up/t/c"), "longer than there");
}

TEST_F(Tree, PutSurvivesLossesAndRefusals) {
  for (int i = 0; i < 400; ++i) folder.write("t/" + std::to_string(i), content_of(500 + i));
  server.inject([](faults& f) {
    f.losses = 4;
    f.blocks_before_loss = 60;
    f.refused_blocks = 2;
    f.loses_finish_answer = true;
  });
  const auto done = put("t", "up/");
  ASSERT_TRUE(done) << done.error().message();
  for (int i = 0; i < 400; ++i)
    EXPECT_EQ(there("up/t/" + std::to_string(i)), content_of(500 + i)) << i;
  EXPECT_EQ(done->files + done->files_unchanged, 400U);
}

TEST_F(Tree, SmallFileThatIsRefusedThreeTimesFailsAlone) {
  folder.write("t/only", "x");
  server.inject([](faults& f) { f.refused_blocks = 3; });
  const auto done = put("t", "up/");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, errc::bad_digest);
  folder.write("t/only", "x");
  server.inject([](faults& f) { f.refused_blocks = 2; });
  EXPECT_TRUE(put("t", "up/"));
}

TEST_F(Tree, GetBringsAllOfIt) {
  server.set("t/电影/第 1 集.mp4", content_of(3 * mib));
  server.set("t/a", "");
  server.set("t/a b/c", "c");
  for (int i = 0; i < 700; ++i) server.set("t/many/" + std::to_string(i), content_of(i));
  const auto done = get("t", folder.at(""));
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(done->files, 703U);
  EXPECT_EQ(folder.read("t/电影/第 1 集.mp4"), content_of(3 * mib));
  EXPECT_TRUE(folder.has("t/a"));
  for (int i = 0; i < 700; ++i)
    EXPECT_EQ(folder.read("t/many/" + std::to_string(i)), content_of(i));
  struct ::stat told{};
  ASSERT_EQ(::stat(folder.at("t/many/7").c_str(), &told), 0);
  EXPECT_EQ(facts_of(told).mtime_ns, 1'600'000'000'123'456'789);
  EXPECT_EQ(told.st_mode & 0777, 0666U & ~current_umask());
  const auto again = get("t", folder.at(""));
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(again->files, 0U);
  EXPECT_EQ(again->files_unchanged, 703U);
}

TEST_F(Tree, GetSurvivesLossesAndDamage) {
  for (int i = 0; i < 400; ++i) server.set("t/" + std::to_string(i), content_of(500 + i));
  server.inject([](faults& f) {
    f.losses = 4;
    f.blocks_before_loss = 60;
    f.damaged_blocks = 2;
  });
  const auto done = get("t", folder.at("t"));
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(done->blocks_repeated, 2U);
  for (int i = 0; i < 400; ++i)
    EXPECT_EQ(folder.read("t/" + std::to_string(i)), content_of(500 + i)) << i;
}

TEST_F(Tree, GetDoesNotOverwriteAndGoesOn) {
  server.set("t/a", "mine");
  server.set("t/b", "new");
  server.set("t/c", "longer than here");
  folder.write("t/a", "urs!");
  folder.write("t/c", "short");
  const auto done = get("t", folder.at(""));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, errc::exists);
  EXPECT_EQ(folder.read("t/a"), "urs!");
  EXPECT_EQ(folder.read("t/b"), "new");
  get_with.overwrite = true;
  const auto over = get("t", folder.at(""));
  ASSERT_TRUE(over) << over.error().message();
  EXPECT_EQ(folder.read("t/a"), "mine");
  EXPECT_EQ(folder.read("t/c"), "longer than here");
  EXPECT_THAT(folder.names(), ElementsAre("t", "t/a", "t/b", "t/c"));
}

// In a folder that it made itself it looks for nothing, until the file is to get its name.
TEST_F(Tree, GetFindsANameThatWasTakenMeanwhile) {
  server.set("t/sub/f", "mine");
  server.set("t/sub/g", "mine");
  server.inject(
      [this](faults& f) { f.before_get = [this] { folder.write("t/sub/f", "somebody else's"); }; });
  const auto done = get("t", folder.at(""));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, errc::exists) << done.error().message();
  EXPECT_EQ(folder.read("t/sub/f"), "somebody else's");
  EXPECT_EQ(folder.read("t/sub/g"), "mine");
  EXPECT_THAT(folder.names(), ElementsAre("t", "t/sub", "t/sub/f", "t/sub/g"));
}

TEST_F(Tree, HostileNamesEndIt) {
  server.set("t/zz", "x");
  for (const std::string name :
       {"../x", "a/../../x", "/x", "..", ".", ".bashrc", "a//b", "a\nb", "a\\b", "a/", "\u202Eb"}) {
    fake_server hostile;
    hostile.set("t/zz", "x");
    hostile.add_entry(name, false);
    const auto done = client::get({hostile.at("t")}, folder.at("in/"), get_with, watcher);
    ASSERT_FALSE(done) << name;
    EXPECT_EQ(done.error().code, errc::bad_frame) << name << ": " << done.error().message();
    EXPECT_FALSE(folder.has("x")) << name;
  }
}

TEST_F(Tree, LinksInTheTargetAreNotFollowed) {
  server.set("t/sub/f", "new");
  server.set("t/g", "new");
  folder.write("elsewhere/keep", "");
  std::filesystem::create_directory(folder.at("t"));
  std::filesystem::create_directory_symlink("../elsewhere", folder.at("t/sub"));
  std::filesystem::create_symlink("../elsewhere/made", folder.at("t/g"));
  const auto done = get("t", folder.at(""));
  EXPECT_FALSE(done);
  get_with.overwrite = true;
  EXPECT_FALSE(get("t", folder.at("")));
  EXPECT_FALSE(folder.has("elsewhere/f"));
  EXPECT_FALSE(folder.has("elsewhere/made"));
}

TEST_F(Tree, ListTellsOrderAndKinds) {
  server.set("t/b/x", "12");
  server.set("t/b-", "1");
  std::vector<std::string> paths;
  const auto done = list(server.at("t"), true, session_options{}, [&](const listed_entry& e) {
    paths.push_back(e.path + (e.folder ? "/" : ""));
  });
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_THAT(paths, ElementsAre("b/", "b/x", "b-"));
}

TEST_F(Tree, VerifyNamesFileAndBlock) {
  const auto content = content_of(3 * mib);
  server.set("t/same", content);
  server.set("t/other", content);
  server.set("t/there", "x");
  auto wrong = content;
  wrong[mib + 5] = static_cast<char>(wrong[mib + 5] ^ 4);
  folder.write("t/same", content);
  folder.write("t/other", wrong);
  folder.write("t/here", "y");
  const auto report = verify(server.at("t"), folder.at("t"), verify_options{}, watcher);
  ASSERT_TRUE(report) << report.error().message();
  std::vector<std::string> told;
  for (const auto& each : report->differences) {
    told.push_back(each.path + (each.block ? "#" + std::to_string(*each.block) : "") + ": " +
                   each.what);
  }
  EXPECT_THAT(told, testing::UnorderedElementsAre("here: missing on the server",
                                                  "other#1: the server's copy differs",
                                                  "there: missing here"));
  EXPECT_EQ(report->files, 4U);
  const auto alone = verify(server.at("t/same"), std::nullopt, verify_options{}, watcher);
  ASSERT_TRUE(alone) << alone.error().message();
  EXPECT_EQ(alone->difference_count, 0U);
  const auto file = verify(server.at("t/other"), folder.at("t/other"), verify_options{}, watcher);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->difference_count, 1U);
}

// Nobody may take for verified what was never compared.
TEST_F(Tree, VerifyNamesWhatPutSkips) {
  folder.write("t/file", "1");
  folder.write("t/.hidden", "2");
  std::filesystem::create_symlink("file", folder.at("t/link"));
  ASSERT_TRUE(put("t", "up/"));
  const auto skipping = verify(server.at("up/t"), folder.at("t"), verify_options{}, watcher);
  ASSERT_TRUE(skipping) << skipping.error().message();
  EXPECT_EQ(skipping->difference_count, 0U);
  EXPECT_EQ(skipping->files, 1U);
  EXPECT_THAT(skipping->skipped, ElementsAre(".hidden", "link"));

  put_with.follow_symlinks = true;
  ASSERT_TRUE(put("t", "up/"));
  const auto not_followed = verify(server.at("up/t"), folder.at("t"), verify_options{}, watcher);
  ASSERT_TRUE(not_followed);
  ASSERT_EQ(not_followed->difference_count, 1U);
  EXPECT_EQ(not_followed->differences[0].what, "it is on the server, and here a symbolic link");
  verify_options follow;
  follow.follow_symlinks = true;
  const auto followed = verify(server.at("up/t"), folder.at("t"), follow, watcher);
  ASSERT_TRUE(followed);
  EXPECT_EQ(followed->difference_count, 0U);
  EXPECT_EQ(followed->files, 2U);
  EXPECT_THAT(followed->skipped, ElementsAre(".hidden"));
}

TEST(LocalTree, OrderIsThatOfListings) {
  test_folder folder;
  for (const auto* name : {"b/x", "b-", "b/a/z", "a", "c"}) folder.write(name, "");
  auto tree = local_tree::open(folder.at(""), false);
  ASSERT_TRUE(tree);
  std::vector<std::string> paths;
  for (;;) {
    const auto found = tree->next(2);
    if (found.empty()) break;
    for (const auto& each : found) paths.push_back(each.path);
  }
  EXPECT_THAT(paths, ElementsAre("a", "b", "b/a", "b/a/z", "b/x", "b-", "c"));
  EXPECT_TRUE(std::ranges::is_sorted(paths, path_less));
}

}  // namespace
}  // namespace sluice::client
