// Random bytes through the tokenizers. The first byte chooses: a text for one of the built-in
// vocabularies, a whole GGUF file whose own vocabulary is loaded and used, or normalisation rules
// with a text. Checked: ids are in range, text that was encoded comes back, streaming gives what
// decoding gives, rules stay in their bounds.
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "gguf/writer.h"
#include "text/detokenizer.h"
#include "text/internal/byte_map.h"
#include "text/internal/charsmap.h"
#include "text/internal/tokenizers.h"
#include "text/internal/utf8.h"
#include "text/test_charsmap.h"

namespace {

using namespace chasqui;
using namespace chasqui::text;

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "property violated: %s\n", what);
  std::abort();
}

struct Builder {
  gguf::Writer writer;
  std::vector<std::string> tokens;
  std::vector<int32_t> types;
  std::vector<float> scores;

  void add(std::string token, TokenKind kind) {
    tokens.push_back(std::move(token));
    types.push_back(static_cast<int32_t>(kind));
    scores.push_back(-static_cast<float>(tokens.size() / 2));  // some are equal
  }

  std::shared_ptr<const Tokenizer> load() {
    writer.add_strings("tokenizer.ggml.tokens", tokens);
    writer.add_int32s("tokenizer.ggml.token_type", types);
    writer.add_float32s("tokenizer.ggml.scores", scores);
    const std::string path = (std::filesystem::temp_directory_path() /
                              ("chasqui-text-fuzz-" + std::to_string(::getpid()) + ".gguf"))
                                 .string();
    require(writer.open(path, true).has_value() && writer.finish().has_value(), "writing works");
    auto file = gguf::File::open(path);
    std::filesystem::remove(path);
    require(file.has_value(), "reading works");
    auto tokenizer = Tokenizer::load(*file);
    require(tokenizer.has_value(), "the built-in vocabulary loads");
    return *tokenizer;
  }
};

std::shared_ptr<const Tokenizer> sentence_piece() {
  Builder builder;
  builder.writer.add_string("tokenizer.ggml.model", "llama");
  builder.add("<unk>", TokenKind::kUnknown);
  builder.add("<s>", TokenKind::kControl);
  builder.add("</s>", TokenKind::kControl);
  for (int byte = 0; byte < 256; ++byte) {
    builder.add(spelling_of_byte(static_cast<uint8_t>(byte)), TokenKind::kByte);
  }
  builder.add("<tool>", TokenKind::kUserDefined);
  for (const char* text : {"▁", "a", "b", "ab", "▁a", "bc", "abc", "aa", "aaaa", "▁▁", "é", "éa"}) {
    builder.add(text, TokenKind::kNormal);
  }
  return builder.load();
}

std::shared_ptr<const Tokenizer> byte_bpe(const char* pre) {
  Builder builder;
  builder.writer.add_string("tokenizer.ggml.model", "gpt2");
  builder.writer.add_string("tokenizer.ggml.pre", pre);
  for (int byte = 0; byte < 256; ++byte) {
    const char raw = static_cast<char>(byte);
    builder.add(spell_bytes({&raw, 1}), TokenKind::kNormal);
  }
  std::vector<std::string> merges;
  for (const auto& [left, right] :
       std::vector<std::pair<std::string, std::string>>{{"a", "b"},
                                                        {" ", "a"},
                                                        {"a", "a"},
                                                        {"aa", "aa"},
                                                        {"b", "c"},
                                                        {" ", " "},
                                                        {"ab", "c"},
                                                        {"\xC3", "\xA9"},
                                                        {"1", "2"},
                                                        {"c", "c"}}) {
    merges.push_back(spell_bytes(left) + " " + spell_bytes(right));
    if (left != "c") builder.add(spell_bytes(left + right), TokenKind::kNormal);
  }
  builder.add("<|im_end|>", TokenKind::kControl);
  builder.add("<tool>", TokenKind::kUserDefined);
  builder.writer.add_strings("tokenizer.ggml.merges", merges);
  return builder.load();
}

std::shared_ptr<const Tokenizer> unigram(bool merges_spaces) {
  Builder builder;
  builder.writer.add_string("tokenizer.ggml.model", "t5");
  builder.writer.add_bool("tokenizer.ggml.add_space_prefix", merges_spaces);
  builder.writer.add_bool("tokenizer.ggml.remove_extra_whitespaces", merges_spaces);
  const chasqui::text::testing::CharsmapBuilder rules(
      {{"\t", " "}, {"A", "a"}, {"Ab", "b"}, {"\x01", ""}, {"\xEF\xBD\x81", "a"}, {"c", "a  b"}});
  builder.writer.add_uint8s("tokenizer.ggml.precompiled_charsmap", rules.bytes());
  builder.add("<pad>", TokenKind::kControl);
  builder.add("</s>", TokenKind::kControl);
  builder.add("<unk>", TokenKind::kUnknown);
  builder.add("<tool>", TokenKind::kUserDefined);
  for (const char* text : {"▁", "a", "b", "ab", "▁a", "aa", "aaaa", "▁▁", "é", "éa", "ba", "bab"}) {
    builder.add(text, TokenKind::kNormal);
  }
  if (!merges_spaces) builder.add("b▁a", TokenKind::kNormal);  // words cannot be cut apart
  return builder.load();
}

std::shared_ptr<const Tokenizer> rwkv() {
  Builder builder;
  builder.writer.add_string("tokenizer.ggml.model", "rwkv");
  builder.add("<s>", TokenKind::kControl);
  for (int byte = 0; byte < 256; ++byte) {
    builder.add(fmt::format("\\x{:02x}", byte), TokenKind::kNormal);
  }
  for (const char* text : {"ab", "abc", "bcd", " a", "\\n\\n", "\\xe4\\xb8", "aa", "aaaa"}) {
    builder.add(text, TokenKind::kNormal);
  }
  return builder.load();
}

std::shared_ptr<const Tokenizer> plamo2() {
  Builder builder;
  builder.writer.add_string("tokenizer.ggml.model", "plamo2");
  builder.add("<|plamo:unk|>", TokenKind::kUnknown);
  for (int byte = 0; byte < 256; ++byte) {
    builder.add(spelling_of_byte(static_cast<uint8_t>(byte)), TokenKind::kByte);
  }
  for (const char* text : {"a", "b", "ab", " a", " ", "abc", "aa", "é", "éa", "ba"}) {
    builder.add(text, TokenKind::kNormal);
  }
  return builder.load();
}

void check(const Tokenizer& tokenizer, std::string_view text, EncodeOptions options) {
  const auto ids = tokenizer.encode(text, options);
  for (const TokenId id : ids) require(id >= 0 && id < tokenizer.vocab().size(), "ids in range");
  const DecodeOptions exact{.unparse_special = true, .clean_spaces = false};
  Detokenizer stream(tokenizer, true, true);
  std::string streamed;
  for (const TokenId id : ids) {
    streamed += stream.push(id);
    require(stream.held_bytes() <= 3, "at most three bytes are held");
  }
  streamed += stream.finish();
  require(streamed == to_valid_utf8(tokenizer.decode(ids, exact)), "streaming equals decoding");
}

void check_round_trip(const Tokenizer& tokenizer, std::string_view text) {
  const VocabKind kind = tokenizer.vocab().kind();
  if (kind == VocabKind::kUnigram) return;  // lossy
  const auto ids = tokenizer.encode(text, {.add_special = false, .parse_special = true});
  const std::string back = tokenizer.decode(ids, {.unparse_special = true, .clean_spaces = false});
  if (kind == VocabKind::kBpe) {
    require(back == read_leniently(text).text, "byte-level BPE gives the text back");
  } else if (kind == VocabKind::kRwkv) {
    require(back == text, "RWKV gives the bytes back");
  } else if (kind == VocabKind::kPlamo2) {
    if (text.starts_with(kByteOrderMark) || text.find('<') != text.npos) return;
    require(back == read_leniently(text).text, "PLaMo 2 gives the text back");
  } else if (text.find(kSpaceMark) == text.npos && text.find('<') == text.npos) {
    require(back == text, "SentencePiece gives the text back");
  }
}

void load_and_use(std::string_view bytes) {
  const auto file =
      gguf::File::parse({reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()}, "fuzz");
  if (!file) return;
  const auto tokenizer = Tokenizer::load(*file);
  if (!tokenizer) return;
  check(**tokenizer, bytes.substr(bytes.size() / 2), {.add_special = true, .parse_special = true});
}

// The first byte says how many of the rest are rules.
void read_rules(std::string_view bytes) {
  if (bytes.empty()) return;
  const size_t size = std::min<size_t>(static_cast<uint8_t>(bytes[0]) * 16, bytes.size() - 1);
  const std::string_view rules = bytes.substr(1, size);
  const auto charsmap = Charsmap::read(std::as_bytes(std::span(rules.data(), rules.size())));
  if (!charsmap) return;
  for (std::string_view text = bytes.substr(1 + size); !text.empty(); text.remove_prefix(1)) {
    const Charsmap::Match match = charsmap->longest(text);
    require(match.length <= text.size(), "a match lies in the text");
    require(match.replacement.size() <= Charsmap::kLongestReplacement, "replacements are short");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<std::shared_ptr<const Tokenizer>> tokenizers = [] {
    spdlog::set_level(spdlog::level::off);
    std::vector<std::shared_ptr<const Tokenizer>> out{sentence_piece()};
    for (const char* pre : {"gpt-2", "llama-bpe", "gpt-4o", "deepseek-llm", "jais-2", "kimi-k2",
                            "chameleon", "tiny_aya", "afmoe", "exaone-moe", "default"}) {
      out.push_back(byte_bpe(pre));
    }
    out.insert(out.end(), {unigram(true), unigram(false), rwkv(), plamo2()});
    return out;
  }();
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] == 0xFF) {
    load_and_use(text);
    return 0;
  }
  if (data[0] == 0xFE) {
    read_rules(text);
    return 0;
  }
  const Tokenizer& tokenizer = *tokenizers[data[0] % tokenizers.size()];
  check(tokenizer, text, {.add_special = (data[0] & 0x40) != 0, .parse_special = true});
  check(tokenizer, text, {.add_special = false, .parse_special = false});
  check_round_trip(tokenizer, text);
  return 0;
}
