#include "engine/internal/job.h"

#include <algorithm>
#include <utility>

namespace chasqui::engine {
namespace {

// An answer begins a text of its own when nothing but control tokens (a BOS) precedes it.
bool begins_text(std::span<const int32_t> prompt, const text::Vocab& vocab) {
  return std::ranges::all_of(prompt, [&vocab](int32_t token) {
    return token < vocab.size() && vocab.kind(token) == text::TokenKind::kControl;
  });
}

void prepare_generation(Job& job, const text::Tokenizer& tokenizer, int32_t vocab_size) {
  const Request& request = job.request;
  const text::Vocab& vocab = tokenizer.vocab();
  job.chain.emplace(request.sampling, vocab_size, vocab.special().newline, request.filter);
  job.chain->prime(job.tokens);
  job.answer.emplace(tokenizer, std::make_shared<const StopSet>(request.stops),
                     begins_text(job.tokens, vocab),
                     request.top_logprobs >= 0 || request.report_tokens, request.show_special);
  job.wanted_from = job.prompt_tokens() - (request.max_tokens > 0 ? 1 : 0);
  if (!request.prompt_logprobs) return;
  job.prompt_report.emplace(tokenizer, std::max(request.top_logprobs, 0));
  job.wanted_from = 0;
}

}  // namespace

std::unique_ptr<Job> make_job(uint64_t id, Request request, const text::Tokenizer& tokenizer,
                              int32_t vocab_size) {
  auto job = std::make_unique<Job>();
  job->id = id;
  job->priority = request.priority;
  job->cache_salt = request.cache_salt;
  job->use_prefix_cache = request.use_prefix_cache;
  job->tokens = std::move(request.prompt);
  job->usage.prompt_tokens = job->known();
  job->request = std::move(request);
  if (job->request.kind == RequestKind::kGenerate) {
    prepare_generation(*job, tokenizer, vocab_size);
  } else {
    job->wants_logits = false;
    job->pooler.emplace(job->request.pooling);
    job->wanted_from = job->pooler->wanted_from(job->prompt_tokens());
  }
  return job;
}

}  // namespace chasqui::engine
