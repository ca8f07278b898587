// One sequence alone on a model, without engine or scheduler: for evaluation commands, benchmarks
// and tests. Uses the same forward pass and cache as serving. Same thread as the model.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "model/model.h"

namespace chasqui::model {

// For each cache group the blocks that `sessions` sessions of `n_ctx` tokens occupy.
std::vector<int64_t> session_blocks(const Model& model, int64_t n_ctx, int64_t sessions = 1);

class Session {
 public:
  // The session number `index` of those that share the model's cache, all of n_ctx tokens: occupies
  // its part of session_blocks(). REQUIRES: the cache has it.
  Session(Model& model, int64_t n_ctx, int64_t index = 0);

  int64_t length() const { return length_; }
  // Forgets everything after the first `length` tokens. REQUIRES: can_truncate(length).
  void truncate(int64_t length);
  // Recurrent states cannot go back, but to the beginning.
  bool can_truncate(int64_t length) const;

  // Appends tokens, at most `chunk` a step (0: as many as the model takes; encoders take a whole
  // text, the session's first). Returns the logit rows
  // of those tokens whose offsets in `tokens` are listed in `wanted` (ascending), one after
  // another: [wanted, vocab]. kContextLength when they do not fit n_ctx,
  // kUnsupported for logits of an encoder.
  Result<std::vector<float>> feed(std::span<const int32_t> tokens, std::span<const int64_t> wanted,
                                  int64_t chunk = 0);
  // The same for the last hidden states: [wanted, hidden].
  Result<std::vector<float>> feed_hidden(std::span<const int32_t> tokens,
                                         std::span<const int64_t> wanted, int64_t chunk = 0);

  // The session's share of a step in a cache group, to be put together with those of others by the
  // caller. Valid until the next call for the group.
  backend::SequenceSlice slice(int group, int64_t row_begin, int64_t row_count);
  void advance(int64_t tokens) { length_ += tokens; }

 private:
  enum class Output { kLogits, kHidden };
  Status check_whole(int64_t tokens, Output output) const;
  Result<std::vector<float>> run(std::span<const int32_t> tokens, std::span<const int64_t> wanted,
                                 int64_t chunk, Output output);
  void run_chunk(std::span<const int32_t> tokens, std::span<const int32_t> rows, Output output,
                 std::vector<float>& out);

  Model& model_;
  int64_t n_ctx_;
  int64_t length_ = 0;
  std::vector<int32_t> blocks_;  // in all groups but that of states
  int32_t state_;                // its one recurrent state, where the model has such
  std::vector<int32_t> states_;  // state_ for blocks that a step ended in, else -1
};

}  // namespace chasqui::model
