#include <gtest/gtest.h>

#include "backend/cpu/cpu_backend.h"

namespace chasqui::backend::cpu {
namespace {

TEST(Limits, ArePositiveAndPlausible) {
  const auto limits = measure_limits(1, "", 0.01);
  ASSERT_TRUE(limits) << limits.error().message;
  EXPECT_GT(limits->read_gb_per_s, 0.1);
  EXPECT_LT(limits->read_gb_per_s, 2000);
  EXPECT_GT(limits->int8_gmac_per_s, 0.1);
  EXPECT_GT(limits->f32_gmac_per_s, 0.1);
}

TEST(Limits, ZeroThreadsMeansAllProcessors) {
  EXPECT_TRUE(measure_limits(0, "", 0.01));
}

TEST(Limits, WrongArgumentsAreErrors) {
  EXPECT_FALSE(measure_limits(-1, "", 0.01));
  EXPECT_FALSE(measure_limits(1, "mmx", 0.01));
}

}  // namespace
}  // namespace chasqui::backend::cpu
