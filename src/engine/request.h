// What the engine is asked to do, and what it answers. Values only; Engine::submit() checks them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "sample/sampler_chain.h"
#include "sample/sampling_spec.h"
#include "sample/token_filter.h"

namespace chasqui::engine {

enum class FinishReason {
  kStop,       // a stop string, a stop token, an end-of-generation token; or an embedding is done
  kLength,     // max_tokens
  kCancelled,  // Engine::cancel
};

struct Usage {
  int64_t prompt_tokens = 0;         // as sent, special tokens included
  int64_t cached_prompt_tokens = 0;  // of these, found in the prefix cache
  int64_t completion_tokens = 0;     // sampled, without the end-of-generation token
  int64_t drafted_tokens = 0;        // guesses that steps verified (speculative decoding)
  int64_t accepted_tokens = 0;       // of these, that were sampled
};

// One token of an answer. Texts of tokens that end inside a character are empty until the
// character is whole, and then stand at the token that completed it. The texts of an answer's
// tokens together are its text: where a stop string was cut, so is the token in which it begins,
// and the tokens after that are not reported.
struct TokenOutput {
  int32_t token = -1;
  std::string text;
  float logprob = 0.0f;                   // NaN where there is none (first prompt token)
  std::vector<sample::TokenLogprob> top;  // as Request::top_logprobs asked
  bool of_prompt = false;
};

// Progress of a request. Text is valid UTF-8, stop strings are already cut and never shown in
// part. Events of one request come in order; one with `finish` or `error` is the last.
struct Event {
  std::string text;                 // new text since the last event
  std::vector<TokenOutput> tokens;  // tokens behind `text`, only when log-probabilities or
                                    // report_tokens were asked for; before them those of the
                                    // prompt (not part of `text`)
  std::vector<float> embedding;     // last event of an embedding, not normalised, and of a ranking:
                                    // the outputs of the model's ranking head
  std::optional<FinishReason> finish;
  std::string stop_text;  // the stop string that ended it, "" for any other end
  std::optional<Error> error;
  Usage usage;  // up to here
};

// Receives events. Called by the engine thread: must return at once and must not throw; a slow
// reader is the sink's problem (it merges). Destroyed on any thread.
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void on_event(Event event) = 0;
};

enum class RequestKind {
  kGenerate,
  kEmbed,  // the hidden states of the prompt, pooled to one vector
  kRank,   // that vector's ranking (ModelRunner::rank)
};
enum class Pooling { kLast, kMean, kFirst };

struct Request {
  RequestKind kind = RequestKind::kGenerate;
  std::vector<int32_t> prompt;  // not empty, ids checked; of an encoder, one step's rows at most
  int64_t max_tokens = 16;      // >= 0; prompt + max_tokens <= EngineOptions::n_ctx
  int64_t min_tokens = 0;       // no end of generation before: ends are not sampled, and stops
                                // are looked for only in the text after so many tokens
  bool ignore_eos = false;      // the model's own ends are not sampled at all. With a `filter`,
                                // which may allow nothing but the end, neither bans anything
  std::vector<int32_t> stop_tokens;  // end like end-of-generation tokens, besides the model's own
  std::vector<std::string> stops;    // none empty; the earliest in the text ends it
  int top_logprobs = -1;             // -1: none; n >= 0: each token's own and the n best
  bool report_tokens = false;        // report the answer's tokens also without log-probabilities
  bool prompt_logprobs = false;      // report prompt tokens too (echo), before the first answer
  sample::SamplingSpec sampling;
  std::shared_ptr<sample::TokenFilter> filter;  // grammar; may be null
  Pooling pooling = Pooling::kLast;             // of kEmbed and kRank
  bool show_special = false;  // control tokens are text too, as their vocabulary spells them
  bool use_prefix_cache = true;
  uint64_t cache_salt = 0;  // requests with different salts share no cached blocks
  int priority = 0;         // higher runs earlier
  std::shared_ptr<EventSink> sink;
};

}  // namespace chasqui::engine
