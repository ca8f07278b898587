// What is recorded is what a walk over the inputs adds up, for plain matrices and for experts.
#include "app/recording_backend.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "base/rng.h"

namespace chasqui::app {
namespace {

using backend::dense;
using backend::WeightUse;
using quantize::ImportanceSums;

constexpr int64_t kCols = 32;
constexpr int64_t kRows = 3;

struct Recording {
  explicit Recording(bool with_output = false)
      : backend(make_recording_backend(backend::make_reference_backend(), with_output)) {}

  std::unique_ptr<backend::Weight> matrix(const char* name, int64_t experts = 1) {
    storage.emplace_back(static_cast<size_t>(kCols * kRows * experts), 0.5f);
    TensorView view{.type = DType::kF32, .dims = {kCols, kRows, experts, 1}};
    view.bytes = std::as_bytes(std::span(storage.back()));
    auto weight = backend->prepare(view, WeightUse::kMatrix, name);
    if (!weight) throw std::runtime_error(weight.error().message);
    return std::move(*weight);
  }

  std::vector<float> inputs(int64_t rows) {
    std::vector<float> x(static_cast<size_t>(rows * kCols));
    for (float& value : x) value = static_cast<float>(rng.normal());
    return x;
  }

  std::unique_ptr<RecordingBackend> backend;
  std::vector<std::vector<float>> storage;
  Rng rng{1};
};

TEST(RecordingBackend, AddsUpSquaresOfEveryRow) {
  Recording recording;
  const auto q = recording.matrix("blk.0.attn_q.weight");
  const auto k = recording.matrix("blk.0.attn_k.weight");
  std::vector<double> expected(kCols);
  int64_t rows = 0;
  for (const int64_t step : {5, 1, 7}) {
    auto x = recording.inputs(step);
    std::vector<float> y(static_cast<size_t>(step * kRows));
    const backend::LinearTarget targets[] = {
        {q.get(), nullptr, dense(y.data(), step, kRows)},
        {k.get(), nullptr, dense(y.data(), step, kRows)},
    };
    recording.backend->linear({dense(x.data(), step, kCols), targets});
    for (size_t i = 0; i < x.size(); ++i) expected[i % kCols] += double{x[i]} * x[i];
    rows += step;
  }
  for (const char* name : {"blk.0.attn_q.weight", "blk.0.attn_k.weight"}) {
    const ImportanceSums& sums = recording.backend->sums().at(name);
    ASSERT_EQ(sums.counts, std::vector<int64_t>{rows});
    for (size_t i = 0; i < kCols; ++i) EXPECT_NEAR(sums.squares[i], expected[i], 1e-9);
  }
}

void check_experts(bool row_a_token) {
  constexpr int64_t kTokens = 4;
  constexpr int64_t kUsed = 2;
  Recording recording;
  const auto experts = recording.matrix("blk.0.ffn_up_exps.weight", 3);
  const int32_t ids[kTokens * kUsed] = {0, 2, 2, 0, 0, 2, 2, 2};
  auto x = recording.inputs(row_a_token ? kTokens : kTokens * kUsed);
  std::vector<float> y(kTokens * kUsed * kRows);
  const backend::ExpertTarget targets[] = {
      {experts.get(), nullptr, dense(y.data(), kTokens * kUsed, kRows)}};
  recording.backend->expert_linear(
      {.x = dense(x.data(), static_cast<int64_t>(x.size()) / kCols, kCols),
       .targets = targets,
       .tokens = kTokens,
       .used = kUsed,
       .ids = ids});
  std::vector<double> expected(3 * kCols);
  for (int64_t slot = 0; slot < kTokens * kUsed; ++slot) {
    const int64_t row = row_a_token ? slot / kUsed : slot;
    for (int64_t i = 0; i < kCols; ++i) {
      const double value = x[static_cast<size_t>(row * kCols + i)];
      expected[static_cast<size_t>(ids[slot] * kCols + i)] += value * value;
    }
  }
  const ImportanceSums& sums = recording.backend->sums().at("blk.0.ffn_up_exps.weight");
  EXPECT_EQ(sums.counts, (std::vector<int64_t>{3, 0, 5}));
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(sums.squares[i], expected[i], 1e-9);
}

TEST(RecordingBackend, ExpertsThatShareARow) {
  check_experts(true);
}

TEST(RecordingBackend, ExpertsWithRowsOfTheirOwn) {
  check_experts(false);
}

TEST(RecordingBackend, TheOutputOnlyWhenAsked) {
  for (const bool asked : {false, true}) {
    Recording recording(asked);
    const auto output = recording.matrix("output.weight");
    auto x = recording.inputs(1);
    std::vector<float> y(kRows);
    const backend::LinearTarget targets[] = {{output.get(), nullptr, dense(y.data(), 1, kRows)}};
    recording.backend->linear({dense(x.data(), 1, kCols), targets});
    EXPECT_EQ(recording.backend->sums().contains("output.weight"), asked);
  }
}

}  // namespace
}  // namespace chasqui::app
