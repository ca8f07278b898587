#include "sample/internal/math.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace chasqui::sample {
namespace {

TEST(SampleMath, ExpWeightIsCloseToTheRealOne) {
  for (float x = 0; x > -87; x -= 0.0137f) {
    const double want = std::exp(static_cast<double>(x));
    EXPECT_NEAR(exp_weight(x) / want, 1.0, 3e-7) << x;
  }
  EXPECT_EQ(exp_weight(0.0f), 1.0f);
}

TEST(SampleMath, ExpWeightEndsInZero) {
  EXPECT_EQ(exp_weight(-88.0f), 0.0f);
  EXPECT_EQ(exp_weight(-std::numeric_limits<float>::infinity()), 0.0f);
  EXPECT_EQ(exp_weight(std::numeric_limits<float>::quiet_NaN()), 0.0f);
}

TEST(SampleMath, LogAndExpInDouble) {
  for (double x = 1e-300; x < 1e300; x *= 1.7) {
    EXPECT_NEAR(log_real(x), std::log(x), 1e-13 * std::max(1.0, std::abs(std::log(x)))) << x;
  }
  for (double x = -690; x < 690; x += 0.73) {
    EXPECT_NEAR(exp_real(x) / std::exp(x), 1.0, 1e-13) << x;
  }
  EXPECT_EQ(log_real(1.0), 0.0);
  EXPECT_EQ(exp_real(-1e9), 0.0);
  EXPECT_EQ(exp_real(std::numeric_limits<double>::quiet_NaN()), 0.0);
  EXPECT_TRUE(std::isfinite(exp_real(1e9)));
}

}  // namespace
}  // namespace chasqui::sample
