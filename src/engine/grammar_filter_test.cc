#include "engine/grammar_filter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>
#include <vector>

#include "engine/internal/filter_helper.h"
#include "engine/internal/test_support.h"

namespace chasqui::engine {
namespace {

using testing::byte_tokenizer;
using testing::Collector;
using testing::FakeRunner;
using testing::kFirstByte;
using testing::kVocabulary;

grammar::GrammarPtr grammar_of(const char* regex) {
  return *grammar::compile_regex(regex, grammar::TokenTable::build(*byte_tokenizer()));
}

int open_tokens(sample::TokenFilter& filter) {
  std::vector<float> logits(kVocabulary + 3, 0.0f);
  filter.apply(logits);
  EXPECT_EQ(logits.back(), -INFINITY);  // padding beyond the vocabulary
  return static_cast<int>(std::ranges::count(logits, 0.0f));
}

TEST(GrammarFilter, ForcesWhatLeavesNoChoice) {
  const auto filter = make_grammar_filter(grammar_of("x[0-9]z"));
  EXPECT_EQ(filter->forced(), kFirstByte + 'x');
  EXPECT_EQ(open_tokens(*filter), 1);
  filter->accept(kFirstByte + 'x');
  EXPECT_EQ(filter->forced(), -1);
  EXPECT_EQ(open_tokens(*filter), 10);
  filter->accept(kFirstByte + '7');
  EXPECT_EQ(filter->forced(), kFirstByte + 'z');
  filter->accept(kFirstByte + 'z');
  EXPECT_TRUE(filter->finished());
}

TEST(GrammarFilter, IsPreparedOnceAndForAllWhoFollow) {
  const grammar::GrammarPtr grammar = grammar_of("[ab]+");
  const auto first = make_grammar_filter(grammar);
  EXPECT_FALSE(first->is_prepared());
  first->prepare();
  EXPECT_TRUE(first->is_prepared());
  EXPECT_TRUE(make_grammar_filter(grammar)->is_prepared());
  first->accept(kFirstByte + 'a');
  EXPECT_FALSE(first->is_prepared());
}

// Many sequences, each advanced by this thread while the helper prepares what it can: the masks
// are those of a matcher alone.
TEST(GrammarFilter, TheHelperChangesNothing) {
  const grammar::GrammarPtr grammar = grammar_of("([a-f]{2,5}[0-9]|[0-9]{3}x)+");
  std::vector<std::shared_ptr<sample::TokenFilter>> filters;
  std::vector<grammar::Matcher> twins;
  FilterHelper helper;
  for (int i = 0; i < 8; ++i) {
    filters.push_back(make_grammar_filter(grammar));
    twins.emplace_back(grammar_of("([a-f]{2,5}[0-9]|[0-9]{3}x)+"));
    helper.post(filters.back());
  }
  grammar::TokenMask mask;
  for (int step = 0; step < 60; ++step) {
    for (size_t i = 0; i < filters.size(); ++i) {
      std::vector<float> logits(kVocabulary, 0.0f);
      filters[i]->apply(logits);
      twins[i].mask(mask);
      int32_t chosen = -1;
      for (int32_t token = 0; token < kVocabulary; ++token) {
        ASSERT_EQ(logits[static_cast<size_t>(token)] == 0.0f, mask.has(token));
        if (!mask.has(token) || grammar->tokens().is_end(token)) continue;
        if (chosen < 0 || (step + token) % 3 == 0) chosen = token;
      }
      filters[i]->accept(chosen);
      ASSERT_TRUE(twins[i].accept(chosen));
    }
    for (const auto& filter : filters) helper.post(filter);
    if (step == 40) filters.pop_back();  // its sequence ends with work under way
  }
}

TEST(GrammarFilter, AForkGoesItsOwnWay) {
  const auto filter = make_grammar_filter(grammar_of("a[0-9]b"));
  filter->accept(kFirstByte + 'a');
  const auto fork = filter->fork();
  fork->accept(kFirstByte + '5');
  EXPECT_EQ(fork->forced(), kFirstByte + 'b');
  EXPECT_EQ(open_tokens(*filter), 10);
  fork->accept(kFirstByte + 'x');  // not allowed
  EXPECT_TRUE(fork->finished());
  EXPECT_FALSE(filter->finished());
}

// The masks along a draft are remembered by the grammar when its turn comes.
TEST(FilterHelper, PreparesThePlacesOfADraft) {
  const grammar::GrammarPtr grammar = grammar_of("[ab][cd][ef][gh]");
  const auto filter = make_grammar_filter(grammar);
  const auto draft = testing::bytes_of("ace");
  {
    FilterHelper helper;
    helper.post(filter, draft);
    const auto last = make_grammar_filter(grammar);
    for (const int32_t token : draft) last->accept(token);
    while (!last->is_prepared()) std::this_thread::yield();
  }
  for (const int32_t token : draft) {
    EXPECT_TRUE(filter->is_prepared());
    filter->accept(token);
  }
}

class Slow : public sample::TokenFilter {
 public:
  void apply(std::span<float>) override {}
  void accept(int32_t) override {}
  bool is_prepared() override { return false; }
  void prepare() override {
    ++prepared;
    while (!released) std::this_thread::yield();
  }
  static inline std::atomic<int> prepared = 0;
  static inline std::atomic<bool> released = false;
};

TEST(FilterHelper, PassesOverSequencesThatEnded) {
  FilterHelper helper;
  const auto busy = std::make_shared<Slow>();
  helper.post(busy);
  while (Slow::prepared == 0) std::this_thread::yield();
  for (int i = 0; i < 5; ++i) helper.post(std::make_shared<Slow>());
  const auto last = std::make_shared<Slow>();
  helper.post(last);
  Slow::released = true;
  while (Slow::prepared < 2) std::this_thread::yield();
  EXPECT_EQ(Slow::prepared, 2);  // the first and the last
}

// What the engine says through a grammar does not depend on when masks were computed: all requests
// share a grammar, come at once, and end at different times; one is cancelled on its way.
TEST(GrammarFilter, ManyRequestsOfOneGrammarAreEachAsAlone) {
  const auto tokens = grammar::TokenTable::build(*byte_tokenizer());
  const auto grammar = *grammar::compile_regex("(ab|cd|[0-9]{2})*!", tokens);
  const auto ask = [&](Engine& engine, uint64_t seed, int64_t most) {
    auto sink = std::make_shared<Collector>();
    Request request = testing::greedy({4, 5}, most, sink);
    request.sampling.temperature = 1.0f;
    request.sampling.seed = seed;
    request.filter = make_grammar_filter(grammar);
    EXPECT_TRUE(engine.submit(std::move(request)));
    return sink;
  };
  Engine engine(std::make_unique<FakeRunner>(FakeRunner::Options{}), byte_tokenizer(), {});
  std::vector<std::string> alone;
  for (uint64_t seed = 0; seed < 8; ++seed) alone.push_back(ask(engine, seed, 30)->wait().text);
  std::vector<std::shared_ptr<Collector>> sinks;
  for (uint64_t seed = 0; seed < 8; ++seed) sinks.push_back(ask(engine, seed, 30));
  auto cut = std::make_shared<Collector>();
  Request request = testing::greedy({4, 5}, 200, cut);
  request.filter = make_grammar_filter(grammar);
  engine.cancel(*engine.submit(std::move(request)));
  for (size_t seed = 0; seed < 8; ++seed) EXPECT_EQ(sinks[seed]->wait().text, alone[seed]);
  cut->wait();
}

}  // namespace
}  // namespace chasqui::engine
