// A request on its way through the engine: what the scheduler sees of it (the base), what it
// asked for, and how far its answer has got. Made on the submitting thread, so that the engine
// thread neither compiles stops nor primes samplers; from then on engine thread only.
#pragma once

#include <memory>
#include <optional>

#include "engine/internal/answer.h"
#include "engine/internal/draft_state.h"
#include "engine/internal/meter.h"
#include "engine/internal/pooler.h"
#include "engine/internal/prompt_report.h"
#include "engine/request.h"
#include "sample/sampler_chain.h"
#include "sched/sequence.h"

namespace chasqui::engine {

struct Job final : sched::Sequence {
  // `prompt` has moved to Sequence::tokens.
  Request request;

  // Generation has the first two (and the third if asked for), embedding and ranking the fourth.
  std::optional<sample::SamplerChain> chain;
  std::optional<Answer> answer;
  std::optional<PromptReport> prompt_report;
  std::optional<Pooler> pooler;
  std::vector<float> embedding;  // what came of it, once finished

  DraftState draft_state;

  Usage usage;
  JobTimes times;
  bool hit_counted = false;            // cached prompt tokens are in the statistics
  std::optional<FinishReason> finish;  // set when the answer is complete

  int64_t prompt_tokens() const { return usage.prompt_tokens; }
};

// The job of a sequence that this engine gave to its scheduler.
inline Job& job_of(sched::Sequence& sequence) {
  return static_cast<Job&>(sequence);
}

// `request` has passed check_request(). The tokenizer outlives the job.
std::unique_ptr<Job> make_job(uint64_t id, Request request, const text::Tokenizer& tokenizer,
                              int32_t vocab_size);

struct RequestLimits {
  int64_t n_ctx = 0;
  int32_t vocab_size = 0;
  int64_t whole_text = 0;  // most tokens of a text that must come in one step; 0: none must
  bool ranks = false;
};

// kInvalidArgument, kContextLength or kUnsupported, naming the field, for a request that breaks
// request.h or that the model cannot answer.
Status check_request(const Request& request, const RequestLimits& limits);

}  // namespace chasqui::engine
