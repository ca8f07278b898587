#include "engine/internal/stop_matcher.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "base/rng.h"

namespace chasqui::engine {
namespace {

struct Outcome {
  std::string shown;
  std::optional<std::string> stop;
  bool operator==(const Outcome&) const = default;
};

// Obviously right: tries every position of the whole text, longest stop first.
Outcome naive(const std::string& text, std::vector<std::string> stops) {
  std::ranges::stable_sort(stops, std::ranges::greater(), &std::string::size);
  for (size_t begin = 0; begin < text.size(); ++begin) {
    for (const std::string& stop : stops) {
      if (text.compare(begin, stop.size(), stop) == 0) return {text.substr(0, begin), stop};
    }
  }
  return {text, std::nullopt};
}

Outcome in_pieces(const std::vector<std::string>& pieces, const std::vector<std::string>& stops) {
  StopMatcher matcher(std::make_shared<const StopSet>(stops));
  Outcome outcome;
  for (const std::string& piece : pieces) matcher.push(piece, outcome.shown);
  matcher.finish(outcome.shown);
  if (matcher.stopped()) outcome.stop = matcher.stop_text();
  return outcome;
}

// Few different characters, of one to four bytes, so that stops meet text.
std::string random_text(Rng& rng, uint64_t most) {
  static const std::string kCharacters[] = {"a", "b", "a", "é", "è", "語", "🦙"};
  std::string text;
  for (uint64_t i = 0, n = rng.below(most + 1); i < n; ++i) text += kCharacters[rng.below(7)];
  return text;
}

std::vector<std::string> random_pieces(Rng& rng, const std::string& text) {
  std::vector<std::string> pieces;
  for (size_t at = 0; at < text.size();) {
    const size_t size = rng.below(5);  // bytes: characters are cut too, which must not matter
    pieces.push_back(text.substr(at, size));
    at += size;
  }
  return pieces;
}

TEST(StopMatcher, AgreesWithTheNaiveTwinHoweverTheTextIsCut) {
  Rng rng(5);
  int stopped = 0;
  for (int round = 0; round < 30'000; ++round) {
    std::vector<std::string> stops;
    for (uint64_t i = 0, n = rng.below(5); i < n; ++i) {
      std::string stop = random_text(rng, 5);
      if (!stop.empty()) stops.push_back(std::move(stop));
    }
    const std::string text = random_text(rng, 25);
    const Outcome expected = naive(text, stops);
    stopped += expected.stop ? 1 : 0;
    ASSERT_EQ(in_pieces({text}, stops), expected) << text;
    ASSERT_EQ(in_pieces(random_pieces(rng, text), stops), expected) << text;
  }
  EXPECT_GT(stopped, 5000);
  EXPECT_LT(stopped, 25'000);
}

TEST(StopMatcher, ShowsTextAtOnceAndHoldsBackOnlyWhatMayBecomeAStop) {
  StopMatcher matcher(std::make_shared<const StopSet>(std::vector<std::string>{"STOP", "TO!"}));
  std::string shown;
  matcher.push("go ST", shown);
  EXPECT_EQ(shown, "go ");
  EXPECT_TRUE(matcher.holds_text());
  matcher.push("O", shown);
  EXPECT_EQ(shown, "go ");
  matcher.push("!", shown);
  EXPECT_EQ(shown, "go S");
  EXPECT_TRUE(matcher.stopped());
  EXPECT_EQ(matcher.stop_text(), "TO!");
  EXPECT_FALSE(matcher.holds_text());
  matcher.push("more", shown);
  matcher.finish(shown);
  EXPECT_EQ(shown, "go S");
}

TEST(StopMatcher, TheEarliestBeginningWinsThenTheLongest) {
  EXPECT_EQ(in_pieces({"xabcd"}, {"bc", "abcd"}), (Outcome{"x", "abcd"}));
  EXPECT_EQ(in_pieces({"xabce"}, {"bc", "abcd"}), (Outcome{"xa", "bc"}));
  EXPECT_EQ(in_pieces({"ab", "c"}, {"ab", "abc"}), (Outcome{"", "abc"}));
  EXPECT_EQ(in_pieces({"ab", "d"}, {"ab", "abc"}), (Outcome{"", "ab"}));
  EXPECT_EQ(in_pieces({"ab"}, {"ab", "abc"}), (Outcome{"", "ab"})) << "the text ends";
}

// A quadratic matcher needs minutes for this one.
TEST(StopMatcher, TimeIsLinearInTheTextWhateverTheStops) {
  const std::string stop = std::string(20'000, 'a') + "b";
  StopMatcher matcher(std::make_shared<const StopSet>(std::vector<std::string>{stop}));
  std::string shown;
  for (int i = 0; i < 2'000'000; ++i) matcher.push("a", shown);
  EXPECT_EQ(shown.size(), 1'980'000u);
  matcher.push("b", shown);
  EXPECT_TRUE(matcher.stopped());
}

}  // namespace
}  // namespace chasqui::engine
