// The tokens that the user of this program logs in with: from the command line, the environment, a
// file. None of them is ever printed.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "client/client.h"

namespace CLI {
class App;
}

namespace sluice::cli {

// --token-file. Belongs to the program: there is one command line.
void add_login_flag(CLI::App& app);

// Before the command line is read: takes what stands behind "#key=" or "#link=" of an address out
// of it and out of what other programs see of it (ps), and keeps it for that server.
void take_keys_from(std::span<char*> arguments);

// Takes a secret that was read already out of what other programs see of the command line. Of the
// arguments that `take_keys_from` was given.
void hide_argument(std::string_view text);

// The address named a key for this server.
[[nodiscard]] bool was_pasted(const client::url& server);
// And that key is a link.
[[nodiscard]] bool came_by_link(const client::url& server);
// What has to be said with that link, from the next `find_keys` on.
void add_link_password(const client::url& server, base::secret password);

// What there is. In this order: the key of a pasted address; SLUICE_TOKEN; --token-file; what
// "sluice login" kept.
// SLUICE_TOKEN and --token-file do not say whose they are: with `servers`, all that a command
// names, they are for one server and refused for several.
//   not_allowed: others can read the file; not_found, io, invalid_argument
[[nodiscard]] result<std::shared_ptr<const client::keyring>> find_keys(
    std::span<const client::url> servers = {});

// $XDG_CONFIG_HOME/sluice/credentials, or that below ~/.config; empty where there is no home. A
// line for each server: its "HOST:PORT", a space, its token.
[[nodiscard]] std::string credentials_path();

// Writes it to that file (mode 0600), in place of an older one for the server. Of two programs that
// do so at the same time none loses the other's.
[[nodiscard]] result<void> keep_key(const client::url& server, const base::secret& token);
// Takes it out of there, and gives it back; empty where there was none.
[[nodiscard]] result<base::secret> forget_key(const client::url& server);

// What the user types, without showing it; the first line where standard input is no terminal.
[[nodiscard]] result<base::secret> read_secret(const std::string& prompt);

}  // namespace sluice::cli
