#include "text/internal/charsmap.h"

#include <gmock/gmock.h>

#include "base/rng.h"
#include "text/test_charsmap.h"

namespace chasqui::text {
namespace {

using testing::CharsmapBuilder;
using ::testing::HasSubstr;
using Rules = std::map<std::string, std::string>;

Result<Charsmap> read(const std::vector<uint8_t>& bytes) {
  return Charsmap::read(std::as_bytes(std::span(bytes)));
}

// The definition: try every spelling.
std::pair<size_t, std::string> longest_naively(const Rules& rules, std::string_view text) {
  std::pair<size_t, std::string> best;
  for (const auto& [spelling, replacement] : rules) {
    if (text.starts_with(spelling) && spelling.size() > best.first) {
      best = {spelling.size(), replacement};
    }
  }
  return best;
}

std::string random_bytes(Rng& rng, uint64_t longest) {
  std::string out;
  for (uint64_t n = rng.below(longest + 1); n > 0; --n) {
    out.push_back(rng.below(4) == 0 ? static_cast<char>(rng.next()) : "abc"[rng.below(3)]);
  }
  return out;
}

TEST(Charsmap, FindsTheLongestSpelling) {
  Rng rng(11);
  int matches = 0;
  for (int round = 0; round < 200; ++round) {
    Rules rules;
    for (uint64_t n = rng.below(30); n > 0; --n) {
      std::string spelling = random_bytes(rng, 5);
      std::string replacement = random_bytes(rng, 6);
      std::erase(spelling, '\0');
      std::erase(replacement, '\0');
      if (!spelling.empty()) rules[spelling] = replacement;
    }
    const auto charsmap = read(CharsmapBuilder(rules).bytes());
    ASSERT_TRUE(charsmap.has_value()) << charsmap.error().message;
    for (int i = 0; i < 200; ++i) {
      const std::string text = random_bytes(rng, 8);
      const auto expected = longest_naively(rules, text);
      const Charsmap::Match match = charsmap->longest(text);
      ASSERT_EQ(match.length, expected.first);
      if (match.length > 0) {
        ASSERT_EQ(match.replacement, expected.second);
        ++matches;
      }
    }
  }
  EXPECT_GT(matches, 1000);
}

TEST(Charsmap, NoBytesAreNoRules) {
  EXPECT_EQ(read({})->longest("abc").length, 0u);
  EXPECT_EQ(read({0, 0, 0, 0})->longest("abc").length, 0u);
}

TEST(Charsmap, RefusesPartsThatDoNotFit) {
  const auto message = [](const std::vector<uint8_t>& bytes) {
    const auto charsmap = read(bytes);
    EXPECT_FALSE(charsmap.has_value());
    if (charsmap) return std::string();
    EXPECT_EQ(charsmap.error().code, ErrorCode::kCorrupt);
    return charsmap.error().message;
  };
  EXPECT_THAT(message({4, 0, 0}), HasSubstr("too short"));
  EXPECT_THAT(message({8, 0, 0, 0, 1, 2, 3, 4}), HasSubstr("trie of 8 bytes; 4 follow"));
  EXPECT_THAT(message({3, 0, 0, 0, 1, 2, 3, 0}), HasSubstr("trie of 3 bytes"));
  EXPECT_THAT(message({0xFF, 0xFF, 0xFF, 0xFF, 0}), HasSubstr("trie of 4294967295 bytes"));
  EXPECT_THAT(message({4, 0, 0, 0, 1, 2, 3, 4, 'x'}), HasSubstr("inside a replacement"));
  const std::string longest(Charsmap::kLongestReplacement, 'x');
  EXPECT_TRUE(read(CharsmapBuilder({{"a", longest}}).bytes()).has_value());
  EXPECT_THAT(message(CharsmapBuilder({{"a", longest + "x"}}).bytes()), HasSubstr("129 bytes"));
}

// Whatever the trie says, matches stay inside text and replacements (sanitizers watch the reads).
TEST(Charsmap, DamagedTriesStayInBounds) {
  const Rules rules = {{"a", "b"}, {"ab", ""}, {"abc", "x y"}, {"\xEF\xBC\xA1", "A"}, {"b", "bb"}};
  const std::vector<uint8_t> intact = CharsmapBuilder(rules).bytes();
  Rng rng(12);
  int loaded = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::vector<uint8_t> bytes = intact;
    for (uint64_t n = rng.below(8) + 1; n > 0; --n) {
      bytes[rng.below(bytes.size())] = static_cast<uint8_t>(rng.next());
    }
    if (rng.below(8) == 0) bytes.resize(rng.below(bytes.size()));
    const auto charsmap = read(bytes);
    if (!charsmap) continue;
    ++loaded;
    const std::string text = random_bytes(rng, 12);
    const Charsmap::Match match = charsmap->longest(text);
    ASSERT_LE(match.length, text.size());
    ASSERT_LE(match.replacement.size(), Charsmap::kLongestReplacement);
  }
  EXPECT_GT(loaded, 1000);
}

// A unit that leads to itself must not make a step read the whole text.
TEST(Charsmap, CirclesEnd) {
  std::vector<uint8_t> bytes(4 + 4 * 256 + 1);
  bytes[1] = 4;  // 1024 bytes of trie
  bytes[4 + 4 * 'a'] = 'a';
  bytes[4 + 4 * 'a' + 1] = 1;  // has a value
  // Offset 'a': from unit 'a' to unit 0, from where 'a' leads to unit 'a' again.
  const uint32_t offset = uint32_t{'a'} << 10;
  for (int i = 0; i < 4; ++i) {
    bytes[4 + 4 * 'a' + static_cast<size_t>(i)] |= static_cast<uint8_t>(offset >> (8 * i));
  }
  const auto charsmap = read(bytes);
  ASSERT_TRUE(charsmap.has_value()) << charsmap.error().message;
  EXPECT_EQ(charsmap->longest(std::string(100'000, 'a')).length, Charsmap::kLongestSpelling);
}

}  // namespace
}  // namespace chasqui::text
