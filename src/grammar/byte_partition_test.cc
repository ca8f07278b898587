#include "grammar/internal/byte_partition.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "grammar/internal/expr_pool.h"
#include "grammar/internal/regex.h"
#include "grammar/testing/twins.h"

namespace chasqui::grammar {
namespace {

TEST(BytePartitions, TellApartWhatOneOfTwoDoes) {
  BytePartitions partitions;
  ByteSet digits, low;
  digits.add_range('0', '9');
  low.add_range(0, 127);
  const auto both = partitions.refine(partitions.of_set(digits), partitions.of_set(low));
  EXPECT_EQ(both, partitions.refine(partitions.of_set(low), partitions.of_set(digits)));
  const ByteClasses& classes = partitions.classes(both);
  EXPECT_EQ(classes['0'], classes['9']);
  EXPECT_NE(classes['0'], classes['a']);
  EXPECT_NE(classes['a'], classes[200]);
  EXPECT_EQ(partitions.refine(both, BytePartitions::kWhole), both);
  const auto words = partitions.of_words({"a", "ab", "ac", "ad"}, {1, 4}, 1);
  EXPECT_NE(partitions.classes(words)['b'], partitions.classes(words)['c']);
  EXPECT_EQ(partitions.classes(words)['a'], partitions.classes(words)['z']);
}

std::string random_text(Rng& rng, size_t most) {
  std::string text;
  for (size_t i = testing::pick(rng, most + 1); i > 0; --i) {
    text += std::array{"a", "b", "\xC3\xA9", "1"}[testing::pick(rng, 4)];
  }
  return text;
}

// What the classes promise: after bytes of one class the same texts match. In a pool for each of
// the two, because a pool remembers derivatives by class.
TEST(BytePartitions, BytesOfOneClassLeadToTheSame) {
  Rng rng(7);
  for (int round = 0; round < 300; ++round) {
    const std::string source = testing::random_regex(rng, 4);
    const bool negated = testing::pick(rng, 2) == 0;
    const std::string before = random_text(rng, 4);
    const auto at = [&](ExprPool& pool) {
      ExprId expr = *compile_regex_expr(source, RegexMatch::kWhole, pool);
      if (negated) expr = pool.all_of({pool.any_text(), pool.negate(expr)});
      return pool.derive(expr, before);
    };
    ExprPool one, two;
    const ExprId here = at(one), there = at(two);
    const ByteClasses& classes = one.partitions().classes(one.byte_classes(here));
    const auto first = static_cast<uint8_t>(testing::pick(rng, 256));
    auto second = static_cast<uint8_t>(testing::pick(rng, 256));
    while (classes[first] != classes[second]) ++second;
    const ExprId left = one.derive(here, first), right = two.derive(there, second);
    for (int i = 0; i < 10; ++i) {
      const std::string rest = random_text(rng, 4);
      EXPECT_EQ(one.nullable(one.derive(left, rest)), two.nullable(two.derive(right, rest)))
          << source << " behind " << before;
    }
  }
}

}  // namespace
}  // namespace chasqui::grammar
