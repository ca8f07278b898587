#include "api/internal/json_out.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <random>

#include "text/detokenizer.h"

namespace json = boost::json;

namespace chasqui::api {

std::string make_call_id() {
  constexpr std::string_view kLetters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  std::random_device random;
  std::string id = "call_";
  for (int i = 0; i < 24; ++i) id += kLetters[random() % kLetters.size()];
  return id;
}

std::string make_uuid() {
  std::random_device random;
  uint32_t words[4];
  for (uint32_t& word : words) word = random();
  words[1] = (words[1] & 0xFFFF0FFFu) | 0x00004000u;  // version 4, RFC 9562
  words[2] = (words[2] & 0x3FFFFFFFu) | 0x80000000u;  // variant
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:04x}{:08x}", words[0], words[1] >> 16,
                     words[1] & 0xFFFF, words[2] >> 16, words[2] & 0xFFFF, words[3]);
}

int64_t unix_seconds() {
  using std::chrono::system_clock;
  return system_clock::to_time_t(system_clock::now());
}

json::value json_number(float value) {
  constexpr double kImpossible = -9999.0;
  if (std::isnan(value)) return nullptr;
  if (std::isinf(value)) return value < 0 ? kImpossible : -kImpossible;
  // By way of text: the double nearest to the float would print with 17 digits.
  return std::strtod(fmt::format("{}", value).c_str(), nullptr);
}

json::object usage_json(const engine::Usage& usage) {
  json::object out = {{"prompt_tokens", usage.prompt_tokens},
                      {"completion_tokens", usage.completion_tokens},
                      {"total_tokens", usage.prompt_tokens + usage.completion_tokens},
                      {"prompt_tokens_details", {{"cached_tokens", usage.cached_prompt_tokens}}}};
  if (usage.drafted_tokens > 0) {
    out["completion_tokens_details"] = {
        {"accepted_prediction_tokens", usage.accepted_tokens},
        {"rejected_prediction_tokens", usage.drafted_tokens - usage.accepted_tokens}};
  }
  return out;
}

const char* finish_name(engine::FinishReason reason) {
  return reason == engine::FinishReason::kLength ? "length" : "stop";
}

std::string token_text(const text::Tokenizer& tokenizer, int32_t id) {
  return text::to_valid_utf8(tokenizer.piece(id, true));
}

int64_t count_characters(std::string_view text) {
  int64_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return count;
}

}  // namespace chasqui::api
