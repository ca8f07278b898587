// One sequence alone on a model, without engine or scheduler: for evaluation commands, benchmarks
// and tests. Uses the same forward pass and cache as serving. Same thread as the model.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "model/model.h"

namespace chasqui::model {

class Session {
 public:
  // Occupies cache blocks [first_block, first_block + ceil(n_ctx / 16)) of every group, so several
  // sessions can share a model. REQUIRES: the model's cache has them.
  Session(Model& model, int64_t n_ctx, int32_t first_block = 0);

  int64_t length() const { return length_; }
  // Forgets everything after the first `length` tokens.
  void truncate(int64_t length);

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

  // The session's share of a step, to be put together with those of others by the caller.
  backend::SequenceSlice slice(int64_t row_begin, int64_t row_count) const;
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
  std::vector<int32_t> blocks_;
};

}  // namespace chasqui::model
