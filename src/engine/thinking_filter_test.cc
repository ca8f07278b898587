#include "engine/thinking_filter.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "support/tiny_tokenizer.h"

namespace chasqui::engine {
namespace {

using chasqui::testing::TinyVocab;

// Allows "x" once.
class OnlyX : public sample::TokenFilter {
 public:
  void apply(std::span<float> logits) override {
    for (size_t i = 0; i < logits.size(); ++i) {
      if (i != 'x') logits[i] = -INFINITY;
    }
  }
  void accept(int32_t token) override { seen.push_back(token); }
  bool finished() override { return !seen.empty(); }
  std::vector<int32_t> seen;
};

class ThinkingFilterTest : public ::testing::Test {
 protected:
  std::shared_ptr<sample::TokenFilter> make(bool is_open) {
    return make_thinking_filter(inner_, {"<|im_start|>", "</t>", is_open},
                                chasqui::testing::tiny_tokenizer());
  }
  static bool allows(sample::TokenFilter& filter, int32_t token) {
    std::vector<float> logits(TinyVocab::kSize, 1.0f);
    filter.apply(logits);
    return logits[static_cast<size_t>(token)] == 1.0f;
  }
  static void accept(sample::TokenFilter& filter, std::string_view bytes) {
    for (const char c : bytes) filter.accept(static_cast<unsigned char>(c));
  }

  const std::shared_ptr<OnlyX> inner_ = std::make_shared<OnlyX>();
};

TEST_F(ThinkingFilterTest, ConstrainsBehindOpenThoughts) {
  const auto filter = make(true);
  accept(*filter, "hm </</t");
  EXPECT_TRUE(allows(*filter, 'a'));
  EXPECT_FALSE(filter->finished());
  accept(*filter, ">");
  EXPECT_FALSE(allows(*filter, 'a'));
  EXPECT_FALSE(allows(*filter, TinyVocab::kImStart));
  EXPECT_TRUE(allows(*filter, 'x'));
  EXPECT_TRUE(inner_->seen.empty());
  accept(*filter, "x");
  EXPECT_EQ(inner_->seen, std::vector<int32_t>{'x'});
  EXPECT_TRUE(filter->finished());
}

TEST_F(ThinkingFilterTest, TheFirstTokenMayOpenThem) {
  const auto filter = make(false);
  EXPECT_FALSE(allows(*filter, 'a'));
  EXPECT_TRUE(allows(*filter, 'x'));
  EXPECT_TRUE(allows(*filter, TinyVocab::kImStart));
  filter->accept(TinyVocab::kImStart);
  EXPECT_TRUE(allows(*filter, 'a'));
  accept(*filter, "a</t>x");
  EXPECT_TRUE(filter->finished());
}

TEST_F(ThinkingFilterTest, OrTheyAreNotOpened) {
  const auto filter = make(false);
  accept(*filter, "x");
  EXPECT_TRUE(filter->finished());
  EXPECT_FALSE(allows(*filter, TinyVocab::kImStart));
}

}  // namespace
}  // namespace chasqui::engine
