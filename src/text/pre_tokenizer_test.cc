#include "text/internal/pre_tokenizer.h"

#include <gmock/gmock.h>

#include <ctime>
#include <iostream>

#include "base/rng.h"
#include "text/internal/utf8.h"

namespace chasqui::text {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> split(std::string_view name, std::string_view text) {
  const PreTokenizerRow* row = find_pre_tokenizer(name);
  EXPECT_NE(row, nullptr) << name;
  if (row == nullptr) return {};
  const auto splitter = PreTokenizer::compile(*row);
  EXPECT_TRUE(splitter.has_value()) << (splitter ? "" : splitter.error().message);
  std::vector<std::string> words;
  size_t begin = 0;
  for (const uint32_t end : splitter->split(text)) {
    words.emplace_back(text.substr(begin, end - begin));
    begin = end;
  }
  EXPECT_EQ(begin, text.size());
  return words;
}

TEST(PreTokenizer, NamesAreUnique) {
  std::vector<std::string> seen;
  for (const PreTokenizerRow& row : pre_tokenizer_rows()) {
    std::string_view names = row.names;
    while (!names.empty()) {
      const size_t space = std::min(names.find(' '), names.size());
      seen.emplace_back(names.substr(0, space));
      EXPECT_EQ(find_pre_tokenizer(seen.back()), &row) << seen.back();
      names.remove_prefix(std::min(space + 1, names.size()));
    }
  }
  EXPECT_GT(seen.size(), 60u);
  EXPECT_EQ(find_pre_tokenizer(""), find_pre_tokenizer("default"));
  EXPECT_EQ(find_pre_tokenizer("no such"), nullptr);
  EXPECT_EQ(find_pre_tokenizer("llama3 llama-v3"), nullptr);
}

TEST(PreTokenizer, Gpt2) {
  EXPECT_THAT(split("gpt-2", "I'm at  home\t\tnow 12345!!"),
              ElementsAre("I", "'m", " at", " ", " home", "\t", "\t", "now", " 12345", "!!"));
  EXPECT_THAT(split("gpt-2", "a \n "), ElementsAre("a", " \n "));
  EXPECT_THAT(split("gpt-2", ""), ElementsAre());
}

TEST(PreTokenizer, Llama3AndQwen2DifferInDigits) {
  EXPECT_THAT(split("llama-bpe", "I'M 12345 (x)\n\n b"),
              ElementsAre("I", "'M", " ", "123", "45", " (", "x", ")\n\n", " b"));
  EXPECT_THAT(split("qwen2", "ab 123"), ElementsAre("ab", " ", "1", "2", "3"));
}

TEST(PreTokenizer, Gpt4oCutsWhereCaseRises) {
  EXPECT_THAT(split("gpt-4o", "camelCase HTTPServer it's 12345"),
              ElementsAre("camel", "Case", " HTTPServer", " it's", " ", "123", "45"));
  // Combining marks stay with their letters, Cyrillic has case.
  EXPECT_THAT(split("gpt-4o", "e\u0301t\u0435\u041F"), ElementsAre("e\u0301t\u0435", "\u041F"));
}

TEST(PreTokenizer, KimiKeepsHanApart) {
  EXPECT_THAT(split("kimi-k2", "abc\u4F60\u597Ddef \u304B"),
              ElementsAre("abc", "\u4F60\u597D", "def", " \u304B"));
}

TEST(PreTokenizer, StepsRunOneAfterAnother) {
  EXPECT_THAT(split("starcoder", "x12 3"), ElementsAre("x", "1", "2", " ", "3"));
  EXPECT_THAT(split("deepseek-coder", "a b\n\u4E00\u4E0012"),
              ElementsAre("a", " b", "\n", "\u4E00\u4E00", "1", "2"));
  EXPECT_THAT(split("deepseek-llm", "a  b   "), ElementsAre("a", " ", " b", "   "));
}

TEST(PreTokenizer, GroupsDigitsFromTheRight) {
  EXPECT_THAT(split("superbpe", "1234567"), ElementsAre("1", "234", "567"));
  EXPECT_THAT(split("tiny_aya", "12345"), ElementsAre("12", "345"));
  EXPECT_THAT(split("afmoe", "\u0661\u0662\u0663\u0664"),
              ElementsAre("\u0661", "\u0662\u0663\u0664"));
}

TEST(PreTokenizer, JaisLadder) {
  EXPECT_THAT(split("jais-2", std::string(14, ' ') + "x"),
              ElementsAre(std::string(8, ' '), "    ", " ", " x"));
  EXPECT_THAT(split("jais-2", "a\n   \n"), ElementsAre("a", "\n   \n"));
}

TEST(PreTokenizer, WhiteSpaceIsUnicodes) {
  // U+180E lost its White_Space property in Unicode 6.3, but PCRE2's \s still has it.
  EXPECT_THAT(split("gpt-2", "a\u180Eb"), ElementsAre("a", "\u180E", "b"));
  EXPECT_THAT(split("gpt-2", "a\u2028\u00A0b"), ElementsAre("a", "\u2028", "\u00A0", "b"));
}

TEST(PreTokenizer, EveryRowCoversAnyText) {
  Rng rng(9);
  for (const PreTokenizerRow& row : pre_tokenizer_rows()) {
    const auto splitter = PreTokenizer::compile(row);
    ASSERT_TRUE(splitter.has_value()) << splitter.error().message;
    for (int round = 0; round < 200; ++round) {
      std::string text;
      for (uint64_t n = rng.below(40); n > 0; --n) {
        const uint64_t pick = rng.below(4);
        const uint32_t wide = static_cast<uint32_t>(rng.below(0xD800));
        append_utf8(pick == 0   ? wide
                    : pick == 1 ? ' '
                                : static_cast<uint32_t>(rng.below(128)),
                    text);
      }
      int gave_up = 0;
      uint32_t last = 0;
      for (const uint32_t end : splitter->split(text, &gave_up)) {
        ASSERT_GT(end, last) << row.names;
        ASSERT_TRUE(is_valid_utf8(std::string_view(text).substr(last, end - last))) << row.names;
        last = end;
      }
      ASSERT_EQ(last, text.size());
      ASSERT_EQ(gave_up, 0) << row.names;
    }
  }
}

// A pattern that is quadratic on one of these needs 10^10 steps: it hits the match limit, which
// `gave_up` shows, or takes seconds, hundreds of times as long as the slowest linear one.
TEST(PreTokenizer, EveryRowIsLinear) {
  constexpr size_t kLength = 100'000;
  constexpr double kMostCpuSeconds = 1.0;
  std::vector<std::string> texts;
  for (const char* unit : {" ", "\n", " \n", "a", "A", "aA", "7", "!", "'", "\u00A0", "\u0301",
                           "\u4E00", "\u304B", "/", "a ", "7a", "IMGIMG", "\t"}) {
    std::string text;
    while (text.size() < kLength) text += unit;
    // What follows decides whether a lookahead at the end of the run fails.
    for (const char* end : {"", "x", "\n", "7", "\u4E00"}) texts.push_back(text + end);
  }
  double worst = 0;
  for (const PreTokenizerRow& row : pre_tokenizer_rows()) {
    const auto splitter = PreTokenizer::compile(row);
    ASSERT_TRUE(splitter.has_value());
    for (const std::string& text : texts) {
      const std::clock_t start = std::clock();  // of this process: other load does not count
      int gave_up = 0;
      splitter->split(text, &gave_up);
      const double took = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
      EXPECT_EQ(gave_up, 0) << row.names << " on " << text.substr(0, 8);
      EXPECT_LT(took, kMostCpuSeconds) << row.names << " on " << text.substr(0, 8);
      worst = std::max(worst, took);
    }
  }
  std::cout << "worst row and text: " << worst * 1000 << " ms for 100 kB\n";
}

}  // namespace
}  // namespace chasqui::text
