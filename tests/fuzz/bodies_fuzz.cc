// Arbitrary request bodies through the endpoints' own handlers: parsed, checked, rendered,
// tokenised and constrained, up to the engine, which has drained and refuses what is well formed.
// The first byte chooses the endpoint. Checked: every body gets one answer, whose status says that
// the request was good (200, or 503 from the engine) or bad (4xx), never that the server failed,
// and whose text is JSON.
#include <spdlog/spdlog.h>

#include <boost/json.hpp>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <string_view>

#include "api/service.h"
#include "engine/model_runner.h"
#include "http/exchange.h"
#include "support/tiny_tokenizer.h"

namespace {

using namespace chasqui;

void require(bool holds, const char* what, std::string_view detail) {
  if (holds) return;
  std::fprintf(stderr, "property violated: %s: %.*s\n", what, static_cast<int>(detail.size()),
               detail.data());
  std::abort();
}

// One request whose answer is waited for.
class Call final : public http::Exchange {
 public:
  Call(std::string path, std::string body) {
    request_.method = "POST";
    request_.path = std::move(path);
    request_.body = std::move(body);
  }

  const http::Request& request() const override { return request_; }
  void respond(http::Response response) override {
    const std::lock_guard lock(mutex_);
    require(!answered_, "one answer a request", response.body);
    response_ = std::move(response);
    answered_ = true;
    changed_.notify_all();
  }
  void start_stream(http::Response, std::string) override {
    require(false, "nothing runs in a drained engine", request_.body);
  }
  bool write(std::string) override { return false; }
  void end() override {}
  size_t pending_bytes() const override { return 0; }
  bool writable() const override { return true; }
  bool disconnected() const override { return false; }
  void on_disconnect(std::function<void()>) override {}
  void on_writable(std::function<void()>) override {}

  http::Response wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return answered_; });
    return response_;
  }

 private:
  http::Request request_;
  std::mutex mutex_;
  std::condition_variable changed_;
  http::Response response_;  // guarded by mutex_
  bool answered_ = false;    // guarded by mutex_
};

class NoModel final : public engine::ModelRunner {
 public:
  int32_t vocab_size() const override { return testing::TinyVocab::kSize; }
  int32_t hidden_size() const override { return 8; }
  std::span<const CacheSpec> cache_groups() const override { return specs_; }
  int64_t cache_blocks(int) const override { return 16; }
  int64_t max_rows() const override { return 64; }
  int64_t max_logit_rows() const override { return 64; }
  model::StepOutputs forward(const model::StepInputs&) override { std::abort(); }

 private:
  const std::vector<CacheSpec> specs_ = {{backend::kKvBlockTokens, 1, 0}};
};

// Knows tools and thoughts, and asks for what callers may leave out or send as another type.
constexpr std::string_view kTemplate =
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}{% if m.tool_calls %}"
    "{% for c in m.tool_calls %}<tool_call>{{ c.function | tojson }}</tool_call>{% endfor %}"
    "{% endif %}<|im_end|>\n{% endfor %}{% if tools %}{{ tools | tojson }}{% endif %}"
    "<|im_start|>assistant\n{% if enable_thinking %}<think>\n{% endif %}</think>";

api::ServedModel served(const char* id, const char* format,
                        std::shared_ptr<const text::Tokenizer> tokenizer,
                        const std::shared_ptr<engine::Engine>& engine) {
  api::ServedModel model;
  model.id = id;
  model.engine = engine;
  model.chat_format = *chat::make_chat_format(
      format, chat::model_texts(tokenizer->vocab(), std::string(kTemplate)));
  model.tokenizer = std::move(tokenizer);
  model.embedding_size = 8;
  return model;
}

api::Service& service() {
  static api::Service* const shared = [] {
    spdlog::set_level(spdlog::level::off);
    const auto tokenizer = testing::tiny_tokenizer();
    const auto engine = std::make_shared<engine::Engine>(
        std::make_unique<NoModel>(), tokenizer,
        engine::EngineOptions{.n_ctx = 2048, .max_sequences = 64, .max_queue = 512});
    engine->drain();
    std::vector<api::ServedModel> models;
    models.push_back(served("plain", "chatml", tokenizer, engine));
    models.push_back(served("tools", "chat_template.default", tokenizer, engine));
    models.push_back(served("ranks", "chatml", tokenizer, engine));
    models.back().ranks = true;
    return new api::Service(std::move(models), {.preparation_threads = 1});
  }();
  return *shared;
}

struct Target {
  char letter;
  std::string_view path;
};
constexpr Target kTargets[] = {
    {'c', "/v1/chat/completions"}, {'p', "/v1/completions"},  {'e', "/v1/embeddings"},
    {'t', "/extras/tokenize"},     {'d', "/extras/detokenize"}, {'r', "/v1/rerank"},
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  for (const Target& target : kTargets) {
    if (static_cast<char>(data[0]) != target.letter) continue;
    for (const api::Endpoint& endpoint : api::endpoints()) {
      if (endpoint.pattern != target.path) continue;
      const std::string body(reinterpret_cast<const char*>(data) + 1, size - 1);
      const auto call = std::make_shared<Call>(std::string(target.path), body);
      endpoint.handle(service(), call);
      const http::Response response = call->wait();
      const int status = response.status;
      require(status == 200 || status == 503 || (status >= 400 && status < 500),
              "a body is good or bad", response.body);
      boost::json::error_code error;
      boost::json::parse(response.body, error);
      require(!error, "answers are JSON", response.body);
    }
  }
  return 0;
}
