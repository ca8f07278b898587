#include <gmock/gmock.h>

#include <algorithm>
#include <limits>

#include "base/rng.h"
#include "text/internal/utf8.h"
#include "text/test_charsmap.h"
#include "text/test_vocab.h"
#include "text/tokenizer.h"

namespace chasqui::text {
namespace {

using testing::CharsmapBuilder;
using ::testing::HasSubstr;
using testing::TestVocab;
using testing::unigram_vocab;

constexpr EncodeOptions kPlain{.add_special = false, .parse_special = false};
constexpr double kNowhere = -std::numeric_limits<double>::infinity();

double score_of(const Vocab& vocab, TokenId id) {
  return vocab.kind(id) == TokenKind::kUserDefined ? 0.0 : double{vocab.score(id)};
}

bool is_text(const Vocab& vocab, std::string_view text) {
  const auto id = vocab.find(text);
  return id && (vocab.kind(*id) == TokenKind::kNormal || vocab.kind(*id) == TokenKind::kUnused ||
                vocab.kind(*id) == TokenKind::kUserDefined);
}

double unknown_score(const Vocab& vocab) {
  double worst = std::numeric_limits<double>::infinity();
  for (TokenId id = 0; id < vocab.size(); ++id) {
    if (vocab.kind(id) == TokenKind::kNormal) worst = std::min(worst, double{vocab.score(id)});
  }
  return worst - 10;
}

size_t character_length(std::string_view text) {
  return std::min(announced_length(text[0]), text.size());
}

// The highest sum over all ways to cut `text`, by trying them all.
double best_sum(const Vocab& vocab, std::string_view text, double unknown) {
  if (text.empty()) return 0;
  const size_t character = character_length(text);
  double best = kNowhere;
  for (size_t length = 1; length <= text.size(); ++length) {
    double score = kNowhere;
    if (is_text(vocab, text.substr(0, length))) {
      score = score_of(vocab, *vocab.find(text.substr(0, length)));
    } else if (length == character) {
      score = unknown;
    }
    if (score > kNowhere) {
      best = std::max(best, score + best_sum(vocab, text.substr(length), unknown));
    }
  }
  return best;
}

// The same by places, O(n^2), over the whole text: which cut is taken, the first found of equals.
std::vector<TokenId> encode_naively(const Vocab& vocab, std::string_view text) {
  struct Place {
    double sum = kNowhere;
    size_t begin = 0;
    TokenId id = kNoToken;
  };
  std::vector<Place> places(text.size() + 1);
  places[0].sum = 0;
  for (size_t begin = 0; begin < text.size(); begin += character_length(text.substr(begin))) {
    for (size_t end = begin + 1; end <= text.size(); ++end) {
      const std::string_view part = text.substr(begin, end - begin);
      const bool known = is_text(vocab, part);
      if (!known && part.size() != character_length(part)) continue;
      const TokenId id = known ? *vocab.find(part) : kNoToken;
      const double sum = places[begin].sum + (known ? score_of(vocab, id) : unknown_score(vocab));
      if (sum > places[end].sum) places[end] = {sum, begin, id};
    }
  }
  std::vector<TokenId> ids;
  for (size_t end = text.size(); end > 0; end = places[end].begin) {
    const bool again = !ids.empty() && ids.back() == vocab.special().unk;
    if (places[end].id != kNoToken) {
      ids.push_back(places[end].id);
    } else if (!again) {
      ids.push_back(vocab.special().unk);
    }
  }
  std::reverse(ids.begin(), ids.end());
  return ids;
}

std::string random_text(Rng& rng, uint64_t longest) {
  const char* const parts[] = {"a", "b", "c", " ", "ab", "aa", "  ", "\xC3\xA9", "\xE4\xB8\x80"};
  std::string text;
  for (uint64_t n = rng.below(longest + 1); n > 0; --n) text += parts[rng.below(std::size(parts))];
  return text;
}

std::string marked(std::string_view text) {
  return replace_all(text, " ", kSpaceMark);
}

TEST(Unigram, FindsTheBestOfAllCuts) {
  const auto tokenizer = unigram_vocab().load();
  const Vocab& vocab = tokenizer->vocab();
  Rng rng(14);
  for (int round = 0; round < 1000; ++round) {
    const std::string text = random_text(rng, 7);
    double sum = 0;
    std::string covered;
    bool has_unknown = false;
    for (const TokenId id : tokenizer->encode(text, kPlain)) {
      has_unknown = has_unknown || id == vocab.special().unk;
      sum += vocab.score(id);
      covered += vocab.text(id);
    }
    if (has_unknown) continue;
    ASSERT_EQ(covered, marked(text));
    ASSERT_EQ(sum, best_sum(vocab, marked(text), unknown_score(vocab))) << text;
  }
}

// Also with a token that crosses from one word into the next, which forbids to cut words apart.
TEST(Unigram, EqualsTheNaiveSearch) {
  for (const bool crosses : {false, true}) {
    TestVocab file = unigram_vocab();
    if (crosses) file.add("b▁a", TokenKind::kNormal, -4);
    const auto tokenizer = file.load();
    Rng rng(15);
    for (int round = 0; round < 2000; ++round) {
      const std::string text = random_text(rng, round % 10 == 0 ? 60 : 10);
      ASSERT_EQ(tokenizer->encode(text, kPlain), encode_naively(tokenizer->vocab(), marked(text)))
          << text;
    }
  }
}

TEST(Unigram, SpacesFollowTheFilesRules) {
  struct Case {
    bool prefix;
    bool merges;
    const char* text;
    const char* normalised;  // with _ for U+2581
  };
  const Case cases[] = {{true, true, "a b", "_a_b"},  {true, true, "  a   b  ", "_a_b"},
                        {true, true, "  ", ""},       {true, false, "a  b ", "_a__b_"},
                        {true, false, " ", "__"},     {false, true, " a  b", "a_b"},
                        {false, false, " a ", "_a_"}, {false, true, "", ""}};
  for (const Case& each : cases) {
    TestVocab file = unigram_vocab();
    file.more = [&](gguf::Writer& w) {
      w.add_bool("tokenizer.ggml.add_space_prefix", each.prefix);
      w.add_bool("tokenizer.ggml.remove_extra_whitespaces", each.merges);
    };
    const auto tokenizer = file.load();
    std::string text;
    for (const TokenId id : tokenizer->encode(each.text, kPlain))
      text += tokenizer->vocab().text(id);
    EXPECT_EQ(text, replace_all(each.normalised, "_", kSpaceMark)) << each.text;
  }
}

TEST(Unigram, NormalisesByTheFilesRules) {
  TestVocab file = unigram_vocab();
  const std::vector<uint8_t> charsmap = CharsmapBuilder({{"\t", " "},
                                                         {"A", "a"},
                                                         {"Ab", "b"},
                                                         {"\x01", ""},
                                                         {"\xEF\xBD\x81", "a"},
                                                         {"<", "<tool>"}})
                                            .bytes();
  file.more = [&](gguf::Writer& w) {
    w.add_uint8s("tokenizer.ggml.precompiled_charsmap", charsmap);
    w.add_bool("tokenizer.ggml.remove_extra_whitespaces", true);
  };
  const auto tokenizer = file.load();
  const auto decoded = [&](std::string_view text) {
    return tokenizer->decode(tokenizer->encode(text, kPlain), {});
  };
  EXPECT_EQ(decoded("A\t\tAb\x01"
                    "a\xEF\xBD\x81"),
            "a baa");
  // A user-defined token is taken before the rules, and beats all others behind them.
  EXPECT_EQ(decoded("A<tool>A"), "a<tool>a");
  EXPECT_EQ(tokenizer->encode("<", kPlain),
            std::vector<TokenId>{*tokenizer->vocab().find("<tool>")});
  EXPECT_EQ(tokenizer->vocab().special().newline, tokenizer->vocab().special().unk);
}

TEST(Unigram, UnknownCharactersInARowAreOneToken) {
  const auto tokenizer = unigram_vocab().load();
  const TokenId unk = tokenizer->vocab().special().unk;
  const TokenId a = *tokenizer->vocab().find("a");
  EXPECT_EQ(tokenizer->encode("ccac", kPlain), (std::vector<TokenId>{unk, a, unk}));
  // Broken bytes are U+FFFD, each.
  EXPECT_EQ(tokenizer->encode("a\xFF\xE2\x82"
                              "a",
                              kPlain),
            (std::vector<TokenId>{a, unk, a}));

  TestVocab with_bytes = unigram_vocab();
  const TokenId byte = with_bytes.add("<0x63>", TokenKind::kByte);
  EXPECT_EQ(with_bytes.load()->encode("cc", kPlain), (std::vector<TokenId>{byte, byte}));
  EXPECT_EQ(with_bytes.load()->decode(std::vector<TokenId>{byte, byte}, {}), "cc");
}

TEST(Unigram, AddsWhatT5Adds) {
  const auto tokenizer = unigram_vocab().load();
  const TokenId a = *tokenizer->vocab().find("a");
  EXPECT_EQ(tokenizer->encode("a", {}), (std::vector<TokenId>{a, 1}));
  EXPECT_EQ(tokenizer->vocab().special().bos, kNoToken);
  EXPECT_EQ(tokenizer->vocab().special().unk, 2);
  EXPECT_EQ(tokenizer->decode(std::vector<TokenId>{a, 1}, {.remove_special = true}), "a");
}

TEST(Unigram, RoundTripsWhatItCovers) {
  TestVocab file = unigram_vocab();
  file.add("c", TokenKind::kNormal, -7);
  file.add("\xE4\xB8\x80", TokenKind::kNormal, -7);
  file.more = [](gguf::Writer& w) { w.add_bool("tokenizer.ggml.add_space_prefix", true); };
  const auto tokenizer = file.load();
  Rng rng(16);
  for (int round = 0; round < 1000; ++round) {
    const std::string text = random_text(rng, 30);
    ASSERT_EQ(tokenizer->decode(tokenizer->encode(text, kPlain), {}), text);
  }
}

TEST(Unigram, ExtremeScoresAndLongWordsEnd) {
  TestVocab file = unigram_vocab();
  file.scores[static_cast<size_t>(file.tokens.size()) - 1] = std::numeric_limits<float>::infinity();
  file.scores[4] = -std::numeric_limits<float>::infinity();
  const auto tokenizer = file.load();
  for (const char* unit : {"a", "bab", "c", " "}) {
    std::string text;
    while (text.size() < 200'000) text += unit;
    for (const TokenId id : tokenizer->encode(text, kPlain))
      ASSERT_LT(id, tokenizer->vocab().size());
  }
}

TEST(Unigram, NamesADamagedCharsmap) {
  TestVocab file = unigram_vocab();
  const auto message = [&] {
    const auto loaded = Vocab::load(file.write());
    EXPECT_FALSE(loaded.has_value());
    return loaded ? std::string() : loaded.error().message;
  };
  file.more = [](gguf::Writer& w) {
    w.add_uint8s("tokenizer.ggml.precompiled_charsmap", std::vector<uint8_t>{9, 0, 0, 0, 1});
  };
  EXPECT_THAT(message(), HasSubstr("'tokenizer.ggml.precompiled_charsmap' claims a trie"));
  file.more = [](gguf::Writer& w) {
    w.add_int32s("tokenizer.ggml.precompiled_charsmap", std::vector<int32_t>{9});
  };
  EXPECT_THAT(message(), HasSubstr("is an array of i32"));
  file.more = [](gguf::Writer& w) { w.add_bool("tokenizer.ggml.precompiled_charsmap", true); };
  EXPECT_THAT(message(), HasSubstr("not an array"));
}

}  // namespace
}  // namespace chasqui::text
