// The program: a table of its commands.
#include <array>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <exception>
#include <span>

#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/keys.h"
#include "cli/program.h"

namespace {

using sluice::cli::command;

constexpr std::array commands{
    command{"serve", "serves a folder to everyone who may reach it", sluice::cli::declare_serve},
    command{"put", "uploads files and folders", sluice::cli::declare_put},
    command{"get", "downloads files and folders", sluice::cli::declare_get},
    command{"ls", "lists a folder", sluice::cli::declare_ls},
    command{"rm", "removes a file or a folder", sluice::cli::declare_rm},
    command{"mv", "renames or moves on one server", sluice::cli::declare_mv},
    command{"mkdir", "makes a folder", sluice::cli::declare_mkdir},
    command{"chat", "talks about a file or a folder", sluice::cli::declare_chat},
    command{"notes", "writes what was said for a program that cuts", sluice::cli::declare_notes},
    command{"verify", "compares without sending the content", sluice::cli::declare_verify},
    command{"scrub", "finds what a disk lost of what is stored", sluice::cli::declare_scrub},
    command{"hosts", "lists and forgets the certificates of servers", sluice::cli::declare_hosts},
    command{"send", "sends one file straight to another machine", sluice::cli::declare_send},
    command{"recv", "receives one file straight from another machine", sluice::cli::declare_recv},
    command{"login", "keeps a token for a server", sluice::cli::declare_login},
    command{"user", "accounts: add, list, passwd, grant, limit, remove", sluice::cli::declare_user},
    command{"token", "tokens of accounts: new, list, revoke", sluice::cli::declare_token},
    command{"share", "links for people without an account", sluice::cli::declare_share},
    command{"version", "tells the version", sluice::cli::declare_version},
    command{"completions", "prints what a shell needs to complete",
            sluice::cli::declare_completions},
};

}  // namespace

int main(int argc, char** argv) {
  try {
    std::setlocale(LC_CTYPE, "C.UTF-8");  // names are UTF-8, whatever the environment says
    std::signal(SIGPIPE, SIG_IGN);        // a peer or a reader that went away is an error value
    sluice::cli::take_keys_from(std::span(argv, static_cast<std::size_t>(argc)));
    return sluice::cli::program(commands).run(argc, argv);
  } catch (const std::exception& thrown) {
    std::fprintf(stderr, "sluice: error: %s (this is a bug; please report it)\n", thrown.what());
  } catch (...) {
    std::fprintf(stderr, "sluice: error: something unknown was thrown (please report it)\n");
  }
  return sluice::cli::exit_failed;
}
