// `sluice serve` that syncs nothing before it acknowledges: what the contract costs is measured
// beside it, and for nothing else is it of any use.
//
//   unsynced_server DIR      prints its address
#include <cstdio>
#include <string>

#include "server/server.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "unsynced_server DIR\n");
    return 2;
  }
  sluice::server::options settings;
  settings.root = argv[1];
  settings.listen = {{"127.0.0.1", 0}};
  settings.storage.of_strangers = sluice::base::rights::all();
  settings.storage.syncs = sluice::transfer::durability::none;
  settings.on_listening = [](std::string_view url) {
    std::printf("%s\n", std::string(url).c_str());
    std::fflush(stdout);
  };
  const auto served = sluice::server::serve(settings);
  if (!served) std::fprintf(stderr, "%s\n", served.error().message().c_str());
  return served ? 0 : 1;
}
