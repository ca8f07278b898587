// What this room's tests share: a model that babbles without weights, a whole server around it on
// 127.0.0.1, and a client that shows what came over the wire. Not part of the room.
#pragma once

#include <boost/json.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/service.h"
#include "engine/model_runner.h"
#include "http/server.h"

namespace chasqui::api::testing {

// What a model can do besides: rank, with so many outputs, each a value of the pooled vector; or
// read texts whole and write none.
struct Abilities {
  bool causal = true;
  int32_t rank_outputs = 0;
};

// The next token is a function of the last token and its position: letters, spaces, newlines, "é",
// "日" and emoji in their single bytes (always in the right order), so that answers are valid UTF-8
// over an alphabet small enough for stop texts to hit. Over the vocabulary of
// support/tiny_tokenizer.h.
class BabbleRunner final : public engine::ModelRunner {
 public:
  static constexpr int32_t kHidden = 8;

  // The token that the model would by far rather say at a position of the text; -1: any.
  using Likes = std::function<int32_t(int32_t position)>;

  // `before_forward` runs on the engine thread before each step; it and `likes` may be empty.
  explicit BabbleRunner(std::function<void()> before_forward = {}, int64_t cache_blocks = 4096,
                        int32_t vocab_size = 260, Likes likes = {}, Abilities abilities = {});

  int32_t vocab_size() const override { return vocab_size_; }
  int32_t hidden_size() const override { return kHidden; }
  std::span<const CacheSpec> cache_groups() const override { return specs_; }
  int64_t cache_blocks(int) const override { return cache_blocks_; }
  int64_t max_rows() const override { return 256; }
  int64_t max_logit_rows() const override { return 256; }
  bool causal() const override { return abilities_.causal; }
  int32_t rank_outputs() const override { return abilities_.rank_outputs; }
  std::vector<float> rank(std::vector<float> pooled) override;
  model::StepOutputs forward(const model::StepInputs& inputs) override;

 private:
  const std::function<void()> before_forward_;
  const int64_t cache_blocks_;
  const int32_t vocab_size_;
  const Likes likes_;
  const Abilities abilities_;
  const std::vector<CacheSpec> specs_;
  std::vector<float> logits_;
  std::vector<float> hidden_;
};

struct Reply {
  int status = 0;
  std::string head;  // status line and headers, as sent
  std::string body;  // without the chunks' framing

  boost::json::value json() const;                  // throws when it is none
  std::vector<std::string> events() const;          // data of each server-sent event
  std::string header(std::string_view name) const;  // "" when absent
};

struct TestServerOptions {
  engine::EngineOptions engine = {.n_ctx = 256, .max_sequences = 64, .max_queue = 512};
  ServiceOptions service;
  std::vector<std::string> more_models;  // ids of further models, which share the engine
  http::ServerOptions http;
  std::function<void()> before_forward;
  int64_t cache_blocks = 4096;
  bool infill_tokens = false;               // in the vocabulary
  std::vector<std::string> control_tokens;  // further ones of the vocabulary
  BabbleRunner::Likes likes;
  Abilities abilities;                       // told to the first model, too
  std::string chat_template;                 // of the first model; "": ChatML
  std::function<void(ServedModel&)> adjust;  // the first model; may be empty
};

class TestServer {
 public:
  explicit TestServer(TestServerOptions options = {});
  ~TestServer();

  uint16_t port() const { return port_; }
  Service& service() { return *service_; }
  engine::Engine& engine() { return *engine_; }
  engine::EngineStats engine_stats() const { return engine_->stats(); }

  Reply request(std::string_view method, std::string_view path, std::string_view body = "") const;
  Reply post(std::string_view path, const boost::json::value& body) const;

  // A socket that has sent a request and reads when told; closed by its destructor.
  class Connection {
   public:
    Connection(uint16_t port, std::string_view bytes);
    ~Connection();
    std::string read_some();  // at least one byte, or "" at the end
    std::string read_all();
    void close();

   private:
    int socket_;
  };
  Connection open(std::string_view path, const boost::json::value& body) const;

  // Waits until `done` holds; fails the test after ten seconds.
  void wait_until(const std::function<bool()>& done) const;

 private:
  std::shared_ptr<engine::Engine> engine_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<http::Server> server_;
  uint16_t port_ = 0;
};

}  // namespace chasqui::api::testing
