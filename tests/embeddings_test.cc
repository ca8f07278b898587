// The encoders and embedding models of the golden data as they are served, on the CPU backend:
// their vectors and scores, and the promise that an input's does not depend on company.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <future>

#include "app/serving_model.h"
#include "base/rng.h"
#include "support/golden.h"
#include "support/golden_model.h"

namespace chasqui {
namespace {

using testing::GoldenModel;

std::vector<GoldenModel> embedding_models() {
  auto models = testing::golden_models();
  std::erase_if(models, [](const GoldenModel& model) { return model.kind() == "lm"; });
  return models;
}

class VectorSink final : public engine::EventSink {
 public:
  void on_event(engine::Event event) override { last_.set_value(std::move(event)); }
  std::vector<float> wait() {
    auto future = last_.get_future();
    if (future.wait_for(std::chrono::minutes(1)) != std::future_status::ready) {
      ADD_FAILURE() << "the request never ended";
      return {};
    }
    const engine::Event event = future.get();
    EXPECT_FALSE(event.error) << event.error->message;
    return event.embedding;
  }

 private:
  std::promise<engine::Event> last_;
};

api::ServedModel serve(const GoldenModel& golden, int64_t n_batch = 512) {
  app::Settings settings = app::default_settings();
  settings.n_threads = 2;
  settings.exact = true;
  settings.n_batch = n_batch;
  settings.n_ctx = n_batch;
  auto served = app::start_serving(golden.path.string(), settings);
  EXPECT_TRUE(served) << served.error().message;
  return *served;
}

std::shared_ptr<VectorSink> ask(const api::ServedModel& model, std::vector<int32_t> text) {
  auto sink = std::make_shared<VectorSink>();
  engine::Request request;
  request.kind = model.ranks ? engine::RequestKind::kRank : engine::RequestKind::kEmbed;
  request.prompt = std::move(text);
  request.max_tokens = 0;
  request.pooling = model.pooling;
  request.sink = sink;
  const auto id = model.engine->submit(std::move(request));
  EXPECT_TRUE(id) << id.error().message;
  return sink;
}

// What the file's own pooling gives.
std::vector<float> expected_vector(const GoldenModel& golden) {
  const std::string suffix(golden.json.at("best_suffix").as_string());
  constexpr const char* kNames[] = {"", "mean", "cls", "last"};
  const auto pooling = golden.json.at("pooling_type_in_file").to_number<size_t>();
  if (pooling == 4) return testing::numbers<float>(golden.json.at("rank_score" + suffix));
  return testing::numbers<float>(golden.json.at("embedding" + suffix).at(kNames[pooling]));
}

// f32 sums in another order, and approximations of exp and tanh by a few units in the last place.
constexpr double kTolerance = 2e-3;

TEST(ServedEmbeddings, AgreeWithTheReference) {
  const auto models = embedding_models();
  if (models.empty()) GTEST_SKIP() << testing::no_golden_data();
  for (const GoldenModel& golden : models) {
    SCOPED_TRACE(golden.name);
    const api::ServedModel model = serve(golden);
    const auto vector = ask(model, testing::numbers<int32_t>(golden.json.at("tokens")))->wait();
    EXPECT_LT(testing::max_difference(vector, expected_vector(golden)), kTolerance);
  }
}

TEST(ServedEmbeddings, CompanyChangesNoBit) {
  const auto models = embedding_models();
  if (models.empty()) GTEST_SKIP() << testing::no_golden_data();
  for (const GoldenModel& golden : models) {
    SCOPED_TRACE(golden.name);
    Rng rng(7);
    std::vector<std::vector<int32_t>> texts(60);
    for (auto& text : texts) {
      text.resize(1 + rng.below(100));
      for (int32_t& token : text) token = static_cast<int32_t>(rng.below(200));
    }
    std::vector<std::vector<float>> alone;
    const api::ServedModel calm = serve(golden);
    for (const auto& text : texts) alone.push_back(ask(calm, text)->wait());
    // Steps that a text fills alone, or several together.
    const api::ServedModel crowded = serve(golden, 100);
    std::vector<std::shared_ptr<VectorSink>> sinks;
    for (const auto& text : texts) sinks.push_back(ask(crowded, text));
    for (size_t i = 0; i < texts.size(); ++i) EXPECT_EQ(sinks[i]->wait(), alone[i]) << i;
  }
}

}  // namespace
}  // namespace chasqui
