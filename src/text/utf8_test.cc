#include "text/internal/utf8.h"

#include <gtest/gtest.h>

#include "base/rng.h"
#include "text/detokenizer.h"
#include "text/internal/byte_map.h"

namespace chasqui::text {
namespace {

// Obviously right: is there a code point whose encoding starts with these bytes?
bool starts_some_character(std::string_view bytes) {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> out;
    for (uint32_t c = 0; c <= 0x10FFFF; c += c < 0x3000 ? 1 : 61) {
      if (c >= 0xD800 && c <= 0xDFFF) continue;
      out.emplace_back();
      append_utf8(c, out.back());
    }
    for (uint32_t c :
         {0xD7FFu, 0xE000u, 0xFFFDu, 0xFFFFu, 0x10000u, 0x3FFFFu, 0x40000u, 0x10FFFFu}) {
      out.emplace_back();
      append_utf8(c, out.back());
    }
    return out;
  }();
  for (const std::string& each : all) {
    if (each.starts_with(bytes)) return true;
  }
  return false;
}

TEST(Utf8, ReplacesMaximalInvalidParts) {
  // The examples of the Unicode standard, tables 3-8 to 3-11.
  const std::pair<std::string, std::string> cases[] = {
      {"\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41", "????????A"},
      {"\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41", "????????A"},
      {"\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42", "?????A??B"},
      {"\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41", "????A"},
      {"caf\xC3\xA9", "caf\xC3\xA9"},
      {"caf\xC3", "caf?"},
      {"\xF0\x9F\x99", "?"},
      {"", ""}};
  for (const auto& [bytes, marked] : cases) {
    std::string expected;
    for (const char c : marked) {
      if (c == '?') {
        expected += kReplacement;
      } else {
        expected += c;
      }
    }
    EXPECT_EQ(to_valid_utf8(bytes), expected);
    EXPECT_TRUE(is_valid_utf8(to_valid_utf8(bytes)));
    EXPECT_EQ(is_valid_utf8(bytes), bytes == expected);
  }
}

TEST(Utf8, KnowsUnfinishedCharacters) {
  // All pairs of bytes, and a sample of triples: an end counts as unfinished exactly when some
  // character starts so and needs more.
  Rng rng(1);
  for (int i = 0; i < 4096; ++i) {
    std::string bytes{static_cast<char>(0xC0 + i / 64), static_cast<char>(0x80 + i % 64)};
    if (i % 3 == 0) bytes.push_back(static_cast<char>(0x80 + rng.below(0x40)));
    const Utf8Scan scan = scan_utf8(bytes, 0);
    const bool unfinished =
        starts_some_character(bytes) && announced_length(bytes[0]) > bytes.size();
    EXPECT_EQ(scan.state == Utf8Scan::State::kTruncated, unfinished) << i;
    EXPECT_EQ(complete_utf8_prefix("x" + bytes), unfinished ? 1 : 1 + bytes.size()) << i;
  }
}

TEST(Utf8, ReadsBrokenTextLeniently) {
  EXPECT_EQ(read_leniently("a\xFF").text, "a\xEF\xBF\xBD");
  EXPECT_EQ(read_leniently("\xE2\x82").text, "\xEF\xBF\xBD\xEF\xBF\xBD");  // each byte alone
  EXPECT_EQ(read_leniently("\xC0\xAF").text, "/");                         // overlong
  EXPECT_EQ(read_leniently("\xF7\xBF\xBF\xBF").text.size(), 12u);          // beyond Unicode
  EXPECT_EQ(read_leniently("a\xC3\xA9").matchable, "");
  const LenientText surrogate = read_leniently("x\xED\xA0\x80\xFFz");
  EXPECT_EQ(surrogate.text, "x\xED\xA0\x80\xEF\xBF\xBDz");
  EXPECT_EQ(surrogate.matchable, "x\xEE\x80\x80\xEF\xBF\xBDz");
}

TEST(Utf8, LenientTextCanBeMatched) {
  Rng rng(2);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes;
    for (uint64_t n = rng.below(12); n > 0; --n) {
      // Leads and continuations that matter, more often than chance would bring them.
      const char* often =
          "\xED\xA0\xBF\xC0\xF4\x90\x80"
          "a";
      bytes.push_back(rng.below(2) == 0 ? often[rng.below(8)] : static_cast<char>(rng.next()));
    }
    const LenientText lenient = read_leniently(bytes);
    const std::string& matchable = lenient.matchable.empty() ? lenient.text : lenient.matchable;
    EXPECT_TRUE(is_valid_utf8(matchable));
    EXPECT_EQ(matchable.size(), lenient.text.size());
  }
}

TEST(ByteMap, IsGpt2s) {
  EXPECT_EQ(spell_bytes(" \n"), "\xC4\xA0\xC4\x8A");  // U+0120 U+010A
  EXPECT_EQ(byte_to_code_point(0xAD), 0x143u);        // the last substitute
  for (int byte = 0; byte < 256; ++byte) {
    const char raw = static_cast<char>(byte);
    EXPECT_EQ(unspell_bytes(spell_bytes({&raw, 1})), std::string_view(&raw, 1));
    EXPECT_EQ(code_point_to_byte(byte_to_code_point(static_cast<uint8_t>(byte))), byte);
  }
  EXPECT_EQ(code_point_to_byte(0x2581), -1);
  EXPECT_EQ(unspell_bytes("\xE2\x96\x81"), "\xE2\x96\x81");  // stands for no byte: kept
  EXPECT_EQ(unspell_bytes("\xC3"), "\xC3");
}

}  // namespace
}  // namespace chasqui::text
