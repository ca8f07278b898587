// POST /v1/embeddings
#include <fmt/format.h>

#include <boost/json.hpp>
#include <iterator>

#include "api/internal/handlers.h"
#include "api/internal/vector_batch.h"
#include "api/internal/vector_plan.h"
#include "api/internal/vector_text.h"

namespace chasqui::api {
namespace {

class EmbeddingList final : public VectorAnswer {
 public:
  EmbeddingList(const ServedModel& model, const EmbeddingBody& body,
                std::span<const engine::Request> requests)
      : model_(body.model.value_or(model.id)),
        base64_(body.base64),
        keep_(static_cast<size_t>(body.dimensions.value_or(model.embedding_size))),
        prompt_tokens_(count_tokens(requests)),
        items_(requests.size()) {}

  Status take(size_t index, std::span<const float> vector) override {
    CHASQUI_TRY(const std::vector<float> unit, unit_vector(vector, keep_));
    items_[index] = base64_ ? vector_base64(unit) : vector_json(unit);
    return {};
  }

  std::string body() override {
    std::string out = R"({"object":"list","data":[)";
    for (size_t i = 0; i < items_.size(); ++i) {
      if (i > 0) out += ',';
      out += R"({"object":"embedding","embedding":)";
      out += items_[i];
      fmt::format_to(std::back_inserter(out), R"(,"index":{}}})", i);
    }
    fmt::format_to(std::back_inserter(out), R"(],"model":{},"usage":{}}})",
                   boost::json::serialize(boost::json::string(model_)),
                   vector_usage(prompt_tokens_));
    return out;
  }

 private:
  const std::string model_;
  const bool base64_;
  const size_t keep_;
  const int64_t prompt_tokens_;
  std::vector<std::string> items_;  // JSON of each vector, by input
};

Status work(Service& service, const ExchangePtr& exchange) {
  CHASQUI_TRY(const boost::json::object object, parse_body(exchange->request().body));
  CHASQUI_TRY(const EmbeddingBody body, read_embedding(object));
  CHASQUI_TRY(const ModelContext* const context, service.find(body.model));
  CHASQUI_TRY(auto requests, plan_embedding(*context, body));
  context->interrupt();
  auto answer = std::make_unique<EmbeddingList>(context->model(), body, requests);
  run_vectors(service.deliverer(), context->model(), exchange, std::move(requests),
              std::move(answer));
  return {};
}

}  // namespace

void handle_embedding(Service& service, ExchangePtr exchange) {
  prepare(service, std::move(exchange), work);
}

}  // namespace chasqui::api
