// The request with which a client wants to go on in WebSocket (RFC 6455, 4.2.1). Pure.
#pragma once

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <expected>

#include "http/request.h"
#include "http/response.h"

namespace sluice::http {

// As Beast wants to see it, made of what was checked here.
using upgrade_request = boost::beast::http::request<boost::beast::http::empty_body>;

// Or what to answer instead: 426 with what this server speaks, 400.
[[nodiscard]] std::expected<upgrade_request, response> read_upgrade(const request& asked);

}  // namespace sluice::http
