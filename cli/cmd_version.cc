#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/printer.h"

namespace sluice::cli {

runner declare_version(CLI::App& app) {
  describe(app, "Prints the name and the version of the program.",
           {{"The version", "sluice version"}});
  return [] {
    printer out({});
    out.result_line("sluice " SLUICE_VERSION, {});
    return out.done("", {});
  };
}

}  // namespace sluice::cli
