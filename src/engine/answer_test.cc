#include "engine/internal/answer.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "base/rng.h"
#include "engine/internal/test_support.h"

namespace chasqui::engine {
namespace {

using testing::byte_tokenizer;
using testing::bytes_of;
using testing::word;

class AnswerTest : public ::testing::Test {
 protected:
  Answer answer(std::vector<std::string> stops, bool keep_tokens) {
    return Answer(*tokenizer_, std::make_shared<const StopSet>(std::move(stops)), true,
                  keep_tokens);
  }

  std::shared_ptr<const text::Tokenizer> tokenizer_ = byte_tokenizer();
};

sample::Sampled token(int32_t id) {
  return {id, -1.0f, {}};
}

TEST_F(AnswerTest, ACharacterIsShownWithAllItsTokens) {
  Answer a = answer({}, true);
  const auto bytes = bytes_of("é");
  Event event;
  a.push(token(bytes[0]), true);
  EXPECT_FALSE(a.take(event));
  a.push(token(bytes[1]), true);
  EXPECT_TRUE(a.take(event));
  EXPECT_EQ(event.text, "é");
  ASSERT_EQ(event.tokens.size(), 2u);
  EXPECT_EQ(event.tokens[0].text, "");
  EXPECT_EQ(event.tokens[1].text, "é");
}

TEST_F(AnswerTest, AnUnfinishedCharacterEndsAsReplacementOfItsLastToken) {
  Answer a = answer({}, true);
  a.push(token(bytes_of("é")[0]), true);
  a.finish();
  Event event;
  EXPECT_TRUE(a.take(event));
  EXPECT_EQ(event.text, "\xEF\xBF\xBD");
  EXPECT_EQ(event.tokens.at(0).text, "\xEF\xBF\xBD");
}

TEST_F(AnswerTest, TheTokenInWhichAStopBeginsIsCutWithTheText) {
  Answer a = answer({"lo w"}, true);
  a.push(token(word("hello")), true);
  Event event;
  EXPECT_TRUE(a.take(event));
  EXPECT_EQ(event.text, "hel");
  EXPECT_TRUE(event.tokens.empty()) << "part of it is still held back";
  a.push(token(word(" world")), true);
  EXPECT_TRUE(a.stopped());
  a.take(event);
  EXPECT_EQ(event.text, "hel");
  ASSERT_EQ(event.tokens.size(), 1u);
  EXPECT_EQ(event.tokens[0].text, "hel");
}

TEST_F(AnswerTest, ShieldedTextIsNotSearched) {
  Answer a = answer({"STOP"}, false);
  a.push(token(word("STOP")), false);
  a.push(token(word("STOP")), true);
  EXPECT_TRUE(a.stopped());
  Event event;
  a.take(event);
  EXPECT_EQ(event.text, "STOP");
}

// Random tokens, stops and moments of taking: texts of tokens are the text, and nothing depends
// on when or whether tokens are taken.
TEST_F(AnswerTest, TokensAndTextAgreeHoweverTheyAreTaken) {
  const std::vector<std::string> kStops = {"STOP", "ab", "abhello", "é", "OPS", "lo"};
  Rng rng(11);
  int stopped = 0;
  for (int round = 0; round < 5000; ++round) {
    std::vector<std::string> stops;
    for (const auto& stop : kStops) {
      if (rng.below(4) == 0) stops.push_back(stop);
    }
    const uint64_t shield = rng.below(4);
    Answer whole = answer(stops, false);
    Answer pieces = answer(stops, true);
    Event all;
    Event merged;
    for (uint64_t i = 0; i < 12 && !whole.stopped(); ++i) {
      const auto id =
          rng.below(3) == 0   ? testing::kFirstByte + 0xC0 + static_cast<int32_t>(rng.below(16))
          : rng.below(3) == 0 ? testing::kFirstByte + 0x80 + static_cast<int32_t>(rng.below(48))
                              : testing::kFirstWord + static_cast<int32_t>(rng.below(7));
      whole.push(token(id), i >= shield);
      pieces.push(token(id), i >= shield);
      if (rng.below(2) == 0) pieces.take(merged);
    }
    for (Answer* a : {&whole, &pieces}) {
      if (!a->stopped()) a->finish();
    }
    whole.take(all);
    pieces.take(merged);
    ASSERT_EQ(whole.stopped(), pieces.stopped());
    stopped += whole.stopped() ? 1 : 0;
    ASSERT_EQ(all.text, merged.text);
    std::string of_tokens;
    for (const TokenOutput& output : merged.tokens) of_tokens += output.text;
    ASSERT_EQ(of_tokens, merged.text);
  }
  EXPECT_GT(stopped, 1000);
}

// The replaced server decoded the whole answer again for each token: that needs minutes here.
TEST_F(AnswerTest, TimeIsLinearInTheAnswer) {
  Answer a = answer({"never seen", "é never"}, true);
  Event shown;
  size_t characters = 0, tokens = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    a.push(token(testing::kFirstByte + 'a' + i % 7), true);
    shown.text.clear();
    shown.tokens.clear();
    a.take(shown);
    characters += shown.text.size();
    tokens += shown.tokens.size();
  }
  EXPECT_EQ(characters, 1'000'000u);
  EXPECT_EQ(tokens, 1'000'000u);
}

}  // namespace
}  // namespace chasqui::engine
