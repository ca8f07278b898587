#include "model/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/check.h"
#include "base/checked_math.h"

namespace chasqui::model {

std::vector<int64_t> session_blocks(const Model& model, int64_t n_ctx, int64_t sessions) {
  const ModelSpec& spec = model.spec();
  std::vector<int64_t> blocks(spec.cache_windows.size(),
                              sessions * ceil_div(n_ctx, backend::kKvBlockTokens));
  if (spec.state_group >= 0) blocks[static_cast<size_t>(spec.state_group)] = sessions;
  return blocks;
}

Session::Session(Model& model, int64_t n_ctx, int64_t index)
    : model_(model),
      n_ctx_(model.spec().max_positions > 0 ? std::min(n_ctx, model.spec().max_positions) : n_ctx),
      blocks_(static_cast<size_t>(ceil_div(n_ctx, backend::kKvBlockTokens))),
      state_(static_cast<int32_t>(index)),
      states_(blocks_.size(), -1) {
  std::iota(blocks_.begin(), blocks_.end(),
            static_cast<int32_t>(index) * static_cast<int32_t>(blocks_.size()));
}

bool Session::can_truncate(int64_t length) const {
  return length == 0 || length == length_ || model_.spec().state_group < 0;
}

void Session::truncate(int64_t length) {
  CHASQUI_CHECK(length >= 0 && length <= length_ && can_truncate(length), "truncate {} to {}",
                length_, length);
  length_ = length;
}

backend::SequenceSlice Session::slice(int group, int64_t row_begin, int64_t row_count) {
  if (group != model_.spec().state_group) return {row_begin, row_count, length_, blocks_};
  // Nobody reads states of blocks before the last, so one is enough.
  const int64_t last = (length_ + row_count - 1) / backend::kKvBlockTokens;
  states_[static_cast<size_t>(last)] = state_;
  return {row_begin, row_count, length_, states_};
}

Result<std::vector<float>> Session::feed(std::span<const int32_t> tokens,
                                         std::span<const int64_t> wanted, int64_t chunk) {
  return run(tokens, wanted, chunk, Output::kLogits);
}

Result<std::vector<float>> Session::feed_hidden(std::span<const int32_t> tokens,
                                                std::span<const int64_t> wanted, int64_t chunk) {
  return run(tokens, wanted, chunk, Output::kHidden);
}

// An encoder computes a text at once, and has no logits.
Status Session::check_whole(int64_t tokens, Output output) const {
  if (output == Output::kLogits) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("{} is an encoder: it cannot generate or judge text",
                            model_.spec().architecture));
  }
  CHASQUI_CHECK(length_ == 0, "an encoder's text after {} tokens", length_);
  const int64_t most = model_.options().max_rows;
  if (tokens <= most) return {};
  return fail(ErrorCode::kContextLength,
              fmt::format("an encoder reads a text in one step of at most {} tokens; this has {}",
                          most, tokens));
}

Result<std::vector<float>> Session::run(std::span<const int32_t> tokens,
                                        std::span<const int64_t> wanted, int64_t chunk,
                                        Output output) {
  if (length_ + static_cast<int64_t>(tokens.size()) > n_ctx_) {
    return fail(ErrorCode::kContextLength,
                fmt::format("{} tokens after {} do not fit a context of {}", tokens.size(), length_,
                            n_ctx_));
  }
  int64_t step = model_.options().max_rows;
  if (!model_.spec().causal) {
    CHASQUI_TRY_STATUS(check_whole(static_cast<int64_t>(tokens.size()), output));
    chunk = 0;
  }
  if (chunk > 0) step = std::min(step, chunk);
  // A step must not ask for more logit rows than the model has room for.
  const int64_t most_logits = model_.options().max_logit_rows;
  if (output == Output::kLogits && static_cast<int64_t>(wanted.size()) > most_logits) {
    step = std::min(step, most_logits);
  }
  std::vector<float> out;
  std::vector<int32_t> rows;
  auto next = wanted.begin();
  for (int64_t begin = 0; begin < static_cast<int64_t>(tokens.size()); begin += step) {
    const int64_t count = std::min(step, static_cast<int64_t>(tokens.size()) - begin);
    rows.clear();
    for (; next != wanted.end() && *next < begin + count; ++next) {
      rows.push_back(static_cast<int32_t>(*next - begin));
    }
    run_chunk(tokens.subspan(static_cast<size_t>(begin), static_cast<size_t>(count)), rows, output,
              out);
  }
  return out;
}

void Session::run_chunk(std::span<const int32_t> tokens, std::span<const int32_t> rows,
                        Output output, std::vector<float>& out) {
  std::vector<int32_t> positions(tokens.size());
  std::iota(positions.begin(), positions.end(), static_cast<int32_t>(length_));
  const auto count = static_cast<int64_t>(tokens.size());
  std::vector<backend::SequenceSlice> slices;
  for (size_t g = 0; g < model_.spec().cache_windows.size(); ++g) {
    slices.push_back(slice(static_cast<int>(g), 0, count));
  }
  std::vector<std::span<const backend::SequenceSlice>> groups;
  for (const backend::SequenceSlice& each : slices) groups.push_back({&each, 1});
  StepInputs inputs{.tokens = tokens,
                    .positions = positions,
                    .groups = groups,
                    .logit_rows = {},
                    .hidden_rows = {}};
  (output == Output::kLogits ? inputs.logit_rows : inputs.hidden_rows) = rows;
  const StepOutputs outputs = model_.forward(inputs);
  out.insert(out.end(), outputs.logits.begin(), outputs.logits.end());
  out.insert(out.end(), outputs.hidden.begin(), outputs.hidden.end());
  advance(static_cast<int64_t>(tokens.size()));
}

}  // namespace chasqui::model
