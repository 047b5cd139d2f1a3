#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <memory>

#include "base/text.h"

namespace sluice::base {

namespace {

std::atomic<log_level> level_in_force{log_level::info};

// Never destroyed: a thread that ends late may still log.
spdlog::logger& sink() {
  static spdlog::logger* const logger = [] {
    auto made = new spdlog::logger("sluice", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
    made->set_level(spdlog::level::trace);
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *logger;
}

spdlog::level::level_enum level_of(log_level level) noexcept {
  switch (level) {
    case log_level::debug: return spdlog::level::debug;
    case log_level::info: return spdlog::level::info;
    case log_level::warning: return spdlog::level::warn;
    case log_level::error: return spdlog::level::err;
    case log_level::off: return spdlog::level::off;
  }
  return spdlog::level::err;
}

}  // namespace

void set_log_level(log_level level) noexcept { level_in_force = level; }

bool logs(log_level level) noexcept {
  return level >= level_in_force.load(std::memory_order_relaxed);
}

void write_log(log_level level, std::string_view message) {
  sink().log(level_of(level), "{}", escape_unsafe(message));
}

}  // namespace sluice::base
