// Metadata that a user sets against the file, as "key=type:value" (the replaced server's syntax).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"

namespace chasqui::gguf {

// A scalar of metadata: what `int`, `float`, `bool` and `str` are.
struct Override {
  std::string key;
  std::variant<int64_t, double, bool, std::string> value;
};

// "llama.context_length=int:4096", "tokenizer.ggml.add_bos_token=bool:false". A text may hold any
// bytes, '=' and ':' too. kInvalidArgument quotes `text` and says what is expected.
Result<Override> parse_override(std::string_view text);

}  // namespace chasqui::gguf
