#include "engine/internal/model_drafts.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/check.h"
#include "engine/internal/finite.h"
#include "engine/internal/runner_cache.h"
#include "sample/sampler_chain.h"

namespace chasqui::engine {
namespace {

ModelDraftsOptions within_runner(ModelDraftsOptions options, const ModelRunner& runner) {
  options.max_jobs = std::min({options.max_jobs, runner.max_rows(), runner.max_logit_rows()});
  options.read_rows = std::clamp<int64_t>(options.read_rows, options.max_jobs, runner.max_rows());
  return options;
}

// What the job's filter allows, tried on a fork of it that each proposal makes anew.
class ForkedFilter final : public sample::TokenFilter {
 public:
  void set(std::shared_ptr<sample::TokenFilter> fork) { fork_ = std::move(fork); }
  void apply(std::span<float> logits) override {
    if (fork_) fork_->apply(logits);
  }
  void accept(int32_t token) override {
    if (fork_) fork_->accept(token);
  }
  bool finished() override { return fork_ && fork_->finished(); }
  int32_t forced() override { return fork_ ? fork_->forced() : -1; }

 private:
  std::shared_ptr<sample::TokenFilter> fork_;
};

}  // namespace

struct ModelDrafts::Shadow {
  // What the draft model has read of the job and what it guessed, its place in its cache.
  // `computed` positions are in the cache; the last guess never is.
  sched::Sequence sequence;
  int64_t verified = 0;     // tokens of `sequence` known to be the job's; the rest are guesses
  bool is_foreign = false;  // the job has a token that the draft model's table has no row for
  std::shared_ptr<ForkedFilter> filter;  // null where the job has none
  sample::SamplerChain chain;
  uint64_t used_in = 0;  // the last round that it was asked for

  Shadow(const Job& job, int32_t vocab_size, int32_t newline)
      : filter(job.request.filter ? std::make_shared<ForkedFilter>() : nullptr),
        chain(job.request.sampling, vocab_size, newline, filter) {
    sequence.id = job.id;
    sequence.cache_salt = job.cache_salt;
    sequence.use_prefix_cache = job.use_prefix_cache;
  }
};

ModelDrafts::ModelDrafts(std::unique_ptr<ModelRunner> runner, const text::Vocab& vocab,
                         ModelDraftsOptions options)
    : runner_(std::move(runner)),
      vocab_(vocab),
      options_(within_runner(options, *runner_)),
      kv_(kv_groups(*runner_), kv_options(options_.prefix_cache)),
      builder_(kv_, options_.read_rows, options_.max_jobs) {}

ModelDrafts::~ModelDrafts() = default;

void ModelDrafts::propose(std::span<const DraftAsk> asks, int64_t room) {
  ++rounds_;
  clear_plan();
  guesses_.clear();
  asks = asks.first(std::min(asks.size(), static_cast<size_t>(options_.max_jobs)));
  const int64_t share = even_share(room, static_cast<int64_t>(asks.size()));
  for (const DraftAsk& ask : asks) shadow_of(*ask.job).used_in = rounds_;
  for (const DraftAsk& ask : asks) read(ask, share);
  while (!plan_.rows.empty()) {
    forward();
    continue_guesses();
  }
}

ModelDrafts::Shadow& ModelDrafts::shadow_of(const Job& job) {
  std::unique_ptr<Shadow>& shadow = shadows_[job.id];
  if (!shadow) {
    shadow = std::make_unique<Shadow>(job, options_.vocab_size, vocab_.special().newline);
  }
  return *shadow;
}

// Drops guesses that came out otherwise, and takes over what the job knows by now.
void ModelDrafts::agree(Shadow& shadow, const Job& job) const {
  std::vector<int32_t>& tokens = shadow.sequence.tokens;
  const auto verified = static_cast<ptrdiff_t>(shadow.verified);
  const auto differ = std::mismatch(tokens.begin() + verified, tokens.end(),
                                    job.tokens.begin() + verified, job.tokens.end());
  tokens.erase(differ.first, tokens.end());
  tokens.insert(tokens.end(), differ.second, job.tokens.end());
  const auto right = static_cast<int64_t>(differ.second - job.tokens.begin());
  // At least the last token is read (again), because its logits are what is wanted.
  shadow.sequence.computed = std::min({shadow.sequence.computed, right, job.known() - 1});
  shadow.verified = job.known();
}

// Puts into the plan what the draft model lacks of a job, as far as the round has rows for it.
void ModelDrafts::read(const DraftAsk& ask, int64_t share) {
  Shadow& shadow = shadow_of(*ask.job);
  sched::Sequence& sequence = shadow.sequence;
  // The table of the model that is guessed for may have more rows, which are unused tokens.
  const auto fresh = std::span(ask.job->tokens).subspan(static_cast<size_t>(shadow.verified));
  const int32_t rows = runner_->vocab_size();
  shadow.is_foreign |= std::ranges::any_of(fresh, [rows](int32_t id) { return id >= rows; });
  if (shadow.is_foreign) return;
  agree(shadow, *ask.job);
  if (sequence.table == kv::kNoTable) {
    const kv::Opened opened = kv_.open(
        {sequence.tokens, sequence.known() - 1, sequence.cache_salt, sequence.use_prefix_cache});
    sequence.table = opened.table;
    sequence.computed = opened.hit_tokens;
  }
  const int64_t count = std::min(sequence.remaining(), options_.read_rows - plan_.row_count);
  if (count <= 0) return;
  const bool all = count == sequence.remaining();
  const int64_t most = std::min(ask.most, share);
  // The last guess is not read.
  if (!reserve(shadow, sequence.computed + count + (all ? most - 1 : 0))) return;
  plan_.rows.push_back({&sequence, sequence.computed, count, all ? 1 : 0, 0});
  plan_.row_count += count;
  if (!all) return;
  ++plan_.logit_rows;
  guesses_.push_back({&shadow, ask.job, most});
  shadow.chain.follow(*ask.job->chain);
  if (shadow.filter) shadow.filter->set(ask.job->request.filter->fork());
}

// Takes blocks from shadows that nobody asked for in this round, the longest unused first.
bool ModelDrafts::reserve(Shadow& shadow, int64_t tokens) {
  while (!kv_.reserve(shadow.sequence.table, tokens)) {
    Shadow* oldest = nullptr;
    for (const auto& [id, other] : shadows_) {
      if (other->sequence.table == kv::kNoTable || other->used_in == rounds_) continue;
      if (oldest == nullptr || other->used_in < oldest->used_in) oldest = other.get();
    }
    if (oldest == nullptr) return false;
    close(*oldest);
  }
  return true;
}

// One step of the draft model; a guess more for each of guesses_, or none where it ends.
void ModelDrafts::forward() {
  const model::StepOutputs outputs = runner_->forward(builder_.build(plan_));
  kv_.copies_done();
  for (const sched::RowGroup& group : plan_.rows) {
    sched::Sequence& sequence = *group.sequence;
    const Shadow& shadow = *shadows_.at(sequence.id);
    sequence.computed = group.end();
    kv_.commit(sequence.table, sequence.tokens, std::min(sequence.computed, shadow.verified));
  }
  const auto width = static_cast<size_t>(runner_->vocab_size());
  CHASQUI_CHECK(outputs.logits.size() == guesses_.size() * width, "{} logits for {} guesses",
                outputs.logits.size(), guesses_.size());
  size_t row = 0;
  std::erase_if(guesses_, [&](const Guess& guess) {
    return !guess_one(guess, outputs.logits.subspan(width * row++, width));
  });
}

void ModelDrafts::clear_plan() {
  plan_.rows.clear();
  plan_.row_count = 0;
  plan_.logit_rows = 0;
}

// The plan that reads the guesses just made, for those that want more.
void ModelDrafts::continue_guesses() {
  clear_plan();
  for (const Guess& guess : guesses_) {
    sched::Sequence& sequence = guess.shadow->sequence;
    plan_.rows.push_back({&sequence, sequence.computed, 1, 1, 0});
    ++plan_.row_count;
    ++plan_.logit_rows;
  }
}

// False when this job's draft is complete.
bool ModelDrafts::guess_one(const Guess& guess, std::span<float> logits) {
  if (!all_finite(logits)) return false;
  const int32_t token = guess.shadow->chain.sample(target_row(logits), -1).token;
  // Of an end no row is computed, so it is not worth a guess.
  const bool is_text = token < vocab_.size() && !vocab_.is_end_of_generation(token);
  if (!is_text) return false;
  std::vector<int32_t>& draft = guess.job->draft;
  draft.push_back(token);
  if (static_cast<int64_t>(draft.size()) == guess.most) return false;
  if (guess.shadow->filter && guess.shadow->filter->finished()) return false;
  guess.shadow->sequence.tokens.push_back(token);
  return true;
}

// A row as wide as those of the model that is guessed for: outputs may be padded differently.
std::span<float> ModelDrafts::target_row(std::span<float> logits) {
  const auto wanted = static_cast<size_t>(options_.vocab_size);
  if (logits.size() >= wanted) return logits.first(wanted);
  padded_.assign(wanted, -std::numeric_limits<float>::infinity());
  std::ranges::copy(logits, padded_.begin());
  return padded_;
}

void ModelDrafts::close(Shadow& shadow) {
  if (shadow.sequence.table == kv::kNoTable) return;
  kv_.close(shadow.sequence.table);
  shadow.sequence.table = kv::kNoTable;
  shadow.sequence.computed = 0;
}

void ModelDrafts::forget(const Job& job) {
  const auto found = shadows_.find(job.id);
  if (found == shadows_.end()) return;
  close(*found->second);
  shadows_.erase(found);
}

void ModelDrafts::reset() {
  for (const auto& [id, shadow] : shadows_) close(*shadow);
  shadows_.clear();
  kv_.copies_done();
}

void ModelDrafts::check_integrity() const {
  kv_.check_integrity();
  for (const auto& [id, shadow] : shadows_) {
    const sched::Sequence& s = shadow->sequence;
    CHASQUI_CHECK(s.id == id && s.computed <= s.known() && shadow->verified <= s.known(),
                  "shadow of {}: {} of {} tokens computed, {} verified", id, s.computed, s.known(),
                  shadow->verified);
    CHASQUI_CHECK(s.table != kv::kNoTable || s.computed == 0, "shadow of {} lost its table", id);
  }
}

}  // namespace chasqui::engine
