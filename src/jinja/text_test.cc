#include "jinja/text.h"

#include <gtest/gtest.h>

#include "base/rng.h"

namespace chasqui::jinja {
namespace {

// The obviously right twin: a mark for each byte.
struct MarkedBytes {
  std::string bytes;
  std::vector<bool> trusted;

  void append(std::string_view text, bool trust) {
    bytes += text;
    trusted.insert(trusted.end(), text.size(), trust);
  }
};

void expect_same(const Text& text, const MarkedBytes& twin) {
  ASSERT_EQ(text.bytes(), twin.bytes);
  bool all = true;
  for (size_t i = 0; i < twin.bytes.size(); ++i) {
    ASSERT_EQ(text.trusted_at(i), twin.trusted[i]) << i;
    all = all && twin.trusted[i];
  }
  EXPECT_EQ(text.trusted(), all);
  // Runs cover the text in order, and no two neighbours have one author.
  size_t at = 0;
  bool before = false;
  text.each_run([&](std::string_view run, bool trusted) {
    ASSERT_FALSE(run.empty());
    ASSERT_EQ(run, std::string_view(twin.bytes).substr(at, run.size()));
    ASSERT_EQ(trusted, twin.trusted[at]);
    ASSERT_TRUE(at == 0 || before != trusted);
    before = trusted;
    at += run.size();
  });
  EXPECT_EQ(at, twin.bytes.size());
}

TEST(Text, AgreesWithAMarkPerByte) {
  Rng rng(11);
  for (int round = 0; round < 300; ++round) {
    Text text;
    MarkedBytes twin;
    for (uint64_t n = rng.below(12); n > 0; --n) {
      const std::string piece(rng.below(4), static_cast<char>('a' + rng.below(26)));
      const bool trusted = rng.below(2) == 0;
      text.append(piece, trusted);
      twin.append(piece, trusted);
    }
    expect_same(text, twin);
    const size_t begin = rng.below(text.size() + 1);
    const size_t size = rng.below(text.size() - begin + 1);
    MarkedBytes part;
    for (size_t i = begin; i < begin + size; ++i)
      part.append(twin.bytes.substr(i, 1), twin.trusted[i]);
    expect_same(text.substr(begin, size), part);
    text.append(text.substr(begin, size));
    for (size_t i = 0; i < part.bytes.size(); ++i)
      twin.append(part.bytes.substr(i, 1), part.trusted[i]);
    expect_same(text, twin);
  }
}

TEST(Text, OneAuthorNeedsNoList) {
  Text text("abc", false);
  text.append("def", false);
  EXPECT_FALSE(text.trusted());
  int runs = 0;
  text.each_run([&](std::string_view, bool) { ++runs; });
  EXPECT_EQ(runs, 1);
  EXPECT_TRUE(Text().trusted());
}

}  // namespace
}  // namespace chasqui::jinja
