#include "cli/completions.h"

#include <CLI/CLI.hpp>
#include <vector>

#include "cli/help.h"

namespace sluice::cli {

namespace {

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  std::string out;
  for (const std::string& word : words) {
    if (!out.empty()) out += between;
    out += word;
  }
  return out;
}

std::vector<std::string> command_names(const CLI::App& root) {
  std::vector<std::string> names;
  for (const CLI::App* each : root.get_subcommands(nullptr)) names.push_back(each->get_name());
  return names;
}

std::vector<std::string> spellings(const CLI::Option& option) {
  std::vector<std::string> all;
  for (const std::string& name : option.get_snames()) all.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) all.push_back("--" + name);
  return all;
}

// A description without what single quotes, brackets or colons would end.
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool acts = std::string_view("'\"[]:`$\\").find(c) != std::string_view::npos;
    out += acts ? ' ' : c;
  }
  return out;
}

// The first sentence: a list of flags has no room for more.
std::string brief(const CLI::Option& option) {
  const std::string& text = option.get_description();
  return plain(text.substr(0, std::min(text.find_first_of(".;"), text.size())));
}

// The words that a flag or an argument chooses from: its type is written "A|B|C" in small letters.
std::vector<std::string> choices(const CLI::Option& option) {
  const std::string type =
      option.get_positional() ? option.get_option_text() : option.get_type_name();
  if (type.empty() || type.find_first_not_of("abcdefghijklmnopqrstuvwxyz|") != std::string::npos) {
    return {};
  }
  return CLI::detail::split(type, '|');
}

std::string bash_case(const CLI::App& command) {
  std::vector<std::string> flags;
  std::string values, words;
  for (const CLI::Option* option : shown_options(command, false)) {
    for (const std::string& name : spellings(*option)) flags.push_back(name);
    if (!takes_value(*option)) continue;
    const auto words_of = choices(*option);
    values += "        " + joined(spellings(*option), "|") + ") ";
    values += words_of.empty()
                  ? "COMPREPLY=($(compgen -f -- \"$word\"))"
                  : "COMPREPLY=($(compgen -W '" + joined(words_of, " ") + "' -- \"$word\"))";
    values += "; return ;;\n";
  }
  for (const CLI::Option* option : shown_options(command, true)) {
    words += joined(choices(*option), " ");
  }
  return "    " + command.get_name() + ")\n      case \"$previous\" in\n" + values +
         "      esac\n      flags='" + joined(flags, " ") + "'\n      words='" + words + "' ;;\n";
}

std::string bash_script(const CLI::App& root) {
  std::string cases;
  for (const CLI::App* each : root.get_subcommands(nullptr)) cases += bash_case(*each);
  return R"(# bash completion for sluice: source <(sluice completions bash)
_sluice() {
  local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
  local command=${COMP_WORDS[1]} flags='' words=''
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W ')" +
         joined(command_names(root), " ") + R"( --help --version' -- "$word"))
    return
  fi
  case "$command" in
)" + cases +
         R"(  esac
  if [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$word"))
  elif [ -n "$words" ]; then
    COMPREPLY=($(compgen -W "$words" -- "$word"))
  else
    COMPREPLY=($(compgen -f -- "$word"))
  fi
}
complete -o filenames -F _sluice sluice
)";
}

std::string zsh_option(const CLI::Option& option) {
  std::string out;
  for (const std::string& name : spellings(option)) {
    const bool has_value = takes_value(option);
    const auto words = choices(option);
    out += " \\\n      '*" + name + "[" + brief(option) + "]";
    if (has_value) {
      out += ":" + plain(option.get_type_name()) + ":";
      out += words.empty() ? "_files" : "(" + joined(words, " ") + ")";
    }
    out += "'";
  }
  return out;
}

std::string zsh_script(const CLI::App& root) {
  std::string names, cases;
  for (const CLI::App* each : root.get_subcommands(nullptr)) {
    names += "    '" + each->get_name() + ":" + plain(text_of(*each).summary) + "'\n";
    std::string flags, words;
    for (const CLI::Option* option : shown_options(*each, false)) flags += zsh_option(*option);
    for (const CLI::Option* option : shown_options(*each, true)) {
      words += joined(choices(*option), " ");
    }
    cases += "    " + each->get_name() + ") _arguments" + flags +
             " \\\n      '*:argument:" + (words.empty() ? "_files" : "(" + words + ")") + "' ;;\n";
  }
  return "#compdef sluice\n# zsh completion for sluice: source <(sluice completions "
         "zsh)\n_sluice() {\n"
         "  local -a commands\n  commands=(\n" +
         names +
         "  )\n  if (( CURRENT == 2 )); then\n    _describe command commands\n    return\n  fi\n"
         "  local command=$words[2]\n  shift words\n  (( CURRENT-- ))\n  case $command in\n" +
         cases + "  esac\n}\ncompdef _sluice sluice\n";
}

std::string fish_option(const CLI::App& command, const CLI::Option& option) {
  std::string out =
      "complete -c sluice -n '__fish_seen_subcommand_from " + command.get_name() + "'";
  for (const std::string& name : option.get_snames()) out += " -s " + name;
  for (const std::string& name : option.get_lnames()) out += " -l " + name;
  if (takes_value(option)) {
    const auto words = choices(option);
    out += words.empty() ? " -r" : " -x -a '" + joined(words, " ") + "'";
  }
  return out + " -d '" + brief(option) + "'\n";
}

std::string fish_script(const CLI::App& root) {
  std::string out = "# fish completion for sluice: sluice completions fish | source\n";
  const std::string none_yet = "complete -c sluice -f -n 'not __fish_seen_subcommand_from " +
                               joined(command_names(root), " ") + "' -a ";
  for (const CLI::App* each : root.get_subcommands(nullptr)) {
    out += none_yet + each->get_name() + " -d '" + plain(text_of(*each).summary) + "'\n";
  }
  for (const CLI::App* each : root.get_subcommands(nullptr)) {
    for (const CLI::Option* option : shown_options(*each, false))
      out += fish_option(*each, *option);
    for (const CLI::Option* option : shown_options(*each, true)) {
      const auto words = choices(*option);
      if (words.empty()) continue;
      out += "complete -c sluice -f -n '__fish_seen_subcommand_from " + each->get_name() +
             "' -a '" + joined(words, " ") + "'\n";
    }
  }
  return out;
}

}  // namespace

std::optional<std::string> completion_script(const CLI::App& root, std::string_view shell) {
  if (shell == "bash") return bash_script(root);
  if (shell == "zsh") return zsh_script(root);
  if (shell == "fish") return fish_script(root);
  return std::nullopt;
}

}  // namespace sluice::cli
