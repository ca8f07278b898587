#include "app/vocabulary_model.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <array>
#include <stdexcept>

#include "app/chat_choice.h"
#include "app/model_source.h"
#include "app/serving_model.h"
#include "http/error.h"

namespace chasqui::app {
namespace {

// The least that an engine takes. No request reaches it: refuse_computing() stands before it.
class NoWeights final : public engine::ModelRunner {
 public:
  explicit NoWeights(int32_t vocab_size) : vocab_size_(vocab_size) {}
  int32_t vocab_size() const override { return vocab_size_; }
  int32_t hidden_size() const override { return 1; }
  std::span<const CacheSpec> cache_groups() const override { return groups_; }
  int64_t cache_blocks(int) const override { return 1; }
  int64_t max_rows() const override { return 1; }
  int64_t max_logit_rows() const override { return 1; }
  // An engine ends the requests of a step that throws with an error.
  model::StepOutputs forward(const model::StepInputs&) override {
    throw std::logic_error("vocab_only: there are no weights");
  }

 private:
  int32_t vocab_size_;
  std::array<CacheSpec, 1> groups_ = {CacheSpec{.bytes_per_block = 1}};
};

}  // namespace

Result<api::ServedModel> start_vocabulary(const std::string& path, const Settings& settings) {
  CHASQUI_TRY(const gguf::File file, open_model(path, settings));
  CHASQUI_TRY(auto tokenizer, text::Tokenizer::load(file));
  api::ServedModel served = describe_model(path, settings);
  CHASQUI_TRY(served.chat_format, choose_chat_format(file, tokenizer->vocab(), settings));
  served.tokenizer = std::move(tokenizer);
  served.engine = std::make_shared<engine::Engine>(
      std::make_unique<NoWeights>(served.tokenizer->vocab().size()), served.tokenizer,
      engine::EngineOptions{.max_sequences = 1});
  spdlog::info("{}: {} tokens; vocab_only, so nothing is computed", path,
               served.tokenizer->vocab().size());
  return served;
}

void refuse_computing(http::Router& router) {
  router.add_guard([](const http::Request& request) -> std::optional<http::Response> {
    if (request.method != "POST" || request.path.starts_with("/extras/")) return std::nullopt;
    return http::error_response(
        {.status = 400,
         .message = "this server was started with vocab_only: it has no weights to compute with; "
                    "it answers /extras/tokenize, /extras/tokenize/count and /extras/detokenize",
         .code = "vocab_only"});
  });
}

}  // namespace chasqui::app
