// The table of contents of the server's HTTP side.
#include <array>

#include "http/api.h"
#include "http/event_stream.h"
#include "http/files.h"
#include "http/live.h"
#include "http/metrics.h"
#include "http/page.h"
#include "http/resumable.h"
#include "http/router.h"
#include "http/tus.h"

namespace sluice::http {

namespace {

constexpr bool stand_side_by_side(std::span<const route> table) {
  for (std::size_t i = 1; i < table.size(); ++i) {
    for (std::size_t k = 0; k + 1 < i; ++k) {
      if (table[k].path == table[i].path && table[k + 1].path != table[i].path) return false;
    }
  }
  return true;
}

}  // namespace

std::span<const route> routes(surface shown) noexcept {
  static constexpr std::array admin{
      route{"GET", "/health", need::none, get_health},
      route{"GET", "/metrics", need::none, get_metrics},
  };
  static constexpr std::array open{
      route{"GET", "/files/", need::take, get_file},
      route{"PUT", "/files/", need::give, put_file},
      route{"DELETE", "/files/", need::change, delete_file},
      route{"GET", "/api/list/", need::see, api_list},
      route{"GET", "/api/stat/", need::see, api_stat},
      route{"POST", "/api/mkdir", need::give, api_mkdir},
      route{"POST", "/api/rename", need::change, api_rename},
      route{"POST", "/api/remove", need::change, api_remove},
      route{"GET", "/api/uploads", need::see, api_uploads},
      route{"POST", "/api/uploads", need::give, api_begin_upload},
      route{"GET", "/api/uploads/", need::give, api_upload},
      route{"PUT", "/api/uploads/", need::give, api_write_blocks},
      route{"POST", "/api/uploads/", need::give, api_finish_upload},
      route{"DELETE", "/api/uploads/", need::give, api_drop_upload},
      route{"GET", "/api/posters/", need::take, api_poster},
      route{"PUT", "/api/posters/", need::give, api_keep_poster},
      route{"GET", "/api/digests/", need::take, api_digests},
      route{"GET", "/api/events", need::follow, api_events},
      route{"GET", "/api/talk/", need::talk, api_talk},
      route{"POST", "/api/say", need::talk, api_say},
      route{"POST", "/api/amend", need::talk, api_amend},
      route{"GET", "/api/connections", need::admin, api_connections},
      route{"GET", "/api/server", need::none, api_server},
      route{"GET", "/api/accounts", need::admin, api_accounts},
      route{"POST", "/api/accounts", need::admin, api_add_account},
      route{"POST", "/api/accounts/password", need::admin, api_set_password},
      route{"POST", "/api/accounts/grant", need::admin, api_grant},
      route{"POST", "/api/accounts/remove", need::admin, api_remove_account},
      route{"POST", "/api/accounts/limits", need::admin, api_limits},
      route{"GET", "/api/tokens", need::admin, api_tokens},
      route{"POST", "/api/tokens", need::admin, api_add_token},
      route{"POST", "/api/tokens/revoke", need::admin, api_revoke_token},
      route{"GET", "/api/links", need::session, api_links},
      route{"POST", "/api/links", need::session, api_add_link},
      route{"POST", "/api/links/revoke", need::session, api_revoke_link},
      route{"POST", "/api/login", need::session, api_login},
      route{"POST", "/api/logout", need::session, api_logout},
      route{"GET", "/api/me", need::none, api_me},
      route{"GET", "/live", need::follow, live},
      route{"GET", "/", need::none, page_document},
      route{"GET", "/view/", need::none, page_document},
      route{"GET", "/links", need::none, page_document},
      route{"GET", "/people", need::none, page_document},
      route{"GET", "/now", need::none, page_document},
      route{"GET", "/assets/", need::none, page_file},
      route{"*", "/tus", need::give, tus},
      route{"*", "/tus/", need::give, tus},
      route{"OPTIONS", "/uploads/", need::none, resumable_options},
      route{"POST", "/uploads/", need::give, resumable_create},
      route{"PUT", "/uploads/", need::give, resumable_create},
      route{"HEAD", "/uploads/", need::give, resumable_look},
      route{"PATCH", "/uploads/", need::give, resumable_append},
      route{"DELETE", "/uploads/", need::give, resumable_cancel},
  };
  static_assert(stand_side_by_side(admin) && stand_side_by_side(open));
  if (shown == surface::admin) return admin;
  return open;
}

}  // namespace sluice::http
