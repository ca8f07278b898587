// What the tests of ops share. The test files beside the reference backend run on every backend
// that the test program at hand names: backend/'s own program runs the reference, backend/cpu's
// runs each ISA level with one thread and with several.
#pragma once

#include <gtest/gtest.h>

#include <cctype>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "backend/ops.h"
#include "base/rng.h"

namespace chasqui::backend::testing {

// Defined once by each test program.
std::vector<std::string> backend_names();
std::unique_ptr<Backend> make_backend(const std::string& name);

// A matrix that owns its memory.
class Rows {
 public:
  Rows(int64_t rows, int64_t cols)
      : values_(static_cast<size_t>(rows * cols)), rows_(rows), cols_(cols) {}
  Rows(int64_t rows, int64_t cols, std::vector<float> values) : Rows(rows, cols) {
    EXPECT_EQ(values.size(), values_.size());
    values_ = std::move(values);
  }

  Matrix matrix() { return dense(values_.data(), rows_, cols_); }
  std::vector<float>& values() { return values_; }
  float at(int64_t row, int64_t col) const {
    return values_[static_cast<size_t>(row * cols_ + col)];
  }
  std::vector<float> row(int64_t r) const {
    return {values_.begin() + r * cols_, values_.begin() + (r + 1) * cols_};
  }

 private:
  std::vector<float> values_;
  int64_t rows_;
  int64_t cols_;
};

inline Rows random_rows(Rng& rng, int64_t rows, int64_t cols, float scale = 1.0f) {
  Rows out(rows, cols);
  for (float& value : out.values()) value = static_cast<float>(rng.normal()) * scale;
  return out;
}

// A weight of `experts` f32 matrices; its values must outlive it.
inline std::unique_ptr<Weight> f32_weight(Backend& backend, const std::vector<float>& values,
                                          int64_t rows, int64_t cols,
                                          WeightUse use = WeightUse::kMatrix) {
  TensorView view;
  view.dims = {cols, rows, static_cast<int64_t>(values.size()) / (rows * cols), 1};
  view.bytes = std::as_bytes(std::span(values));
  auto weight = backend.prepare(view, use, "test.weight");
  EXPECT_TRUE(weight) << weight.error().message;
  return std::move(*weight);
}

// Half a unit in the last place of a float of size 1: the bound of one rounding.
constexpr float kRound = 0x1p-24f;

// The fixture: one backend under test, and the reference to compare with.
class OpTest : public ::testing::TestWithParam<std::string> {
 protected:
  std::unique_ptr<Backend> backend_ = make_backend(GetParam());
  std::unique_ptr<Backend> reference_ = make_reference_backend();
};

// A test name may hold letters and digits only.
inline std::string test_name(const ::testing::TestParamInfo<std::string>& info) {
  std::string name;
  for (char c : info.param) name += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
}

#define CHASQUI_OP_TESTS(suite)                                                               \
  INSTANTIATE_TEST_SUITE_P(On, suite,                                                         \
                           ::testing::ValuesIn(::chasqui::backend::testing::backend_names()), \
                           ::chasqui::backend::testing::test_name)

}  // namespace chasqui::backend::testing
