// Accuracy of norm against the reference backend.
#include <algorithm>
#include <cmath>

#include "backend/testing/op_test.h"

namespace chasqui::backend::testing {
namespace {

class CpuNorm : public OpTest {};
CHASQUI_OP_TESTS(CpuNorm);

// To first order: a sum over runs of 512 values is off by 36 u of the sum of the sizes (32
// additions a lane, 4 across lanes), so the root of a mean square by 18 u and the mean by 36 u of
// the mean size; multiplications by scale and weight and the sum with bias add one each, and the
// reference's rounding another.
TEST_P(CpuNorm, AgreesWithTheReference) {
  Rng rng(31);
  for (const NormKind kind : {NormKind::kRms, NormKind::kLayer}) {
    for (const int64_t group : {1, 7, 16, 100, 512, 513, 4096}) {
      for (const float mean : {0.0f, 100.0f}) {
        const int64_t rows = 3, groups = 2;
        Rows x = random_rows(rng, rows, groups * group);
        for (float& value : x.values()) value += mean;
        Rows weight = random_rows(rng, 1, groups * group),
             bias = random_rows(rng, 1, groups * group);
        Rows expected(rows, groups * group), actual(rows, groups * group);
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
        const double size = double{mean} + 4;
        const double mean_error =
            kind == NormKind::kLayer ? 36 * size / std::sqrt(double{args.eps}) : 0;
        for (int64_t r = 0; r < rows; ++r) {
          for (int64_t c = 0; c < groups * group; ++c) {
            const double b = bias.at(0, c), y = expected.at(r, c), w = std::abs(weight.at(0, c));
            const double spread = group == 1 ? mean_error : mean_error * 0.2;
            const double allowed =
                kRound * (22 * std::abs(y - b) + w * spread + 2 * std::abs(y) + std::abs(b));
            ASSERT_NEAR(actual.at(r, c), y, allowed)
                << static_cast<int>(kind) << " group " << group << " mean " << mean;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace chasqui::backend::testing
