// The engine: one thread that owns model, cache, scheduler and sampling, and runs all requests
// together, step by step (continuous batching).
//
// submit(), cancel() and stats() may be called from any thread and never wait for a step. What a
// request answers goes to its sink. When a step throws (no memory), the requests that it computed
// for end with kInternal, and the others go on. Destroying the engine stops it, see stop().
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "base/clock.h"
#include "base/hash.h"
#include "base/histogram.h"
#include "base/result.h"
#include "engine/model_runner.h"
#include "engine/request.h"
#include "kv/block_store.h"
#include "text/tokenizer.h"

namespace chasqui::engine {

// A second tier of the prefix cache (kv/tier.h): blocks that were computed are kept in `store`, and
// loaded when a prompt begins with them. Answers are the same with and without, bit for bit.
struct EngineTier {
  std::shared_ptr<kv::BlockStore> store;  // null: no tier. One engine's alone
  Hash128 fingerprint;  // of all that the bytes of a block depend on besides its tokens
};

struct EngineOptions {
  int64_t n_ctx = 2048;            // most tokens of one request, prompt and answer
  int64_t max_sequences = 64;      // running at once
  int64_t max_queue = 512;         // waiting besides; when max_sequences + max_queue requests are
                                   // there, the next is refused with kResourceExhausted
  int64_t max_batch_tokens = 512;  // rows of one step
  int64_t prefill_chunk = 256;     // most prompt tokens of one request in a step that others share,
                                   // and of all requests in a step that continues an answer
  bool prefix_cache = true;
  // Speculative decoding, by the draft model or, where there is none, by prompt lookup: most tokens
  // guessed ahead for one request, verified in one step. 0: none. Answers, their log-probabilities
  // and random numbers are those of plain decoding, bit for bit, at every temperature: each
  // position is sampled from its own logits by the request's own stream, and a guess only decides
  // whether those logits are there already.
  int64_t draft_tokens = 0;  // 0 for models with recurrent states, which cannot take a guess back
  EngineTier tier;           // nothing without prefix_cache or with recurrent states
};

struct EngineStats {
  int64_t running = 0;
  int64_t waiting = 0;
  int64_t blocks_total = 0;
  int64_t cache_bytes = 0;  // that all blocks take when filled, in the types of the cache
  int64_t blocks_in_use = 0;
  int64_t blocks_cached = 0;
  int64_t steps = 0;
  int64_t preemptions = 0;
  int64_t prompt_tokens = 0;         // computed, since start
  int64_t cached_prompt_tokens = 0;  // found in the prefix cache, since start
  int64_t completion_tokens = 0;
  int64_t drafted_tokens = 0;   // guessed and verified, since start
  int64_t accepted_tokens = 0;  // of these, that were right
  double last_step_seconds = 0;

  // Of the second tier; 0 without one.
  int64_t tier_loaded_blocks = 0;   // since start
  int64_t tier_stored_blocks = 0;   // since start
  int64_t tier_dropped_blocks = 0;  // computed and not kept, for want of time or room
  int64_t tier_damaged_blocks = 0;  // found, but not what was stored
  int64_t tier_evicted_blocks = 0;  // forgotten to make room
  int64_t tier_blocks = 0;
  int64_t tier_bytes = 0;
  int64_t tier_capacity_bytes = 0;
};

// How requests ended, as statistics count it.
enum class Outcome : uint8_t { kStop, kLength, kCancelled, kFailed };
constexpr size_t kOutcomes = 4;

// What was measured since start. Times are in seconds, and those of a request begin with submit().
struct EngineTimings {
  HistogramSnapshot queue;                    // until the first step that computes a part of it
  HistogramSnapshot first_token;              // until its first token was sampled
  HistogramSnapshot inter_token;              // between two of its tokens
  HistogramSnapshot request;                  // until its last event
  HistogramSnapshot step;                     // one step of the engine
  HistogramSnapshot step_tokens;              // rows that a step computed: the size of its batch
  std::array<int64_t, kOutcomes> outcomes{};  // requests, by Outcome
};

using RequestId = uint64_t;

class Engine {
 public:
  // `runner`, `tokenizer` and `draft` are used by the engine thread until the engine is gone.
  // `draft`: a smaller model of the same vocabulary that guesses; null: none.
  Engine(std::unique_ptr<ModelRunner> runner, std::shared_ptr<const text::Tokenizer> tokenizer,
         EngineOptions options, std::unique_ptr<ModelRunner> draft = nullptr);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // As given, but lowered to what the runner can do (rows, logits rows; an encoder shares no
  // prefixes and drafts nothing).
  const EngineOptions& options() const;
  const text::Tokenizer& tokenizer() const;

  // Queues a request. kResourceExhausted when the queue is full, kContextLength when the prompt
  // does not fit, kInvalidArgument for a request that breaks request.h, kUnsupported for what the
  // model cannot do. Events come from the engine thread, possibly before submit() returns.
  Result<RequestId> submit(Request request);

  // The request ends at the next step boundary with FinishReason::kCancelled. Unknown or ended
  // ids are ignored.
  void cancel(RequestId id);

  // Refuses new requests from now on (kCancelled) and lets the others end.
  void drain();
  bool idle() const;

  // Refuses new requests; those still there end with a kCancelled error at the next step boundary,
  // which this does not wait for.
  void stop();

  EngineStats stats() const;
  EngineTimings timings() const;  // any thread, too

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace chasqui::engine
