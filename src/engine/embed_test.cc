// Embeddings, rankings, and models that see a text whole.
#include <gtest/gtest.h>

#include <algorithm>
#include <semaphore>

#include "base/rng.h"
#include "engine/internal/test_support.h"

namespace chasqui::engine {
namespace {

using namespace testing;

constexpr FakeRunner::Options kEncoder = {.max_rows = 40, .causal = false, .ranks = true};

Request asks(RequestKind kind, Pooling pooling, std::vector<int32_t> text) {
  Request request;
  request.kind = kind;
  request.prompt = std::move(text);
  request.max_tokens = 0;
  request.pooling = pooling;
  return request;
}

std::vector<int32_t> random_text(Rng& rng, size_t most) {
  std::vector<int32_t> text(1 + rng.below(most));
  for (int32_t& token : text) token = static_cast<int32_t>(kFirstByte + rng.below(256));
  return text;
}

// What an encoder that is computed alone gives.
std::vector<float> pooled_alone(const std::vector<int32_t>& text, Pooling pooling) {
  if (pooling == Pooling::kFirst) return FakeRunner::hidden_within(text, 0);
  if (pooling == Pooling::kLast) return FakeRunner::hidden_within(text, text.size() - 1);
  std::vector<double> sum(4, 0.0);
  for (size_t row = 0; row < text.size(); ++row) {
    const auto hidden = FakeRunner::hidden_within(text, row);
    for (size_t d = 0; d < 4; ++d) sum[d] += static_cast<double>(hidden[d]);
  }
  std::vector<float> mean;
  for (const double value : sum) {
    mean.push_back(static_cast<float>(value / static_cast<double>(text.size())));
  }
  return mean;
}

// Engines are stopped by their destructors, so what is submitted is waited for.
struct Asked {
  Request request;
  std::shared_ptr<Collector> sink = std::make_shared<Collector>();

  Status submit(Engine& engine) const {
    Request copy = request;
    copy.sink = sink;
    CHASQUI_TRY_STATUS(engine.submit(std::move(copy)).map([](RequestId) {}));
    return {};
  }
};

TEST(Embeddings, OfManyTextsTogetherAreThoseOfEachAlone) {
  constexpr Pooling kPoolings[] = {Pooling::kFirst, Pooling::kMean, Pooling::kLast};
  Rng rng(3);
  Engine engine(std::make_unique<FakeRunner>(kEncoder), byte_tokenizer(), {.max_queue = 2048});
  std::vector<Asked> asked;
  for (int i = 0; i < 500; ++i) {
    const auto kind = rng.below(3) == 0 ? RequestKind::kRank : RequestKind::kEmbed;
    asked.push_back({asks(kind, kPoolings[rng.below(3)], random_text(rng, 40))});
    ASSERT_TRUE(asked.back().submit(engine));
  }
  for (const Asked& one : asked) {
    const Event event = one.sink->wait();
    ASSERT_EQ(event.finish, FinishReason::kStop);
    const auto pooled = pooled_alone(one.request.prompt, one.request.pooling);
    const bool ranks = one.request.kind == RequestKind::kRank;
    EXPECT_EQ(event.embedding, ranks ? FakeRunner::rank_of(pooled) : pooled);
  }
  EXPECT_EQ(engine.stats().cached_prompt_tokens, 0);
}

TEST(Embeddings, ShortTextsFillSteps) {
  std::counting_semaphore<> steps(0);
  auto runner = std::make_unique<FakeRunner>(kEncoder);
  runner->before_forward = [&steps] { steps.acquire(); };
  Engine engine(std::move(runner), byte_tokenizer(), {});
  std::vector<Asked> asked;
  for (int i = 0; i < 41; ++i) {
    asked.push_back({asks(RequestKind::kEmbed, Pooling::kMean, bytes_of("four"))});
    ASSERT_TRUE(asked.back().submit(engine));
  }
  steps.release(1000);
  for (const Asked& one : asked) EXPECT_EQ(one.sink->wait().finish, FinishReason::kStop);
  // Ten fill a step; the first may have begun with fewer, before the others were there.
  EXPECT_LE(engine.stats().steps, 6);
}

TEST(Embeddings, EncodersRefuseWhatTheyCannotDo) {
  Engine engine(std::make_unique<FakeRunner>(kEncoder), byte_tokenizer(), {});
  const auto refusal = [&engine](RequestKind kind, size_t tokens) {
    const Asked asked{asks(kind, Pooling::kMean, std::vector<int32_t>(tokens, kFirstByte))};
    const Status status = asked.submit(engine);
    return status ? Error{} : status.error();
  };
  EXPECT_EQ(refusal(RequestKind::kGenerate, 3).code, ErrorCode::kUnsupported);
  EXPECT_EQ(refusal(RequestKind::kEmbed, 40).message, "");
  const Error longer = refusal(RequestKind::kEmbed, 41);
  EXPECT_EQ(longer.code, ErrorCode::kContextLength);
  EXPECT_NE(longer.message.find("40"), std::string::npos) << longer.message;
  EXPECT_EQ(longer.param, "prompt");
}

TEST(Rankings, NeedAHead) {
  Engine engine(std::make_unique<FakeRunner>(FakeRunner::Options{}), byte_tokenizer(), {});
  const Asked asked{asks(RequestKind::kRank, Pooling::kLast, bytes_of("x"))};
  const Status status = asked.submit(engine);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kUnsupported);
}

TEST(Rankings, OfADecoderShareThePrefix) {
  Engine engine(std::make_unique<FakeRunner>(FakeRunner::Options{.ranks = true}), byte_tokenizer(),
                {});
  const std::string query(40, 'q');
  for (const std::string document : {"one", "two"}) {
    const auto text = bytes_of(query + document);
    const Asked asked{asks(RequestKind::kRank, Pooling::kLast, text)};
    ASSERT_TRUE(asked.submit(engine));
    EXPECT_EQ(asked.sink->wait().embedding, FakeRunner::rank_of(FakeRunner::hidden_after(text)));
  }
  EXPECT_GE(engine.stats().cached_prompt_tokens, 32);
}

}  // namespace
}  // namespace chasqui::engine
