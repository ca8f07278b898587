#include "serving/mock_server.h"

#include <algorithm>
#include <span>
#include <stdexcept>
#include <thread>
#include <vector>

#include "api/http_metrics.h"
#include "api/service.h"
#include "backend/ops.h"
#include "engine/model_runner.h"
#include "http/server.h"
#include "support/tiny_tokenizer.h"

namespace chasqui::bench {
namespace {

using testing::TinyVocab;

class MockRunner final : public engine::ModelRunner {
 public:
  explicit MockRunner(std::chrono::microseconds step)
      : step_(step), specs_{{backend::kKvBlockTokens, 1, 0}} {}

  int32_t vocab_size() const override { return TinyVocab::kSize; }
  int32_t hidden_size() const override { return 8; }
  std::span<const CacheSpec> cache_groups() const override { return specs_; }
  int64_t cache_blocks(int) const override { return 16384; }
  int64_t max_rows() const override { return 512; }
  int64_t max_logit_rows() const override { return 128; }

  model::StepOutputs forward(const model::StepInputs& inputs) override {
    if (step_.count() > 0) std::this_thread::sleep_for(step_);
    const size_t rows = inputs.logit_rows.size();
    logits_.assign(rows * TinyVocab::kSize, -20.0f);
    for (size_t i = 0; i < rows; ++i) {
      const int32_t position = inputs.positions[static_cast<size_t>(inputs.logit_rows[i])];
      logits_[i * TinyVocab::kSize + static_cast<size_t>('a' + position % 26)] = 20.0f;
    }
    return {logits_, {}};
  }

 private:
  const std::chrono::microseconds step_;
  const std::vector<CacheSpec> specs_;
  std::vector<float> logits_;
};

class MockServer final : public BenchServer {
 public:
  MockServer(int io_threads, std::chrono::microseconds step, bool logs) {
    const auto tokenizer = testing::tiny_tokenizer();
    const engine::EngineOptions options{.n_ctx = 2048, .max_sequences = 64, .max_queue = 512};
    api::ServedModel model;
    model.id = "mock";
    model.engine =
        std::make_shared<engine::Engine>(std::make_unique<MockRunner>(step), tokenizer, options);
    model.chat_format =
        *chat::make_chat_format("chatml", chat::model_texts(tokenizer->vocab(), ""));
    model.tokenizer = tokenizer;
    model.embedding_size = 8;
    std::vector<api::ServedModel> models;
    models.push_back(std::move(model));
    service_ = std::make_unique<api::Service>(std::move(models), api::ServiceOptions{});
    http::Router router;
    if (const Status added = api::register_endpoints(router, *service_); !added) {
      throw std::runtime_error(added.error().message);
    }
    http::ServerOptions http;
    http.host = "127.0.0.1";
    http.port = 0;
    http.io_threads = io_threads;
    if (logs) {
      http.on_access =
          [metrics = std::make_shared<api::HttpMetrics>()](const http::AccessRecord& record) {
            metrics->count(record);
            api::log_access(record);
          };
    }
    server_ = std::make_unique<http::Server>(http, std::move(router));
    const Result<uint16_t> port = server_->start();
    if (!port) throw std::runtime_error(port.error().message);
    port_ = *port;
  }

  ~MockServer() override {
    server_->stop();
    server_.reset();
    service_.reset();
  }

  uint16_t port() const override { return port_; }

 private:
  std::unique_ptr<api::Service> service_;
  std::unique_ptr<http::Server> server_;
  uint16_t port_ = 0;
};

}  // namespace

std::unique_ptr<BenchServer> start_mock_server(int io_threads, std::chrono::microseconds step,
                                               bool logs) {
  return std::make_unique<MockServer>(io_threads, step, logs);
}

}  // namespace chasqui::bench
