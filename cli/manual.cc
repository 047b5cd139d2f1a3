#include "cli/manual.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <sstream>

#include "cli/exit_code.h"
#include "cli/help.h"

namespace sluice::cli {

namespace {

// Text that roff shows as it stands.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if (c == '"') {
      out += "\\(dq";
    } else {
      out += c;
    }
  }
  const bool is_request = out.starts_with('.') || out.starts_with('\'');
  return is_request ? "\\&" + out : out;
}

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

std::string page_name(const CLI::App& app) {
  const CLI::App* parent = app.get_parent();
  return parent == nullptr ? app.get_name() : parent->get_name() + "-" + app.get_name();
}

std::string options(std::string_view title, const std::vector<const CLI::Option*>& shown) {
  if (shown.empty()) return "";
  std::string out = ".SH " + std::string(title) + "\n";
  for (const CLI::Option* option : shown) {
    out += ".TP\n\\fB" + roff(option_head(*option)) + "\\fR\n" + roff(option_text(*option)) + "\n";
  }
  return out;
}

std::string commands(const CLI::App& app) {
  std::string out;
  for (const CLI::App* each : app.get_subcommands(nullptr)) {
    out += ".TP\n\\fBsluice " + roff(each->get_name()) + "\\fR\n" + roff(text_of(*each).summary) +
           ", see \\fBsluice\\-" + roff(each->get_name()) + "\\fR(1)\n";
  }
  return out.empty() ? "" : ".SH COMMANDS\n" + out;
}

// Lines that begin with two spaces stand as they are; the others are text, parted by empty lines.
std::string footer(const std::string& text) {
  std::istringstream lines(text);
  std::string out, line;
  bool verbatim = false;
  while (std::getline(lines, line)) {
    const bool indented = line.starts_with("  ");
    if (indented && !verbatim) out += ".PP\n.RS 4\n.nf\n";
    if (!indented && verbatim) out += ".fi\n.RE\n.PP\n";
    verbatim = indented;
    if (line.empty()) {
      if (!out.ends_with(".PP\n")) out += ".PP\n";
    } else {
      out += roff(indented ? line.substr(2) : line) + "\n";
    }
  }
  return verbatim ? out + ".fi\n.RE\n" : out;
}

}  // namespace

std::string manual_page(const CLI::App& app) {
  const bool whole_program = app.get_parent() == nullptr;
  const command_text text = text_of(app);
  const std::string name = page_name(app);
  std::string out = ".TH " + roff(upper(name)) +
                    " 1 \"\" \"sluice " SLUICE_VERSION "\" \"sluice manual\"\n.SH NAME\n" +
                    roff(name) + " \\- " + roff(text.summary) + "\n.SH SYNOPSIS\n\\fB" +
                    roff(usage_line(app)) + "\\fR\n";
  if (!text.paragraphs.empty()) out += ".SH DESCRIPTION\n";
  for (const std::string& paragraph : text.paragraphs) {
    if (!out.ends_with("DESCRIPTION\n")) out += ".PP\n";
    out += roff(paragraph) + "\n";
  }
  out += commands(app) + options("ARGUMENTS", shown_options(app, true)) +
         options("OPTIONS", shown_options(app, false));
  if (!app.get_footer().empty()) {
    out += (whole_program ? ".SH NOTES\n" : ".SH EXAMPLES\n") + footer(app.get_footer());
  }
  return whole_program ? out : out + ".SH SEE ALSO\n\\fBsluice\\fR(1)\n";
}

int print_manual(const CLI::App& root, const std::string& name) {
  const CLI::App* app = &root;
  if (name != root.get_name()) {
    for (const CLI::App* each : root.get_subcommands(nullptr)) {
      if (each->get_name() == name) app = each;
    }
    if (app == &root) {
      std::fprintf(stderr, "sluice: error: there is no page of that name\n");
      return exit_usage;
    }
  }
  std::fputs(manual_page(*app).c_str(), stdout);
  return std::fflush(stdout) == 0 ? exit_done : exit_failed;
}

}  // namespace sluice::cli
