// The OpenAI-compatible API over one model or several: what the endpoints serve, and what they
// share.
//
//   http::Router router;
//   api::Service service(std::move(models), {});
//   api::register_endpoints(router, service);
//   http::Server server(options, std::move(router));
//   ...
//   service.drain();                    // new requests get 503; running ones go on
//   server.drain(deadline);             // until they end, or
//   service.stop(); server.drain(...);  // are told that they cannot
//   server.stop();
//   (then service, then the engines may go)
//
// Threads. Handlers return at once on the I/O thread. Bodies are parsed, chats rendered and prompts
// tokenised on a small preparation pool; the engine's thread only appends events to a buffer that
// merges while a client is slow; one delivery thread turns events into JSON and hands it to the
// connections. A closed connection cancels its request in the engine at once.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "chat/chat_format.h"
#include "chat/prompt_encoder.h"
#include "engine/engine.h"
#include "http/router.h"
#include "jinja/template.h"
#include "text/tokenizer.h"

namespace chasqui::api {

class GrammarCache;
class HttpMetrics;
class RunningStreams;

// A model as the API sees it. Immutable once given to a Service.
struct ServedModel {
  std::string id;       // what /v1/models lists: alias or path; echoed when a request names none
  int64_t created = 0;  // Unix seconds
  std::shared_ptr<engine::Engine> engine;
  std::shared_ptr<const text::Tokenizer> tokenizer;
  std::shared_ptr<const chat::ChatFormat> chat_format;

  // False: an encoder. It reads texts of at most engine->options().max_batch_tokens as a whole, and
  // writes none.
  bool causal = true;
  int32_t embedding_size = 0;  // length of an embedding
  bool embeddings = true;      // false: /v1/embeddings and /v1/rerank answer 400
  engine::Pooling pooling = engine::Pooling::kLast;
  bool ranks = false;           // true: it answers /v1/rerank, and no embeddings
  std::string rerank_template;  // text with the places {query} and {document}; "": it reads pairs

  int32_t last_n_tokens = 64;            // window of the penalties (setting last_n_tokens_size)
  std::optional<uint64_t> default_seed;  // of requests without one; none: random
  jinja::Variables template_variables;   // of its chat template; a request's own go before them
  bool interrupt_streams = false;        // each request ends the streams that run before it
};

struct ServiceOptions {
  int preparation_threads = 2;
  int preparation_queue = 256;  // requests waiting for preparation; one more gets 503
  // What /openapi.json says: where the API begins ("" is "/"), and whether requests bring a key.
  std::string root_path;
  bool needs_key = false;
  std::shared_ptr<HttpMetrics> http_metrics;  // for /metrics; null: it shows the engines only
};

// A model and what the API makes of it once. Any thread.
class ModelContext {
 public:
  explicit ModelContext(ServedModel model);
  ~ModelContext();

  const ServedModel& model() const { return model_; }
  const chat::PromptEncoder& encoder() const { return encoder_; }
  GrammarCache& grammars() const { return *grammars_; }  // for the preparation pool

  // Called with each request that is about to start: ends what ServedModel says.
  void interrupt() const;
  RunningStreams& streams() const { return *streams_; }

 private:
  const ServedModel model_;
  const chat::PromptEncoder encoder_;
  const std::unique_ptr<GrammarCache> grammars_;
  const std::unique_ptr<RunningStreams> streams_;
};

using Task = std::function<void()>;
using TaskSink = std::function<void(Task)>;

class Service {
 public:
  // REQUIRES: at least one model; engine, tokenizer and chat_format of each are set; ids differ.
  Service(std::vector<ServedModel> models, ServiceOptions options);
  // Waits for tasks that run; those that wait are dropped. The http server must have stopped. The
  // engines may still run: what they deliver later is dropped too.
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // In the order in which they were given.
  std::span<const std::unique_ptr<const ModelContext>> models() const;
  // The model that a request means. One model alone answers to every name; of several, none named
  // means the first, and kNotFound lists the names that there are.
  Result<const ModelContext*> find(const std::optional<std::string>& name) const;

  // The text of /openapi.json.
  const std::string& openapi() const;
  const std::shared_ptr<HttpMetrics>& http_metrics() const;  // may be null

  // Runs `task` on the preparation pool; false when its queue is full. Any thread.
  bool prepare(Task task);

  // Push work that goes on with an accepted request: to the delivery thread, in order, and to the
  // preparation pool. The functions never refuse nor wait, and may outlive the Service (tasks are
  // then dropped).
  TaskSink deliverer() const;
  TaskSink resumer() const;

  // Refuses new requests from now on (503), here and in the engines. Any thread.
  void drain();
  // Also ends those that run, with an error: 503, or an error event where a stream has begun.
  void stop();
  bool draining() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// One row per endpoint: what is routed, and what /openapi.json says of it.
struct Endpoint {
  std::string_view method;
  std::string_view pattern;  // as http::Router takes it
  std::string_view summary;
  bool listed = true;  // false: an alias that the API description leaves out
  void (*handle)(Service& service, std::shared_ptr<http::Exchange> exchange) = nullptr;
};
std::span<const Endpoint> endpoints();

// Adds every endpoint to `router`; `service` must outlive the server that the router goes to.
// kInvalidArgument when the router has one of these routes already.
Status register_endpoints(http::Router& router, Service& service);

}  // namespace chasqui::api
