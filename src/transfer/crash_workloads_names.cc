// What is done to names that are there.
#include "transfer/crash_explorer.h"

namespace sluice::transfer::test {

namespace {

void rename_file(actor& client) { client.rename("a", "b"); }
void rename_to_folder(actor& client) { client.rename("a", "d/a"); }
void rename_over(actor& client) { client.rename("a", "b", true); }
void rename_folder(actor& client) { client.rename("d", "e"); }
void rename_by_link(actor& client) {
  client.server.disk().no_noreplace = true;
  client.rename("a", "d/a");
}

void rename_there_and_back(actor& client) {
  client.rename("a", "d/b");
  client.rename("d/b", "a");
}

void remove_file(actor& client) { client.remove("a"); }
void remove_folder(actor& client) { client.remove("d", true); }

void make_folder(actor& client) { client.mkdir("new", false, 1'450'000'000'000'000'000); }
void make_folders(actor& client) { client.mkdir("new/and/below", true); }

void remove_and_make_again(actor& client) {
  client.remove("a");
  auto a = client.open("a", file_of(sparse_content(800, 130)));
  client.send_all(a);
  client.finish(a);
}

place old_file(std::uint64_t seed) {
  return holding(file_of(sparse_content(2000 + seed, seed), 1'300'000'000'000'000'000));
}

}  // namespace

std::vector<workload> name_workloads() {
  const std::map<std::string, place> a_d{{"a", old_file(120)}, {"d", folder()}};
  const std::map<std::string, place> a_b{{"a", old_file(120)}, {"b", old_file(121)}};
  const std::map<std::string, place> tree{
      {"d", folder()}, {"d/x", old_file(122)}, {"d/y", folder()}, {"d/y/z", old_file(123)}};
  return {{"rename_file", rename_file, a_d},
          {"rename_to_folder", rename_to_folder, a_d},
          {"rename_over", rename_over, a_b},
          {"rename_folder", rename_folder, tree},
          {"rename_by_link", rename_by_link, a_d},
          {"rename_there_and_back", rename_there_and_back, a_d},
          {"remove_file", remove_file, a_d},
          {"remove_folder", remove_folder, tree},
          {"make_folder", make_folder},
          {"make_folders", make_folders},
          {"remove_and_make_again", remove_and_make_again, a_d}};
}

}  // namespace sluice::transfer::test
