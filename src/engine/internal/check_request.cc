#include <fmt/format.h>

#include <algorithm>

#include "engine/internal/job.h"
#include "text/detokenizer.h"

namespace chasqui::engine {
namespace {

Status check_token(int32_t token, const RequestLimits& limits, const char* field) {
  if (token >= 0 && token < limits.vocab_size) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("token id {} is outside the vocabulary: allowed are 0 to {}", token,
                          limits.vocab_size - 1),
              field);
}

Status check_not_negative(int64_t value, const char* field) {
  if (value >= 0) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{} is {}: must be at least 0", field, value), field);
}

Status check_context(const Request& request, const RequestLimits& limits) {
  const auto prompt = static_cast<int64_t>(request.prompt.size());
  const int64_t answer = request.kind == RequestKind::kGenerate ? request.max_tokens : 0;
  // Subtracted, not added: max_tokens may be anything.
  if (prompt <= limits.n_ctx && answer <= limits.n_ctx - prompt) return {};
  return fail(ErrorCode::kContextLength,
              fmt::format("the context window holds {} tokens: the prompt has {}, and {} more were "
                          "asked for",
                          limits.n_ctx, prompt, answer),
              prompt > limits.n_ctx ? "prompt" : "max_tokens");
}

// What the model is able to do.
Status check_kind(const Request& request, const RequestLimits& limits) {
  if (request.kind == RequestKind::kRank && !limits.ranks) {
    return fail(ErrorCode::kUnsupported, "the model has no head that ranks");
  }
  if (limits.whole_text == 0) return {};
  if (request.kind == RequestKind::kGenerate) {
    return fail(ErrorCode::kUnsupported, "the model is an encoder: it cannot generate text");
  }
  const auto prompt = static_cast<int64_t>(request.prompt.size());
  if (prompt <= limits.whole_text) return {};
  return fail(ErrorCode::kContextLength,
              fmt::format("an encoder reads a text in one step, which has at most {} tokens: the "
                          "text has {}",
                          limits.whole_text, prompt),
              "prompt");
}

Status check_generation(const Request& request, const RequestLimits& limits) {
  CHASQUI_TRY_STATUS(check_not_negative(request.max_tokens, "max_tokens"));
  CHASQUI_TRY_STATUS(check_not_negative(request.min_tokens, "min_tokens"));
  for (const int32_t token : request.stop_tokens) {
    CHASQUI_TRY_STATUS(check_token(token, limits, "stop_tokens"));
  }
  for (const auto& [token, bias] : request.sampling.logit_bias) {
    CHASQUI_TRY_STATUS(check_token(token, limits, "logit_bias"));
  }
  for (const std::string& stop : request.stops) {
    if (!stop.empty() && text::to_valid_utf8(stop) == stop) continue;
    return fail(ErrorCode::kInvalidArgument, "a stop string is empty or not valid UTF-8", "stop");
  }
  if (request.top_logprobs >= -1 && request.top_logprobs <= limits.vocab_size) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("top_logprobs is {}: allowed are -1 (none) to {}", request.top_logprobs,
                          limits.vocab_size),
              "top_logprobs");
}

}  // namespace

Status check_request(const Request& request, const RequestLimits& limits) {
  if (!request.sink) return fail(ErrorCode::kInvalidArgument, "the request has no sink", "sink");
  if (request.prompt.empty()) {
    return fail(ErrorCode::kInvalidArgument, "the prompt has no tokens", "prompt");
  }
  for (const int32_t token : request.prompt) {
    CHASQUI_TRY_STATUS(check_token(token, limits, "prompt"));
  }
  CHASQUI_TRY_STATUS(check_kind(request, limits));
  if (request.kind == RequestKind::kGenerate) CHASQUI_TRY_STATUS(check_generation(request, limits));
  return check_context(request, limits);
}

}  // namespace chasqui::engine
