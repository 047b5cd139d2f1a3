// The table of contents of the server's HTTP side.
#include <array>

#include "http/api.h"
#include "http/event_stream.h"
#include "http/files.h"
#include "http/live.h"
#include "http/metrics.h"
#include "http/resumable.h"
#include "http/router.h"
#include "http/tus.h"

namespace sluice::http {

std::span<const route> routes(surface shown) noexcept {
  static constexpr std::array admin{
      route{"GET", "/health", right::none, get_health},
      route{"GET", "/metrics", right::none, get_metrics},
  };
  static constexpr std::array open{
      route{"GET", "/files/", right::take, get_file},
      route{"PUT", "/files/", right::give, put_file},
      route{"DELETE", "/files/", right::change, delete_file},
      route{"GET", "/api/list/", right::see, api_list},
      route{"GET", "/api/stat/", right::see, api_stat},
      route{"POST", "/api/mkdir", right::give, api_mkdir},
      route{"POST", "/api/rename", right::change, api_rename},
      route{"POST", "/api/remove", right::change, api_remove},
      route{"GET", "/api/uploads", right::see, api_uploads},
      route{"GET", "/api/events", right::follow, api_events},
      route{"GET", "/api/server", right::none, api_server},
      route{"GET", "/live", right::follow, live},
      route{"*", "/tus", right::give, tus},
      route{"*", "/tus/", right::give, tus},
      route{"OPTIONS", "/uploads/", right::none, resumable_options},
      route{"POST", "/uploads/", right::give, resumable_create},
      route{"PUT", "/uploads/", right::give, resumable_create},
      route{"HEAD", "/uploads/", right::give, resumable_look},
      route{"PATCH", "/uploads/", right::give, resumable_append},
      route{"DELETE", "/uploads/", right::give, resumable_cancel},
  };
  if (shown == surface::admin) return admin;
  return open;
}

}  // namespace sluice::http
