#include "cli/keys.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <vector>

#include "base/replace_file.h"
#include "base/unique_fd.h"
#include "cli/command.h"

namespace sluice::cli {
namespace {

constexpr std::size_t file_bytes_max = std::size_t{1} << 20;
constexpr std::string_view key_mark = "#key=";
constexpr std::string_view link_mark = "#link=";

struct pasted_key {
  std::string authority;
  base::secret token;
  bool is_link = false;
  base::secret password{};
};
// Taken before anything else runs; only the password of a link may come later.
std::vector<pasted_key> pasted;
std::string token_file;
std::span<char*> command_line;

struct open_file {
  base::unique_fd fd;
  bool is_open_to_others = false;
};

result<open_file> open_secret(const std::string& path) {
  const std::string what = "read " + path;
  open_file opened{base::unique_fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC))};
  if (!opened.fd) return fail_errno(errno, what);
  struct stat facts{};
  if (::fstat(opened.fd.get(), &facts) != 0) return fail_errno(errno, what);
  opened.is_open_to_others = S_ISREG(facts.st_mode) && (facts.st_mode & 077) != 0;
  return opened;
}

result<base::secret> read_all(int fd, const std::string& what, bool one_line) {
  std::string text;
  text.reserve(4096);
  for (char c = 0; text.size() < file_bytes_max;) {
    const auto got = ::read(fd, &c, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(errno, what);
    if (got == 0 || (one_line && c == '\n')) break;
    text += c;
  }
  return base::secret(std::move(text));
}

result<base::secret> read_file(const std::string& path) {
  auto opened = open_secret(path);
  if (!opened) return std::unexpected(opened.error());
  if (opened->is_open_to_others) {
    return fail(errc::insecure,
                "read " + path + ": others could read it too; chmod 600 " + path + " ends that");
  }
  return read_all(opened->fd.get(), "read " + path, false);
}

std::string_view first_word(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  text.remove_prefix(begin);
  return text.substr(0, text.find_first_of(" \t\r\n"));
}

// The lines of the credentials but for one server's.
std::string lines_without(std::string_view text, std::string_view authority) {
  std::string kept;
  kept.reserve(text.size() + 128);
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    if (!line.empty() && first_word(line) != authority) {
      kept += line;
      kept += '\n';
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return kept;
}

void add_lines(client::keyring& to, std::string_view text) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    const auto server = first_word(line);
    const auto token = server.empty() ? std::string_view()
                                      : first_word(line.substr(line.find(server) + server.size()));
    if (!token.empty()) to.add(std::string(server), base::secret::copy_of(token));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

result<void> add_kept(client::keyring& to) {
  const auto path = credentials_path();
  std::error_code unknown;
  if (path.empty() || !std::filesystem::exists(path, unknown)) return {};
  auto kept = read_file(path);
  if (!kept) return std::unexpected(kept.error());
  add_lines(to, kept->reveal());
  return {};
}

result<void> add_given(client::keyring& to) {
  const char* given = std::getenv("SLUICE_TOKEN");
  if (given != nullptr && *given != '\0') {
    to.add_for_all(base::secret::copy_of(given));
    return {};
  }
  if (token_file.empty()) return {};
  auto text = read_file(token_file);
  if (!text) return std::unexpected(text.error());
  to.add_for_all(base::secret::copy_of(first_word(text->reveal())));
  return {};
}

// Until it is closed, nobody else changes the file: one name for the lock, since the file itself is
// replaced.
result<base::unique_fd> lock_beside(const std::string& path) {
  const auto name = path + ".lock";
  base::unique_fd opened(::open(name.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!opened) return fail_errno(errno, "open " + name);
  while (::flock(opened.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return fail_errno(errno, "lock " + name);
  }
  return opened;
}

// Nothing that is typed is shown while one exists.
class hidden_typing {
 public:
  hidden_typing() {
    if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    auto hidden = before_;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    is_hidden_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) == 0;
  }
  ~hidden_typing() {
    if (!is_hidden_) return;
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    std::fputs("\n", stderr);
  }
  hidden_typing(const hidden_typing&) = delete;
  hidden_typing& operator=(const hidden_typing&) = delete;

 private:
  termios before_{};
  bool is_hidden_ = false;
};

}  // namespace

void add_login_flag(CLI::App& app) {
  app.add_option(
         "--token-file", token_file,
         "Log in with the token in this file, which only you may read; SLUICE_TOKEN in the "
         "environment is the token itself: both for the one server that the command names. "
         "Without them, with what \"sluice login\" kept, or "
         "with a key or a link behind the address, as in sluice://nas/#link=SECRET, whose "
         "password is asked for, or SLUICE_LINK_PASSWORD. None of them goes to another machine "
         "without encryption, also not to http://, unless --plaintext says so.")
      ->type_name("FILE");
}

void take_keys_from(std::span<char*> arguments) {
  command_line = arguments;
  for (char* argument : arguments) {
    const std::string_view text(argument);
    const bool is_address = text.starts_with("sluice") || text.starts_with("http");
    const bool is_link = text.find(link_mark) != std::string_view::npos;
    const auto what = is_link ? link_mark : key_mark;
    const auto at = text.find(what);
    if (!is_address || text.find("://") == std::string_view::npos || at == std::string_view::npos) {
      continue;
    }
    char* const mark = argument + at;
    auto key = base::secret::copy_of(mark + what.size());
    ::explicit_bzero(mark, std::strlen(mark));
    auto server = client::parse_any(argument);
    if (server) pasted.push_back({server->authority(), std::move(key), is_link});
  }
}

void hide_argument(std::string_view text) {
  for (char* argument : command_line) {
    const std::string_view whole(argument);
    if (whole.ends_with(text)) ::explicit_bzero(argument + whole.size() - text.size(), text.size());
  }
}

bool was_pasted(const client::url& server) {
  return std::ranges::find(pasted, server.authority(), &pasted_key::authority) != pasted.end();
}

bool came_by_link(const client::url& server) {
  return std::ranges::any_of(pasted, [authority = server.authority()](const pasted_key& one) {
    return one.is_link && one.authority == authority;
  });
}

void add_link_password(const client::url& server, base::secret password) {
  const auto found = std::ranges::find(pasted, server.authority(), &pasted_key::authority);
  if (found != pasted.end()) found->password = std::move(password);
}

result<std::shared_ptr<const client::keyring>> find_keys(std::span<const client::url> servers) {
  auto keys = std::make_shared<client::keyring>();
  const char* given = std::getenv("SLUICE_TOKEN");
  const bool is_given = !token_file.empty() || (given != nullptr && *given != '\0');
  const bool are_several = std::ranges::any_of(servers, [&](const client::url& one) {
    return one.authority() != servers.front().authority();
  });
  if (is_given && are_several) {
    return fail(errc::invalid_argument,
                "log in to several servers with one token: SLUICE_TOKEN and --token-file do not "
                "say whose it is, and it would be told to all of them; \"sluice login\" keeps one "
                "for each");
  }
  if (auto added = add_given(*keys); !added) return std::unexpected(added.error());
  if (!is_given) {
    if (auto added = add_kept(*keys); !added) return std::unexpected(added.error());
  }
  for (const auto& one : pasted) {
    keys->add(one.authority, base::secret::copy_of(one.token.reveal()),
              base::secret::copy_of(one.password.reveal()));
  }
  return keys;
}

std::string credentials_path() {
  const auto folder = base::config_folder();
  return folder.empty() ? "" : (folder / "credentials").string();
}

namespace {

// What was kept for the server before.
result<base::secret> exchange_key(const client::url& server, const base::secret& token) {
  const auto path = credentials_path();
  if (path.empty()) return fail(errc::not_found, "keep a token: no home folder is known");
  std::error_code failed;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), failed);
  const auto alone = lock_beside(path);
  if (!alone) return std::unexpected(alone.error());
  base::secret before;
  if (std::filesystem::exists(path, failed)) {
    auto kept = read_file(path);
    if (!kept) return std::unexpected(kept.error());
    before = std::move(*kept);
  }
  std::string text = lines_without(before.reveal(), server.authority());
  if (!token.empty()) {
    text += server.authority();
    text += ' ';
    text += token.reveal();
    text += '\n';
  }
  const auto written = base::replace_file(path, text, 0600);
  base::wipe(text);
  if (!written) return std::unexpected(written.error());
  client::keyring all;
  add_lines(all, before.reveal());
  const auto* old = all.find(server);
  return old != nullptr ? base::secret::copy_of(old->reveal()) : base::secret();
}

}  // namespace

result<void> keep_key(const client::url& server, const base::secret& token) {
  const auto before = exchange_key(server, token);
  return before ? result<void>() : std::unexpected(before.error());
}

result<base::secret> forget_key(const client::url& server) {
  return exchange_key(server, base::secret());
}

result<base::secret> read_secret(const std::string& prompt) {
  const bool is_terminal = ::isatty(STDIN_FILENO) == 1;
  if (!is_terminal) return read_all(STDIN_FILENO, "read standard input", true);
  std::fputs((prompt + ": ").c_str(), stderr);
  const hidden_typing while_it_is_typed;
  return read_all(STDIN_FILENO, "read the terminal", true);
}

}  // namespace sluice::cli
