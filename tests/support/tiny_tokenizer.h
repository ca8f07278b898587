// A byte-level tokenizer of 260 tokens without any file at hand: tokens 0 to 255 are the bytes,
// then <s>, </s>, <|im_start|> and <|im_end|>. Every text is as many tokens as it has bytes, so
// that tests can count. Only for tests: errors throw.
#pragma once

#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "gguf/file.h"
#include "gguf/writer.h"
#include "text/tokenizer.h"

namespace chasqui::testing {

struct TinyVocab {
  static constexpr int32_t kBos = 256;
  static constexpr int32_t kEos = 257;
  static constexpr int32_t kImStart = 258;
  static constexpr int32_t kImEnd = 259;
  static constexpr int32_t kSize = 260;
  // With TinyTokenizerOptions::infill_tokens:
  static constexpr int32_t kFimPrefix = 260;
  static constexpr int32_t kFimSuffix = 261;
  static constexpr int32_t kFimMiddle = 262;
  static constexpr int32_t kSizeWithInfill = 263;
};

struct TinyTokenizerOptions {
  bool add_bos = true;
  // <|im_start|> and <|im_end|> as user-defined instead of control tokens, as some files have them.
  bool user_defined_markers = false;
  bool chatml_tokens = true;   // false: the vocabulary ends before them
  bool infill_tokens = false;  // three more: <|fim_prefix|>, <|fim_suffix|>, <|fim_middle|>
  std::vector<std::string> control_tokens = {};  // further ones, behind all others
};

// How GPT-2 spells a byte: printable Latin-1 as itself, the others as U+0100 and up.
inline std::string gpt2_spelling(int byte) {
  const auto printable = [](int b) {
    return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || (b >= 174 && b <= 255);
  };
  int code = byte;
  if (!printable(byte)) {
    code = 256;
    for (int b = 0; b < byte; ++b) code += printable(b) ? 0 : 1;
  }
  if (code < 0x80) return std::string(1, static_cast<char>(code));
  return {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 0x3F))};
}

inline std::shared_ptr<const text::Tokenizer> tiny_tokenizer(TinyTokenizerOptions options = {}) {
  constexpr int32_t kNormal = 1, kControl = 3, kUserDefined = 4;
  std::vector<std::string> tokens;
  for (int byte = 0; byte < 256; ++byte) tokens.push_back(gpt2_spelling(byte));
  for (const char* text : {"<s>", "</s>", "<|im_start|>", "<|im_end|>"}) tokens.emplace_back(text);
  std::vector<int32_t> types(256, kNormal);
  const int32_t marker = options.user_defined_markers ? kUserDefined : kControl;
  types.insert(types.end(), {kControl, kControl, marker, marker});
  if (options.infill_tokens) {
    for (const char* text : {"<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"}) {
      tokens.emplace_back(text);
      types.push_back(kControl);
    }
  }
  for (const std::string& text : options.control_tokens) {
    tokens.push_back(text);
    types.push_back(kControl);
  }
  if (!options.chatml_tokens) {
    tokens.resize(TinyVocab::kImStart);
    types.resize(TinyVocab::kImStart);
  }

  gguf::Writer writer;
  writer.add_string("general.architecture", "tiny");
  writer.add_string("tokenizer.ggml.model", "gpt2");
  writer.add_string("tokenizer.ggml.pre", "gpt-2");
  writer.add_strings("tokenizer.ggml.tokens", tokens);
  writer.add_int32s("tokenizer.ggml.token_type", types);
  writer.add_strings("tokenizer.ggml.merges", {});
  writer.add_uint32("tokenizer.ggml.bos_token_id", TinyVocab::kBos);
  writer.add_uint32("tokenizer.ggml.eos_token_id", TinyVocab::kEos);
  writer.add_bool("tokenizer.ggml.add_bos_token", options.add_bos);

  static std::atomic<int> count = 0;
  const auto path = std::filesystem::temp_directory_path() /
                    ("chasqui-tiny-" + std::to_string(getpid()) + "-" + std::to_string(count++));
  const auto check = [](const auto& result) {
    if (!result) throw std::runtime_error(result.error().message);
  };
  check(writer.open(path.string(), true));
  check(writer.finish());
  const auto file = gguf::File::open(path.string());
  std::filesystem::remove(path);  // the mapping stays
  check(file);
  auto tokenizer = text::Tokenizer::load(*file);
  check(tokenizer);
  return *tokenizer;
}

}  // namespace chasqui::testing
