// /api/...: the served folder as JSON (docs/api.md, "API"; docs/openapi.json). Handlers of the
// router.
#pragma once

#include "http/exchange.h"
#include "http/service.h"

namespace sluice::http {

awaitable<result<void>> api_list(exchange& now, service& shared);
awaitable<result<void>> api_stat(exchange& now, service& shared);
awaitable<result<void>> api_mkdir(exchange& now, service& shared);
awaitable<result<void>> api_rename(exchange& now, service& shared);
awaitable<result<void>> api_remove(exchange& now, service& shared);
awaitable<result<void>> api_uploads(exchange& now, service& shared);
awaitable<result<void>> api_server(exchange& now, service& shared);

// api_connections.cc
awaitable<result<void>> api_connections(exchange& now, service& shared);

// api_digests.cc
awaitable<result<void>> api_digests(exchange& now, service& shared);
awaitable<result<void>> api_upload(exchange& now, service& shared);

// api_posters.cc
awaitable<result<void>> api_poster(exchange& now, service& shared);
awaitable<result<void>> api_keep_poster(exchange& now, service& shared);

// api_uploads.cc
awaitable<result<void>> api_begin_upload(exchange& now, service& shared);
awaitable<result<void>> api_write_blocks(exchange& now, service& shared);
awaitable<result<void>> api_finish_upload(exchange& now, service& shared);
awaitable<result<void>> api_drop_upload(exchange& now, service& shared);

// api_accounts.cc
awaitable<result<void>> api_accounts(exchange& now, service& shared);
awaitable<result<void>> api_add_account(exchange& now, service& shared);
awaitable<result<void>> api_set_password(exchange& now, service& shared);
awaitable<result<void>> api_grant(exchange& now, service& shared);
awaitable<result<void>> api_remove_account(exchange& now, service& shared);
awaitable<result<void>> api_tokens(exchange& now, service& shared);
awaitable<result<void>> api_add_token(exchange& now, service& shared);
awaitable<result<void>> api_revoke_token(exchange& now, service& shared);
awaitable<result<void>> api_limits(exchange& now, service& shared);

// api_talk.cc
awaitable<result<void>> api_talk(exchange& now, service& shared);
awaitable<result<void>> api_say(exchange& now, service& shared);
awaitable<result<void>> api_amend(exchange& now, service& shared);

// api_links.cc
awaitable<result<void>> api_links(exchange& now, service& shared);
awaitable<result<void>> api_add_link(exchange& now, service& shared);
awaitable<result<void>> api_revoke_link(exchange& now, service& shared);

// api_session.cc
awaitable<result<void>> api_login(exchange& now, service& shared);
awaitable<result<void>> api_logout(exchange& now, service& shared);
awaitable<result<void>> api_me(exchange& now, service& shared);

}  // namespace sluice::http
