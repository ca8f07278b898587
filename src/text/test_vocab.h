// Small vocabularies for this room's tests, written with gguf::Writer. Test code only.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gguf/file.h"
#include "gguf/writer.h"
#include "text/internal/byte_map.h"
#include "text/internal/tokenizers.h"
#include "text/tokenizer.h"

namespace chasqui::text::testing {

struct TestVocab {
  std::string model;
  std::string pre;
  std::vector<std::string> tokens;
  std::vector<float> scores;
  std::vector<int32_t> types;
  std::vector<std::string> merges;
  std::function<void(gguf::Writer&)> more = [](gguf::Writer&) {};

  int32_t add(std::string text, TokenKind kind = TokenKind::kNormal, float score = 0) {
    tokens.push_back(std::move(text));
    types.push_back(static_cast<int32_t>(kind));
    scores.push_back(score);
    return static_cast<int32_t>(tokens.size()) - 1;
  }

  gguf::File write() const {
    gguf::Writer writer;
    if (!model.empty()) writer.add_string("tokenizer.ggml.model", model);
    if (!pre.empty()) writer.add_string("tokenizer.ggml.pre", pre);
    if (!tokens.empty()) writer.add_strings("tokenizer.ggml.tokens", tokens);
    if (!types.empty()) writer.add_int32s("tokenizer.ggml.token_type", types);
    const bool has_scores = model == "llama" || model == "t5" || model == "plamo2";
    if (!scores.empty() && has_scores) writer.add_float32s("tokenizer.ggml.scores", scores);
    if (!merges.empty()) writer.add_strings("tokenizer.ggml.merges", merges);
    more(writer);
    static int count = 0;
    const auto path =
        std::filesystem::temp_directory_path() /
        ("chasqui-text-" + std::to_string(::getpid()) + "-" + std::to_string(count++) + ".gguf");
    EXPECT_TRUE(writer.open(path.string(), true).has_value());
    EXPECT_TRUE(writer.finish().has_value());
    auto file = gguf::File::open(path.string());
    std::filesystem::remove(path);  // the mapping stays
    EXPECT_TRUE(file.has_value()) << (file ? "" : file.error().message);
    return std::move(*file);
  }

  std::shared_ptr<const Tokenizer> load() const {
    auto tokenizer = Tokenizer::load(write());
    EXPECT_TRUE(tokenizer.has_value()) << (tokenizer ? "" : tokenizer.error().message);
    return tokenizer ? *tokenizer : nullptr;
  }
};

// <unk> <s> </s>, all bytes, then some words over a, b, c, e-acute and space.
inline TestVocab sentence_piece_vocab() {
  TestVocab vocab;
  vocab.model = "llama";
  vocab.add("<unk>", TokenKind::kUnknown);
  vocab.add("<s>", TokenKind::kControl);
  vocab.add("</s>", TokenKind::kControl);
  for (int byte = 0; byte < 256; ++byte) {
    vocab.add(spelling_of_byte(static_cast<uint8_t>(byte)), TokenKind::kByte);
  }
  vocab.add("<|im_end|>", TokenKind::kControl);
  vocab.add("<tool>", TokenKind::kUserDefined);
  float score = -1;
  // Some pairs share a score, some merges need a character that is no token itself ("c").
  for (const char* text : {"▁", "a", "b", "é", "ab", "▁a", "bc", "abc", "aa", "▁ab", "aaaa", "▁▁",
                           "▁▁▁▁", "éa", "ca", "cab", "b▁", "b▁a"}) {
    vocab.add(text, TokenKind::kNormal, score);
    if (vocab.tokens.size() % 3 != 0) score -= 1;
  }
  return vocab;
}

// <pad> </s> <unk>, then words over a, b, c, e-acute and space whose scores are quarters, so that
// sums are exact. No space begins an encoded text.
inline TestVocab unigram_vocab() {
  TestVocab vocab;
  vocab.model = "t5";
  vocab.add("<pad>", TokenKind::kControl);
  vocab.add("</s>", TokenKind::kControl);
  vocab.add("<unk>", TokenKind::kUnknown);
  vocab.add("<tool>", TokenKind::kUserDefined, -50);
  const std::pair<const char*, float> words[] = {
      {"▁", -2},      {"a", -3},     {"b", -3.25f}, {"ab", -5},    {"▁a", -4.5f}, {"bc", -6},
      {"abc", -7.5f}, {"aa", -5.5f}, {"aaaa", -9},  {"▁▁", -3.5f}, {"▁ab", -6},   {"é", -4},
      {"éa", -6.25f}, {"ba", -6},    {"bab", -8.5f}};  // "c" alone is unknown
  for (const auto& [text, score] : words) vocab.add(text, TokenKind::kNormal, score);
  return vocab;
}

// Python's spelling of bytes: all single ones, and some longer.
inline TestVocab rwkv_vocab() {
  TestVocab vocab;
  vocab.model = "rwkv";
  vocab.add("<s>", TokenKind::kControl);
  for (int byte = 0; byte < 256; ++byte) vocab.add(fmt::format("\\x{:02x}", byte));
  for (const char* text :
       {"ab", "abc", "bcd", " a", "\\n\\n", "\\t\\\\", "\\xe4\\xb8", "\\'s", "aa", "aaaa"}) {
    vocab.add(text);
  }
  return vocab;
}

inline TestVocab plamo2_vocab() {
  TestVocab vocab;
  vocab.model = "plamo2";
  vocab.add("<|plamo:unk|>", TokenKind::kUnknown);
  vocab.add("<|plamo:bos|>", TokenKind::kControl);
  vocab.add("<|plamo:eos|>", TokenKind::kControl);
  vocab.add("<|plamo:pad|>", TokenKind::kControl);
  for (int byte = 0; byte < 256; ++byte) {
    vocab.add(spelling_of_byte(static_cast<uint8_t>(byte)), TokenKind::kByte);
  }
  const std::pair<const char*, float> words[] = {{"a", -3},  {"b", -3.25f},  {"ab", -5}, {" a", -4},
                                                 {" ", -2},  {"abc", -8},    {"aa", -6}, {"é", -4},
                                                 {"éa", -7}, {"bab", -2500}, {"ba", -6}};
  for (const auto& [text, score] : words) vocab.add(text, TokenKind::kNormal, score);
  return vocab;
}

// All bytes, then merges over a, b, c, space and e-acute, and special tokens.
inline TestVocab byte_bpe_vocab(std::string pre = "gpt-2") {
  TestVocab vocab;
  vocab.model = "gpt2";
  vocab.pre = std::move(pre);
  for (int byte = 0; byte < 256; ++byte) {
    const char raw = static_cast<char>(byte);
    vocab.add(spell_bytes({&raw, 1}));
  }
  const std::pair<const char*, const char*> merges[] = {
      {"a", "b"},   {" ", "a"}, {"b", "c"},   {"ab", "c"},      {"a", "a"}, {" ", "b"},
      {"aa", "aa"}, {"c", "c"}, {" a", "b"},  {"\xC3", "\xA9"}, {"1", "2"}, {"12", "3"},
      {" ", " "},   {"b", "a"}, {"ba", "ba"}, {" ab", "c"}};
  for (const auto& [left, right] : merges) {
    vocab.merges.push_back(spell_bytes(left) + " " + spell_bytes(right));
    // One merge leads to a text that is no token, as trimmed vocabularies have.
    if (std::string_view(left) != "c") vocab.add(spell_bytes(std::string(left) + right));
  }
  vocab.add("<|endoftext|>", TokenKind::kControl);
  vocab.add("<|im_start|>", TokenKind::kControl);
  vocab.add("<|im_end|>", TokenKind::kControl);
  vocab.add("<tool>", TokenKind::kUserDefined);
  vocab.add("<tool>x", TokenKind::kUserDefined);
  return vocab;
}

}  // namespace chasqui::text::testing
