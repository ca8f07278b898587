#include "engine/lead_filter.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "support/tiny_tokenizer.h"

namespace chasqui::engine {
namespace {

using chasqui::testing::TinyVocab;

// Allows the bytes of `text` and is finished behind as many tokens as it has.
class Only : public sample::TokenFilter {
 public:
  explicit Only(std::string text) : text_(std::move(text)) {}
  void apply(std::span<float> logits) override {
    for (size_t i = 0; i < logits.size(); ++i) {
      if (i > 255 || text_.find(static_cast<char>(i)) == text_.npos) logits[i] = -INFINITY;
    }
  }
  void accept(int32_t) override { ++seen; }
  bool finished() override { return seen >= text_.size(); }
  int32_t forced() override { return text_.front(); }
  std::shared_ptr<sample::TokenFilter> fork() override { return std::make_shared<Only>(*this); }
  size_t seen = 0;

 private:
  const std::string text_;
};

bool allows(sample::TokenFilter& filter, int32_t token) {
  std::vector<float> logits(TinyVocab::kSize, 1.0f);
  filter.apply(logits);
  return logits[static_cast<size_t>(token)] == 1.0f;
}

void accept(sample::TokenFilter& filter, std::string_view bytes) {
  for (const char c : bytes) filter.accept(static_cast<unsigned char>(c));
}

TEST(LeadFilter, HandsOverBehindTheMark) {
  const auto lead = std::make_shared<Only>("m:c(");
  const auto rest = std::make_shared<Only>("x");
  const auto filter = make_lead_filter(lead, "m:", rest, chasqui::testing::tiny_tokenizer());
  EXPECT_TRUE(allows(*filter, 'm'));
  EXPECT_FALSE(allows(*filter, 'x'));
  EXPECT_EQ(filter->forced(), 'm');
  accept(*filter, "m:");
  EXPECT_EQ(lead->seen, 2u);
  EXPECT_TRUE(allows(*filter, 'x'));
  EXPECT_FALSE(allows(*filter, 'm'));
  EXPECT_EQ(filter->forced(), 'x');
  EXPECT_FALSE(filter->finished());
  accept(*filter, "x");
  EXPECT_EQ(lead->seen, 2u);
  EXPECT_EQ(rest->seen, 1u);
  EXPECT_TRUE(filter->finished());
}

TEST(LeadFilter, NothingHoldsWhereNothingFollows) {
  const auto lead = std::make_shared<Only>("m:");
  const auto filter = make_lead_filter(lead, "m:", nullptr, chasqui::testing::tiny_tokenizer());
  accept(*filter, "m:");
  EXPECT_TRUE(lead->finished());
  EXPECT_FALSE(filter->finished());
  EXPECT_TRUE(allows(*filter, 'z'));
  EXPECT_TRUE(allows(*filter, TinyVocab::kImEnd));
  EXPECT_EQ(filter->forced(), -1);
  EXPECT_TRUE(filter->is_prepared());
  filter->prepare();
  accept(*filter, "zzz");
  EXPECT_FALSE(filter->finished());
}

TEST(LeadFilter, AnotherWayStaysWithTheLead) {
  const auto lead = std::make_shared<Only>("cm:(");
  const auto rest = std::make_shared<Only>("x");
  const auto filter = make_lead_filter(lead, "m:", rest, chasqui::testing::tiny_tokenizer());
  accept(*filter, "cm:");
  EXPECT_FALSE(allows(*filter, 'x'));
  EXPECT_EQ(rest->seen, 0u);
  accept(*filter, "(");
  EXPECT_TRUE(filter->finished());
}

// At every place the fork goes on as the filter would have, which stays where it is.
TEST(LeadFilter, ForksAreAtTheSamePlace) {
  constexpr std::string_view kText = "m:xy";
  for (size_t place = 0; place <= 3; ++place) {
    SCOPED_TRACE(place);
    const auto filter =
        make_lead_filter(std::make_shared<Only>("m:c("), "m:", std::make_shared<Only>("xy"),
                         chasqui::testing::tiny_tokenizer());
    accept(*filter, kText.substr(0, place));
    const auto fork = filter->fork();
    ASSERT_NE(fork, nullptr);
    accept(*fork, kText.substr(place));
    EXPECT_TRUE(allows(*fork, 'x'));
    EXPECT_FALSE(allows(*fork, 'm'));
    EXPECT_TRUE(fork->finished());
    EXPECT_FALSE(filter->finished());
    EXPECT_EQ(allows(*filter, 'm'), place < 2);
  }
}

// Null: what comes is free, or cannot be tried.
TEST(LeadFilter, ForksOnlyWhatForks) {
  class Unforkable final : public Only {
   public:
    using Only::Only;
    std::shared_ptr<sample::TokenFilter> fork() override { return nullptr; }
  };
  const auto tokenizer = chasqui::testing::tiny_tokenizer();
  const auto filter = make_lead_filter(std::make_shared<Only>("m:"),
                                       "m:", std::make_shared<Unforkable>("x"), tokenizer);
  EXPECT_EQ(filter->fork(), nullptr);
  const auto free = make_lead_filter(std::make_shared<Only>("m:"), "m:", nullptr, tokenizer);
  EXPECT_NE(free->fork(), nullptr);
  accept(*free, "m:");
  EXPECT_EQ(free->fork(), nullptr);
}

}  // namespace
}  // namespace chasqui::engine
