#include "base/histogram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace chasqui {
namespace {

using ::testing::ElementsAre;

constexpr double kBounds[] = {0.5, 1, 2};

TEST(Histogram, BoundsBelongToTheRangeBelowThem) {
  Histogram histogram(kBounds);
  for (const double value : {0.0, 0.5, 0.51, 1.0, 2.0, 2.01, 1e9}) histogram.record(value);
  const HistogramSnapshot snapshot = histogram.snapshot();
  EXPECT_THAT(snapshot.counts, ElementsAre(2, 2, 1, 2));
  EXPECT_EQ(snapshot.count(), 7);
  EXPECT_DOUBLE_EQ(snapshot.sum, 0.5 + 0.51 + 1 + 2 + 2.01 + 1e9);
}

TEST(Histogram, LosesNothingBetweenThreads) {
  Histogram histogram(kBounds);
  const auto record = [&histogram] {
    for (int i = 0; i < 20000; ++i) histogram.record(i % 4);
  };
  std::thread other(record);
  record();
  other.join();
  const HistogramSnapshot snapshot = histogram.snapshot();
  EXPECT_THAT(snapshot.counts, ElementsAre(10000, 10000, 10000, 10000));
  EXPECT_DOUBLE_EQ(snapshot.sum, 10000.0 * (0 + 1 + 2 + 3));
}

}  // namespace
}  // namespace chasqui
