#include "api/internal/json_out.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <random>

#include "text/detokenizer.h"

namespace json = boost::json;

namespace chasqui::api {
namespace {

bool is_ascii(char c) {
  return static_cast<unsigned char>(c) < 0x80;
}

// Above the basic plane as a pair of surrogates (RFC 8259, section 7).
void append_escape(uint32_t code, std::string& out) {
  if (code < 0x10000) {
    out += fmt::format("\\u{:04x}", code);
    return;
  }
  code -= 0x10000;
  out += fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + (code >> 10), 0xDC00 + (code & 0x3FF));
}

}  // namespace

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

std::string ascii_json(std::string json) {
  if (std::ranges::all_of(json, is_ascii)) return json;
  std::string out;
  for (size_t i = 0; i < json.size();) {
    if (is_ascii(json[i])) {
      out += json[i++];
      continue;
    }
    const auto lead = static_cast<uint8_t>(json[i]);
    const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    uint32_t code = lead & (0x7Fu >> length);
    const size_t end = std::min(i + length, json.size());
    for (++i; i < end; ++i) code = code << 6 | (static_cast<uint8_t>(json[i]) & 0x3Fu);
    append_escape(code, out);
  }
  return out;
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
