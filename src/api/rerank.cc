// POST /v1/rerank: how well each of several documents answers a query, in the shape of Jina's and
// Cohere's APIs (https://jina.ai/reranker, https://docs.cohere.com/reference/rerank).
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <iterator>
#include <numeric>

#include "api/internal/handlers.h"
#include "api/internal/vector_batch.h"
#include "api/internal/vector_plan.h"
#include "api/internal/vector_text.h"

namespace json = boost::json;

namespace chasqui::api {
namespace {

class RerankList final : public VectorAnswer {
 public:
  RerankList(const ServedModel& model, RerankBody body, std::span<const engine::Request> requests)
      : body_(std::move(body)),
        model_(body_.model.value_or(model.id)),
        prompt_tokens_(count_tokens(requests)),
        scores_(requests.size()) {}

  Status take(size_t index, std::span<const float> vector) override {
    CHASQUI_TRY(const double odds, log_odds(vector));
    scores_[index] = static_cast<float>(body_.raw_scores ? odds : sigmoid(odds));
    return {};
  }

  std::string body() override {
    std::string out = fmt::format(R"({{"object":"list","model":{},"results":[)",
                                  json::serialize(json::string(model_)));
    const std::vector<size_t> order = best_first();
    for (size_t i = 0; i < order.size(); ++i) {
      if (i > 0) out += ',';
      add_result(order[i], out);
    }
    out += R"(],"usage":)" + vector_usage(prompt_tokens_) + '}';
    return out;
  }

 private:
  // Documents with equal scores keep their order.
  std::vector<size_t> best_first() const {
    std::vector<size_t> order(scores_.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::stable_sort(order, [this](size_t a, size_t b) { return scores_[a] > scores_[b]; });
    if (body_.top_n) order.resize(std::min(order.size(), static_cast<size_t>(*body_.top_n)));
    return order;
  }

  void add_result(size_t index, std::string& out) const {
    fmt::format_to(std::back_inserter(out), R"({{"index":{},"relevance_score":{})", index,
                   scores_[index]);
    if (body_.return_documents) {
      const json::object document = {{"text", body_.documents[index]}};
      out += R"(,"document":)" + json::serialize(document);
    }
    out += '}';
  }

  const RerankBody body_;
  const std::string model_;
  const int64_t prompt_tokens_;
  std::vector<float> scores_;  // by document
};

Status work(Service& service, const ExchangePtr& exchange) {
  CHASQUI_TRY(const json::object object, parse_body(exchange->request().body));
  CHASQUI_TRY(RerankBody body, read_rerank(object));
  CHASQUI_TRY(const ModelContext* const context, service.find(body.model));
  CHASQUI_TRY(auto requests, plan_rerank(*context, body));
  context->interrupt();
  auto answer = std::make_unique<RerankList>(context->model(), std::move(body), requests);
  run_vectors(service.deliverer(), context->model(), exchange, std::move(requests),
              std::move(answer));
  return {};
}

}  // namespace

void handle_rerank(Service& service, ExchangePtr exchange) {
  prepare(service, std::move(exchange), work);
}

}  // namespace chasqui::api
