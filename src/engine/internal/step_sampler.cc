#include "engine/internal/step_sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <utility>

#include "base/check.h"
#include "engine/internal/finite.h"

namespace chasqui::engine {
namespace {

// What goes wrong for one sequence (no memory for its grammar or its report) ends that one only.
template <typename Read>
sched::Advance alone(const sched::RowGroup& group, const Read& read) {
  try {
    return read();
  } catch (const std::exception& error) {
    job_of(*group.sequence).failure =
        Error{ErrorCode::kInternal, fmt::format("sampling failed: {}", error.what()), ""};
    return {-1, true};
  }
}

}  // namespace

StepSampler::StepSampler(const text::Vocab& vocab, ModelRunner& runner)
    : runner_(runner),
      vocab_size_(static_cast<size_t>(runner.vocab_size())),
      hidden_size_(static_cast<size_t>(runner.hidden_size())) {
  is_end_.resize(vocab_size_, false);
  // The model's output may be padded beyond the tokenizer's vocabulary, or fall short of it.
  for (int32_t id = 0; id < std::min(runner.vocab_size(), vocab.size()); ++id) {
    if (!vocab.is_end_of_generation(id)) continue;
    is_end_[static_cast<size_t>(id)] = true;
    end_ids_.push_back(id);
  }
}

std::span<const sched::Advance> StepSampler::sample(const sched::StepPlan& plan,
                                                    const model::StepOutputs& outputs) {
  advances_.clear();
  std::span<float> logits = outputs.logits;
  std::span<const float> hidden = outputs.hidden;
  for (const sched::RowGroup& group : plan.rows) {
    const bool wants_logits = group.sequence->wants_logits;
    const size_t size =
        static_cast<size_t>(group.wanted) * (wants_logits ? vocab_size_ : hidden_size_);
    CHASQUI_CHECK(size <= (wants_logits ? logits.size() : hidden.size()),
                  "the model returned fewer rows than it was asked for");
    if (wants_logits) {
      advances_.push_back(alone(group, [&] { return read_logits(group, logits.first(size)); }));
      logits = logits.subspan(size);
    } else {
      advances_.push_back(alone(group, [&] { return read_hidden(group, hidden.first(size)); }));
      hidden = hidden.subspan(size);
    }
  }
  return advances_;
}

sched::Advance StepSampler::read_logits(const sched::RowGroup& group, std::span<float> logits) {
  Job& job = job_of(*group.sequence);
  const int64_t first = group.end() - group.wanted;
  const auto prompt = std::span(job.tokens).first(static_cast<size_t>(job.prompt_tokens()));
  for (int64_t i = 0; job.prompt_report && i < group.wanted; ++i) {
    if (first + i >= job.prompt_tokens()) break;
    const auto row = logits.subspan(static_cast<size_t>(i) * vocab_size_, vocab_size_);
    job.prompt_report->add_row(prompt, first + i, row);
  }
  if (!group.catches_up()) return {};
  if (job.request.max_tokens == 0) {
    job.finish = FinishReason::kLength;
    return {-1, true};
  }
  return verify(group, logits.last(static_cast<size_t>(group.drafted + 1) * vocab_size_));
}

sched::Advance StepSampler::read_hidden(const sched::RowGroup& group,
                                        std::span<const float> hidden) {
  Job& job = job_of(*group.sequence);
  for (int64_t i = 0; i < group.wanted; ++i) {
    job.pooler->add_row(hidden.subspan(static_cast<size_t>(i) * hidden_size_, hidden_size_));
  }
  if (!group.catches_up()) return {};
  job.embedding = job.request.kind == RequestKind::kRank
                      ? runner_.rank(job.pooler->result())
                      : runner_.finish_embedding(job.pooler->result());
  job.finish = FinishReason::kStop;
  return {-1, true};
}

// Samples row after row as steps of one token each would, with the same logits (results do not
// depend on company), the same random numbers, penalties and grammar, because nothing behind a
// wrong guess is ever looked at. So whatever the temperature, drafts change when a token comes and
// never which. `logits`: one row for each draft token and one before them.
sched::Advance StepSampler::verify(const sched::RowGroup& group, std::span<float> logits) {
  Job& job = job_of(*group.sequence);
  for (int64_t accepted = 0;; ++accepted) {
    sched::Advance advance = choose(job, logits.first(vocab_size_));
    advance.accepted = accepted;
    const bool right =
        accepted < group.drafted && advance.token == job.draft[static_cast<size_t>(accepted)];
    if (advance.ended || !right) return advance;
    logits = logits.subspan(vocab_size_);
  }
}

sched::Advance StepSampler::choose(Job& job, std::span<float> logits) {
  if (!all_finite(logits)) {
    job.failure = Error{ErrorCode::kCorrupt,
                        "the model computes logits that are no numbers: its "
                        "weights are damaged",
                        ""};
    return {-1, true};
  }
  ban_ends(job);
  sample::Sampled sampled = job.chain->sample(logits, job.request.top_logprobs);
  const int32_t token = sampled.token;
  if (ends(job, token)) {
    job.answer->finish();
    job.finish = FinishReason::kStop;
    return {-1, true};
  }
  ++job.usage.completion_tokens;
  job.answer->push(std::move(sampled), job.usage.completion_tokens > job.request.min_tokens);
  const bool full = job.usage.completion_tokens >= job.request.max_tokens;
  if (full) job.answer->finish();
  const bool is_whole = job.request.filter && job.request.filter->finished();
  if (is_whole && !full) job.answer->finish();
  if (job.answer->stopped() || is_whole) {
    job.finish = FinishReason::kStop;
  } else if (full) {
    job.finish = FinishReason::kLength;
  }
  return {token, job.finish.has_value()};
}

// A grammar that allows nothing but the end must be obeyed, so it outranks both settings.
void StepSampler::ban_ends(Job& job) const {
  if (job.request.filter) return;
  const bool too_early = job.usage.completion_tokens < job.request.min_tokens;
  if (too_early || job.request.ignore_eos) {
    for (const int32_t id : end_ids_) job.chain->ban_next(id);
  }
  if (!too_early) return;
  for (const int32_t id : job.request.stop_tokens) job.chain->ban_next(id);
}

bool StepSampler::ends(const Job& job, int32_t token) const {
  if (is_end_[static_cast<size_t>(token)]) return true;
  return std::ranges::find(job.request.stop_tokens, token) != job.request.stop_tokens.end();
}

}  // namespace chasqui::engine
