// Accuracy of norm against the reference backend.
#include <algorithm>
#include <cmath>

#include "backend/testing/op_test.h"

namespace chasqui::backend::testing {
namespace {

// To first order: a sum over runs of 512 values is off by 36 u of the sum of the sizes (32
// additions a lane, 4 across lanes), so the root of a mean square by 18 u and the mean by 36 u of
// the mean size; multiplications by scale and weight and the sum with bias add one each, and the
// reference's rounding another.
class CpuNorm : public OpTest {
 protected:
  void compare(NormKind kind, int64_t group, float mean) {
    Rng rng(31);
    const int64_t rows = 3, cols = 2 * group;
    Rows x = random_rows(rng, rows, cols);
    for (float& value : x.values()) value += mean;
    Rows weight = random_rows(rng, 1, cols), bias = random_rows(rng, 1, cols);
    Rows expected(rows, cols), actual(rows, cols);
    NormArgs args;
    args.kind = kind;
    args.x = x.matrix();
    args.group = group;
    args.weight = weight.matrix().data;
    args.bias = bias.matrix().data;
    args.weight_per_column = true;
    args.eps = 0.01f;
    args.out = expected.matrix();
    reference_->norm(args);
    args.out = actual.matrix();
    backend_->norm(args);
    // The deviation is at least sqrt(eps), and about 1 in all but the smallest groups.
    const double deviation = group == 1 ? 0.1 : 0.5;
    const double centre = kind == NormKind::kLayer ? 36 * (double{mean} + 4) / deviation : 0;
    for (int64_t i = 0; i < rows * cols; ++i) {
      const int64_t r = i / cols, c = i % cols;
      const double b = bias.at(0, c), y = expected.at(r, c), w = std::abs(weight.at(0, c));
      const double allowed =
          kRound * (22 * std::abs(y - b) + w * centre + 2 * std::abs(y) + std::abs(b));
      ASSERT_NEAR(actual.at(r, c), y, allowed)
          << static_cast<int>(kind) << " group " << group << " mean " << mean;
    }
  }
};
CHASQUI_OP_TESTS(CpuNorm);

TEST_P(CpuNorm, AgreesWithTheReference) {
  for (const NormKind kind : {NormKind::kRms, NormKind::kLayer, NormKind::kL2}) {
    for (const int64_t group : {1, 7, 16, 100, 512, 513, 4096}) {
      compare(kind, group, 0.0f);
      compare(kind, group, 100.0f);
    }
  }
}

}  // namespace
}  // namespace chasqui::backend::testing
