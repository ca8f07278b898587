// GET /metrics: what the engines and the HTTP server have counted, in Prometheus' text format
// (https://prometheus.io/docs/instrumenting/exposition_formats/, version 0.0.4). All names begin
// with chasqui_; docs/metrics.md lists them.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "api/http_metrics.h"
#include "api/internal/handlers.h"

namespace chasqui::api {
namespace {

using engine::EngineStats;
using engine::EngineTimings;

struct Figure {
  std::string_view name;
  std::string_view type;
  std::string_view help;
  int64_t EngineStats::*value;
};

constexpr Figure kFigures[] = {
    {"requests_running", "gauge", "Requests that are being computed.", &EngineStats::running},
    {"requests_waiting", "gauge", "Requests that wait for their turn.", &EngineStats::waiting},
    {"cache_blocks", "gauge", "Blocks of the KV cache.", &EngineStats::blocks_total},
    {"cache_bytes", "gauge", "Memory of all blocks of the KV cache, in its types.",
     &EngineStats::cache_bytes},
    {"cache_blocks_used", "gauge", "Blocks that running requests hold.",
     &EngineStats::blocks_in_use},
    {"cache_blocks_kept", "gauge", "Blocks that no request holds, kept for later prefixes.",
     &EngineStats::blocks_cached},
    {"cache_tier_blocks", "gauge", "Blocks in the second tier of the prefix cache.",
     &EngineStats::tier_blocks},
    {"cache_tier_bytes", "gauge", "Bytes that they take up.", &EngineStats::tier_bytes},
    {"cache_tier_capacity_bytes", "gauge", "Bytes that they may take up (cache_size).",
     &EngineStats::tier_capacity_bytes},
    {"cache_tier_hits_total", "counter", "Blocks that were loaded instead of computed.",
     &EngineStats::tier_loaded_blocks},
    {"cache_tier_stored_total", "counter", "Blocks that were put into the second tier.",
     &EngineStats::tier_stored_blocks},
    {"cache_tier_dropped_total", "counter", "Blocks that were not, for want of time or room.",
     &EngineStats::tier_dropped_blocks},
    {"cache_tier_evicted_total", "counter", "Blocks that made room for others.",
     &EngineStats::tier_evicted_blocks},
    {"cache_tier_damaged_total", "counter", "Blocks that were not what had been stored.",
     &EngineStats::tier_damaged_blocks},
    {"steps_total", "counter", "Steps of the engine.", &EngineStats::steps},
    {"preemptions_total", "counter", "Requests that gave up their blocks to others for a while.",
     &EngineStats::preemptions},
    {"prompt_tokens_total", "counter", "Prompt tokens that were computed.",
     &EngineStats::prompt_tokens},
    {"prompt_tokens_cached_total", "counter", "Prompt tokens that the prefix cache had.",
     &EngineStats::cached_prompt_tokens},
    {"generated_tokens_total", "counter", "Tokens that were generated.",
     &EngineStats::completion_tokens},
    {"drafted_tokens_total", "counter",
     "Tokens that were guessed ahead and verified (draft_model).", &EngineStats::drafted_tokens},
    {"accepted_tokens_total", "counter", "Guesses that were right.", &EngineStats::accepted_tokens},
};

struct Distribution {
  std::string_view name;
  std::string_view help;
  HistogramSnapshot EngineTimings::*value;
};

constexpr Distribution kDistributions[] = {
    {"queue_seconds", "From arrival to the first step that computes a part of the request.",
     &EngineTimings::queue},
    {"time_to_first_token_seconds", "From arrival to the first generated token.",
     &EngineTimings::first_token},
    {"inter_token_seconds", "Between two tokens of one answer.", &EngineTimings::inter_token},
    {"request_seconds", "From arrival to the end of the answer.", &EngineTimings::request},
    {"step_seconds", "One step of the engine.", &EngineTimings::step},
    {"batch_tokens", "Tokens that one step computed, of all requests together.",
     &EngineTimings::step_tokens},
};

constexpr std::array<std::string_view, engine::kOutcomes> kOutcomeNames = {"stop", "length",
                                                                           "cancelled", "error"};

// A label's value between its quotes.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

class Page {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    fmt::format_to(std::back_inserter(text_), "# HELP chasqui_{0} {2}\n# TYPE chasqui_{0} {1}\n",
                   name, type, help);
  }
  template <typename Number>
  void sample(std::string_view name, std::string_view labels, Number value) {
    fmt::format_to(std::back_inserter(text_), "chasqui_{}{{{}}} {}\n", name, labels, value);
  }
  // Prometheus' buckets hold all that is below their bound.
  void distribution(std::string_view name, const std::string& labels,
                    const HistogramSnapshot& values) {
    int64_t below = 0;
    for (size_t i = 0; i < values.counts.size(); ++i) {
      below += values.counts[i];
      const std::string bound =
          i < values.bounds.size() ? fmt::format("{}", values.bounds[i]) : "+Inf";
      sample(fmt::format("{}_bucket", name), fmt::format("{},le=\"{}\"", labels, bound), below);
    }
    sample(fmt::format("{}_sum", name), labels, values.sum);
    sample(fmt::format("{}_count", name), labels, below);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

struct ModelFigures {
  std::string label;
  EngineStats stats;
  EngineTimings timings;
};

void write_models(const std::vector<ModelFigures>& models, Page& page) {
  for (const Figure& row : kFigures) {
    page.family(row.name, row.type, row.help);
    for (const ModelFigures& each : models)
      page.sample(row.name, each.label, each.stats.*row.value);
  }
  for (const Distribution& row : kDistributions) {
    page.family(row.name, "histogram", row.help);
    for (const ModelFigures& each : models) {
      page.distribution(row.name, each.label, each.timings.*row.value);
    }
  }
  page.family("requests_finished_total", "counter", "Requests that ended, by how they did.");
  for (const ModelFigures& each : models) {
    for (size_t i = 0; i < kOutcomeNames.size(); ++i) {
      page.sample("requests_finished_total",
                  fmt::format("{},reason=\"{}\"", each.label, kOutcomeNames[i]),
                  each.timings.outcomes[i]);
    }
  }
}

void write_http(const HttpMetrics& metrics, Page& page) {
  page.family("http_requests_total", "counter", "HTTP requests that were answered.");
  metrics.each_request([&page](std::string_view route, int status, int64_t count) {
    page.sample("http_requests_total", fmt::format("route=\"{}\",status=\"{}\"", route, status),
                count);
  });
  page.family("errors_total", "counter", "Error answers, by their code (or type without one).");
  metrics.each_error([&page](std::string_view code, int64_t count) {
    page.sample("errors_total", fmt::format("code=\"{}\"", escaped(code)), count);
  });
}

}  // namespace

void handle_metrics(Service& service, ExchangePtr exchange) {
  std::vector<ModelFigures> models;
  for (const auto& context : service.models()) {
    const ServedModel& model = context->model();
    models.push_back({fmt::format("model=\"{}\"", escaped(model.id)), model.engine->stats(),
                      model.engine->timings()});
  }
  Page page;
  page.family("build_info", "gauge", "Which chasqui this is.");
  page.sample("build_info", fmt::format("version=\"{}\"", CHASQUI_VERSION), 1);
  write_models(models, page);
  if (service.http_metrics() != nullptr) write_http(*service.http_metrics(), page);
  http::Response response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.headers.set("Cache-Control", "no-store");
  response.body = page.take();
  exchange->respond(std::move(response));
}

}  // namespace chasqui::api
