#include "http/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <string>
#include <vector>

#include "http/api_json.h"
#include "net/on_pool.h"

namespace sluice::http {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

MetricFamily family(std::string name, std::string help, MetricType type) {
  MetricFamily made;
  made.name = std::move(name);
  made.help = std::move(help);
  made.type = type;
  return made;
}

MetricFamily counter(std::string name, std::string help, std::uint64_t value) {
  auto made = family(std::move(name), std::move(help), MetricType::Counter);
  made.metric.emplace_back().counter.value = static_cast<double>(value);
  return made;
}

MetricFamily gauge(std::string name, std::string help, std::uint64_t value) {
  auto made = family(std::move(name), std::move(help), MetricType::Gauge);
  made.metric.emplace_back().gauge.value = static_cast<double>(value);
  return made;
}

MetricFamily responses(const counters& counts) {
  auto made = family("sluice_http_responses_total", "Final responses, by their status.",
                     MetricType::Counter);
  for (std::size_t code = 0; code < counts.responses.size(); ++code) {
    const std::uint64_t count = counts.responses.at(code);
    if (count == 0) continue;
    ClientMetric one;
    one.label.push_back({"code", std::to_string(code)});
    one.counter.value = static_cast<double>(count);
    made.metric.push_back(std::move(one));
  }
  return made;
}

std::string metrics_text(service& shared, const store::volume_space& space) {
  const counters& counts = *shared.observed;
  const std::vector<MetricFamily> all{
      gauge("sluice_http_connections", "Connections that are open.", counts.connections_open),
      gauge("sluice_http_connections_parked", "Of those, where nobody spoke for a while.",
            counts.connections_parked),
      counter("sluice_http_connections_total", "Connections that were opened.", counts.connections),
      responses(counts),
      counter("sluice_http_received_bytes_total", "Bytes of connections that ended.",
              counts.received_bytes),
      counter("sluice_http_sent_bytes_total", "Bytes of connections that ended.",
              counts.sent_bytes),
      gauge("sluice_uploads_open", "Uploads that are not done.", shared.uploads.open_count()),
      gauge("sluice_buffers_on_loan", "Buffers of 1 MiB in use.", shared.buffers.on_loan()),
      gauge("sluice_buffers", "Buffers of 1 MiB that there are.", shared.buffers.capacity()),
      gauge("sluice_volume_bytes", "Size of the volume.", space.total_bytes),
      gauge("sluice_volume_usable_bytes", "What uploads may still take.", space.usable_bytes),
  };
  return prometheus::TextSerializer().Serialize(all);
}

}  // namespace

awaitable<result<void>> get_metrics(exchange& now, service& shared) {
  const auto text = co_await net::on_pool(shared.pool, [&shared]() -> result<std::string> {
    const auto space = shared.tree.space();
    if (!space) return std::unexpected(space.error());
    return metrics_text(shared, *space);
  });
  if (!text) co_return std::unexpected(text.error());
  response told(status::ok);
  told.with(*text, "text/plain; version=0.0.4");
  co_return co_await now.send(told);
}

awaitable<result<void>> get_health(exchange& now, service& shared) {
  if (shared.draining) co_return fail(errc::busy, "the server is shutting down");
  const auto failure =
      co_await net::on_pool(shared.pool, [&shared] { return shared.tree.volume_failure(); });
  if (failure) {
    const problem sick(status::service_unavailable, failure->message());
    co_return co_await now.refuse(sick);
  }
  json fine;
  fine["status"] = "ok";
  co_return co_await send_json(now, status::ok, fine);
}

}  // namespace sluice::http
