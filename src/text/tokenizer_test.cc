#include "text/tokenizer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "base/rng.h"
#include "text/detokenizer.h"
#include "text/internal/pre_tokenizer.h"
#include "text/internal/utf8.h"
#include "text/test_vocab.h"

namespace chasqui::text {
namespace {

using testing::byte_bpe_vocab;
using testing::sentence_piece_vocab;
using testing::TestVocab;

constexpr EncodeOptions kPlain{.add_special = false, .parse_special = false};
constexpr EncodeOptions kParsed{.add_special = false, .parse_special = true};

// The definition of SentencePiece's BPE mode, on strings, O(n^2): join the neighbours whose text
// is the token of the best score, until no neighbours make a token.
std::vector<TokenId> encode_naively(const Vocab& vocab, std::string_view text) {
  std::vector<std::string> parts;
  const std::string marked = replace_all(" " + std::string(text), " ", kSpaceMark);
  for (size_t at = 0; at < marked.size();) {
    // A broken character ends where the mark of a space begins.
    const size_t mark = marked.find(kSpaceMark, at + 1);
    const size_t length = std::min(std::min(announced_length(marked[at]), marked.size() - at),
                                   std::min(mark, marked.size()) - at);
    parts.push_back(marked.substr(at, length));
    at += length;
  }
  for (;;) {
    size_t best = parts.size();
    float best_score = -std::numeric_limits<float>::infinity();
    for (size_t i = 0; i + 1 < parts.size(); ++i) {
      const auto id = vocab.find(parts[i] + parts[i + 1]);
      if (id && (best == parts.size() || vocab.score(*id) > best_score)) {
        best = i;
        best_score = vocab.score(*id);
      }
    }
    if (best == parts.size()) break;
    parts[best] += parts[best + 1];
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
  std::vector<TokenId> out;
  for (const std::string& part : parts) {
    if (const auto id = vocab.find(part)) {
      out.push_back(*id);
      continue;
    }
    for (const char c : part) out.push_back(*vocab.find(spelling_of_byte(static_cast<uint8_t>(c))));
  }
  return out;
}

// The definition of byte-level BPE on one word, on strings: apply the merge list's first rule
// that fits anywhere, leftmost first.
std::vector<TokenId> encode_word_naively(const Vocab& vocab, std::string_view word) {
  std::vector<std::string> parts;
  for (const char& c : word) parts.push_back(spell_bytes({&c, 1}));
  for (bool merged = true; merged;) {
    merged = false;
    for (const auto& [left, right] : vocab.merges()) {
      for (size_t i = 0; i + 1 < parts.size() && !merged; ++i) {
        if (parts[i] != left || parts[i + 1] != right) continue;
        parts[i] += parts[i + 1];
        parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(i) + 1);
        merged = true;
      }
      if (merged) break;
    }
  }
  std::vector<TokenId> out;
  for (const std::string& part : parts) {
    if (const auto id = vocab.find(part)) {
      out.push_back(*id);
      continue;
    }
    for (const char& c : unspell_bytes(part)) out.push_back(*vocab.find(spell_bytes({&c, 1})));
  }
  return out;
}

std::string random_text(Rng& rng, uint64_t longest) {
  const char* const parts[] = {"a",    "b",        "c",     " ",  "ab", "bc", "aa",
                               "  ",   "\xC3\xA9", "\n",    "12", "3",  "'s", "\xE4\xB8\x80",
                               "\xFF", "\xE2\x82", "<tool", "x",  "!"};
  std::string text;
  for (uint64_t n = rng.below(longest + 1); n > 0; --n) text += parts[rng.below(std::size(parts))];
  return text;
}

TEST(SentencePiece, EqualsTheNaiveLoop) {
  const auto tokenizer = sentence_piece_vocab().load();
  Rng rng(6);
  for (int round = 0; round < 3000; ++round) {
    const std::string text = random_text(rng, round % 10 == 0 ? 120 : 12);
    if (text.empty()) continue;
    ASSERT_EQ(tokenizer->encode(text, kPlain), encode_naively(tokenizer->vocab(), text)) << text;
  }
}

TEST(ByteBpe, EqualsTheNaiveLoop) {
  const auto tokenizer = byte_bpe_vocab().load();
  auto splitter = PreTokenizer::compile(*find_pre_tokenizer("gpt-2"));
  ASSERT_TRUE(splitter.has_value());
  Rng rng(7);
  for (int round = 0; round < 3000; ++round) {
    const std::string text = to_valid_utf8(random_text(rng, round % 10 == 0 ? 120 : 12));
    std::vector<TokenId> expected;
    size_t begin = 0;
    for (const uint32_t end : splitter->split(text)) {
      const auto ids = encode_word_naively(tokenizer->vocab(),
                                           std::string_view(text).substr(begin, end - begin));
      expected.insert(expected.end(), ids.begin(), ids.end());
      begin = end;
    }
    ASSERT_EQ(tokenizer->encode(text, kPlain), expected) << text;
  }
}

TEST(Tokenizer, RoundTripsAnyBytes) {
  const auto sentence_piece = sentence_piece_vocab().load();
  const auto bpe = byte_bpe_vocab().load();
  Rng rng(8);
  for (int round = 0; round < 3000; ++round) {
    std::string text = random_text(rng, 30);
    for (uint64_t n = rng.below(4); n > 0; --n) text.push_back(static_cast<char>(rng.next()));
    const DecodeOptions exact{.clean_spaces = false};
    // SentencePiece keeps bytes; U+2581 is its space.
    if (text.find(kSpaceMark) == std::string::npos && !text.starts_with("<tool>")) {
      ASSERT_EQ(sentence_piece->decode(sentence_piece->encode(text, kPlain), exact), text);
    }
    // Byte-level BPE keeps everything but what is no UTF-8.
    ASSERT_EQ(bpe->decode(bpe->encode(text, kPlain), exact), read_leniently(text).text);
  }
}

TEST(Tokenizer, ParsesControlTokensOnlyWhenAsked) {
  const auto tokenizer = byte_bpe_vocab().load();
  const TokenId start = *tokenizer->vocab().find("<|im_start|>");
  const TokenId a = *tokenizer->vocab().find("a");
  EXPECT_EQ(tokenizer->encode("<|im_start|>a", kParsed), (std::vector<TokenId>{start, a}));
  const auto plain = tokenizer->encode("<|im_start|>a", kPlain);
  EXPECT_EQ(std::count(plain.begin(), plain.end(), start), 0);
  EXPECT_EQ(tokenizer->decode(plain, {}), "<|im_start|>a");
}

TEST(Tokenizer, TakesTheLongestSpecialToken) {
  const auto tokenizer = byte_bpe_vocab().load();
  const TokenId tool = *tokenizer->vocab().find("<tool>");
  const TokenId tool_x = *tokenizer->vocab().find("<tool>x");
  const TokenId a = *tokenizer->vocab().find("a");
  // User-defined tokens are recognised always.
  EXPECT_EQ(tokenizer->encode("<tool>x<tool>a", kPlain), (std::vector<TokenId>{tool_x, tool, a}));
  EXPECT_EQ(tokenizer->encode("<tool><tool>", kParsed), (std::vector<TokenId>{tool, tool}));
}

TEST(Tokenizer, AddsSpecialTokensAsTheFileSays) {
  TestVocab file = sentence_piece_vocab();
  file.more = [](gguf::Writer& w) { w.add_bool("tokenizer.ggml.add_eos_token", true); };
  const auto tokenizer = file.load();
  const TokenId mark_a = *tokenizer->vocab().find("▁a");
  EXPECT_EQ(tokenizer->encode("a", {}), (std::vector<TokenId>{1, mark_a, 2}));
  EXPECT_EQ(tokenizer->encode("", {}), (std::vector<TokenId>{1, 2}));
  EXPECT_EQ(tokenizer->encode("", kPlain), std::vector<TokenId>());
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("a", {}), {.unparse_special = true}), "<s> a</s>");
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("a", {}),
                              {.remove_special = true, .unparse_special = true}),
            " a");
}

TEST(Tokenizer, PrefixesASpaceAfterSpecialTokensOnly) {
  const auto tokenizer = sentence_piece_vocab().load();
  const auto id = [&](const char* text) { return *tokenizer->vocab().find(text); };
  EXPECT_EQ(tokenizer->encode("b<|im_end|>a", kParsed),
            (std::vector<TokenId>{id("▁"), id("b"), id("<|im_end|>"), id("▁a")}));
  TestVocab file = sentence_piece_vocab();
  file.more = [](gguf::Writer& w) { w.add_bool("tokenizer.ggml.add_space_prefix", false); };
  EXPECT_EQ(file.load()->encode("a", kPlain), std::vector<TokenId>{id("a")});
}

TEST(Tokenizer, StripsWhiteSpaceWhereTheModelDoes) {
  TestVocab file = sentence_piece_vocab();
  file.more = [](gguf::Writer& w) { w.add_string("general.name", "Phi-3 mini"); };
  const auto phi = file.load();
  const auto id = [&](const char* text) { return *phi->vocab().find(text); };
  EXPECT_EQ(phi->encode("<|im_end|> \n\ta", kParsed),
            (std::vector<TokenId>{id("<|im_end|>"), id("▁a")}));
  TestVocab jina = byte_bpe_vocab("jina-v2-code");
  jina.add("<mask>", TokenKind::kControl);
  jina.more = [](gguf::Writer& w) { w.add_bool("tokenizer.ggml.add_sep_token", false); };
  const auto tokenizer = jina.load();
  const TokenId mask = *tokenizer->vocab().find("<mask>");
  const TokenId a = *tokenizer->vocab().find("a");
  EXPECT_EQ(tokenizer->encode("a  <mask>a", kParsed), (std::vector<TokenId>{a, mask, a}));
}

TEST(Tokenizer, WholeWordsGoBeforeMerges) {
  // "bca" is a token that no merge leads to.
  for (const char* pre : {"gpt-2", "llama-bpe"}) {
    TestVocab file = byte_bpe_vocab(pre);
    const TokenId whole = file.add("bca");
    const auto tokenizer = file.load();
    const bool taken = tokenizer->encode("bca", kPlain) == std::vector<TokenId>{whole};
    EXPECT_EQ(taken, std::string_view(pre) == "llama-bpe");
  }
}

TEST(Tokenizer, RawCharacterBpeFallsBackToBytes) {
  TestVocab file;
  file.model = "gemma4";
  for (int byte = 0; byte < 256; ++byte) {
    file.add(spelling_of_byte(static_cast<uint8_t>(byte)), TokenKind::kByte);
  }
  const TokenId mark = file.add("▁");
  const TokenId a = file.add("a");
  const TokenId mark_a = file.add("▁a");
  const TokenId breaks = file.add("\n\n");
  file.merges = {"▁ a"};
  const auto tokenizer = file.load();
  EXPECT_EQ(tokenizer->encode(" aa  \n\n\xC3\xA9", kPlain),
            (std::vector<TokenId>{mark_a, a, mark, mark, breaks, 0xC3, 0xA9}));
  EXPECT_EQ(tokenizer->decode(std::vector<TokenId>{mark_a, breaks, 0xC3, 0xA9}, {}),
            " a\n\n\xC3\xA9");
}

TEST(Tokenizer, KnowsTheNewlineOfEachKind) {
  const auto newline = [](const TestVocab& file) {
    const auto tokenizer = file.load();
    return std::string(tokenizer->vocab().text(tokenizer->vocab().special().newline));
  };
  EXPECT_EQ(newline(sentence_piece_vocab()), "<0x0A>");
  EXPECT_EQ(newline(byte_bpe_vocab()), "\xC4\x8A");
  TestVocab gemma;
  gemma.model = "gemma4";
  gemma.add("<0x0A>", TokenKind::kByte);
  gemma.merges = {"a b"};
  EXPECT_EQ(newline(gemma), "<0x0A>");
  gemma.add("\n");
  EXPECT_EQ(newline(gemma), "\n");
}

TEST(Tokenizer, GemmaGetsItsBosWhateverTheFileSays) {
  TestVocab file;
  file.model = "gemma4";
  const TokenId bos = file.add("<bos>", TokenKind::kControl);
  const TokenId a = file.add("a");
  file.merges = {"a b"};
  file.more = [](gguf::Writer& w) {
    w.add_uint32("tokenizer.ggml.bos_token_id", 0);
    w.add_bool("tokenizer.ggml.add_bos_token", false);
  };
  EXPECT_EQ(file.load()->encode("a", {}), (std::vector<TokenId>{bos, a}));
}

TEST(Tokenizer, WhiteSpaceCanBeNothingButABorder) {
  TestVocab file;
  file.model = "whitespace";
  const TokenId a = file.add("a");
  const TokenId b = file.add("b");
  const TokenId ab = file.add("ab");
  const TokenId capital = file.add("A");
  const TokenId han = file.add("\u4E00");
  file.merges = {"a b"};
  EXPECT_EQ(file.load()->encode("ab \n a\u3000b\u4E00 A ", kPlain),
            (std::vector<TokenId>{ab, a, b, han, capital}));
  file.more = [](gguf::Writer& w) { w.add_bool("tokenizer.ggml.normalizer.lowercase", true); };
  EXPECT_EQ(file.load()->encode("AB\tA", kPlain), (std::vector<TokenId>{ab, a}));
}

TestVocab word_piece_vocab() {
  TestVocab file;
  file.model = "bert";
  for (const char* text : {"[PAD]", "[UNK]", "[CLS]", "[SEP]"}) {
    file.add(text, TokenKind::kControl);
  }
  for (const char* text : {"▁un", "▁u", "n", "able", "ab", "▁!", "▁\u4E00", "▁e", "te"})
    file.add(text);
  file.more = [](gguf::Writer& w) {
    w.add_uint32("tokenizer.ggml.padding_token_id", 0);
    w.add_uint32("tokenizer.ggml.unknown_token_id", 1);
    w.add_uint32("tokenizer.ggml.bos_token_id", 2);
    w.add_uint32("tokenizer.ggml.seperator_token_id", 3);
  };
  return file;
}

TEST(WordPiece, CoversWordsWithTheLongestTokens) {
  const auto tokenizer = word_piece_vocab().load();
  const auto id = [&](const char* text) { return *tokenizer->vocab().find(text); };
  EXPECT_EQ(tokenizer->encode("unable", {}), (std::vector<TokenId>{2, id("▁un"), id("able"), 3}));
  EXPECT_EQ(tokenizer->encode("", {}), (std::vector<TokenId>{2, 3}));
  // One place that no token covers makes the whole word unknown.
  EXPECT_EQ(tokenizer->encode("unab unabx un", kPlain),
            (std::vector<TokenId>{id("▁un"), id("ab"), 1, id("▁un")}));
}

TEST(WordPiece, NormalisesCaseAccentsAndPunctuation) {
  const auto tokenizer = word_piece_vocab().load();
  const auto id = [&](const char* text) { return *tokenizer->vocab().find(text); };
  const std::vector<TokenId> summer{id("▁e"), id("te")};
  EXPECT_EQ(tokenizer->encode("\u00C9T\u00C9", kPlain), summer);    // composed
  EXPECT_EQ(tokenizer->encode("e\u0301te\u0301", kPlain), summer);  // combining marks
  EXPECT_EQ(tokenizer->encode("e\u200Bt\xFF"
                              "e",
                              kPlain),
            summer);  // ignored characters
  EXPECT_EQ(tokenizer->encode("un!\u4E00un", kPlain),
            (std::vector<TokenId>{id("▁un"), id("▁!"), id("▁\u4E00"), id("▁un")}));
  EXPECT_EQ(tokenizer->encode("[SEP]un", kParsed), (std::vector<TokenId>{3, id("▁un")}));
}

TEST(Tokenizer, PiecesOfUnknownIdsAreEmpty) {
  const auto tokenizer = byte_bpe_vocab().load();
  EXPECT_EQ(tokenizer->piece(-1, true), "");
  EXPECT_EQ(tokenizer->piece(tokenizer->vocab().size(), true), "");
  const TokenId end = *tokenizer->vocab().find("<|im_end|>");
  EXPECT_EQ(tokenizer->piece(end, false), "");
  EXPECT_EQ(tokenizer->piece(end, true), "<|im_end|>");
}

}  // namespace
}  // namespace chasqui::text
