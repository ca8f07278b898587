// Small pieces of the answers' JSON.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/request.h"
#include "text/tokenizer.h"

namespace chasqui::api {

// What every object of one answer repeats, fixed once per request.
struct AnswerHead {
  std::string id;
  int64_t created = 0;  // Unix seconds
  std::string model;
};

std::string make_call_id();  // "call_" and 24 random letters and digits
std::string make_uuid();     // random, version 4, with hyphens
int64_t unix_seconds();

// A float as the shortest decimal that reads back as the same float. NaN gives null, -infinity
// -9999 (which OpenAI's API uses for "impossible").
boost::json::value json_number(float value);

// JSON text with every character beyond ASCII as \u escapes, as the replaced server's events have
// it. REQUIRES: valid UTF-8. Clients that split text into lines at U+0085 or U+2028 would otherwise
// cut an event there.
std::string ascii_json(std::string json);

boost::json::object usage_json(const engine::Usage& usage);

const char* finish_name(engine::FinishReason reason);

// What a token shows on its own: U+FFFD where it holds part of a character.
std::string token_text(const text::Tokenizer& tokenizer, int32_t id);

// Characters (code points) of valid UTF-8.
int64_t count_characters(std::string_view text);

}  // namespace chasqui::api
