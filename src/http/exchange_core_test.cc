#include "http/internal/exchange_core.h"

#include <gtest/gtest.h>

namespace chasqui::http {
namespace {

struct Fixture {
  int wakes = 0;
  ExchangeCore core{Request{}, {.high_water_bytes = 10, .limit_bytes = 20}, [this] { ++wakes; }};
};

TEST(ExchangeCore, OneAnswerOnly) {
  Fixture f;
  f.core.respond({.status = 201});
  f.core.respond({.status = 202});
  f.core.start_stream({}, "");
  EXPECT_FALSE(f.core.write("x"));
  const Outgoing out = f.core.take();
  ASSERT_TRUE(out.response);
  EXPECT_EQ(out.response->status, 201);
  EXPECT_FALSE(out.head);
  EXPECT_FALSE(f.core.take().response);
}

TEST(ExchangeCore, AStreamInOrder) {
  Fixture f;
  EXPECT_FALSE(f.core.write("before the head"));
  f.core.end();  // ignored too
  f.core.start_stream({.status = 203}, "idle");
  f.core.respond({});
  EXPECT_TRUE(f.core.write("a"));
  EXPECT_TRUE(f.core.write("b"));
  Outgoing out = f.core.take();
  EXPECT_EQ(out.head->status, 203);
  EXPECT_EQ(out.bytes, "ab");  // merged
  EXPECT_FALSE(out.ended);
  EXPECT_EQ(f.core.idle_text(), "idle");
  EXPECT_TRUE(f.core.write("c"));
  f.core.end();
  EXPECT_FALSE(f.core.write("d"));
  out = f.core.take();
  EXPECT_EQ(out.bytes, "c");
  EXPECT_TRUE(out.ended);
}

TEST(ExchangeCore, OneWakeUntilTheConnectionLooks) {
  Fixture f;
  f.core.start_stream({}, "");
  f.core.write("a");
  f.core.write("b");
  EXPECT_EQ(f.wakes, 1);
  f.core.take();
  f.core.write("c");
  EXPECT_EQ(f.wakes, 2);
}

TEST(ExchangeCore, PendingCountsWhatTheSocketHasNotTaken) {
  Fixture f;
  int writable = 0;
  f.core.on_writable([&] { ++writable; });
  f.core.start_stream({}, "");
  f.core.write("12345");
  f.core.take();
  EXPECT_EQ(f.core.pending_bytes(), 5u);
  EXPECT_TRUE(f.core.writable());
  f.core.write("67890");
  EXPECT_FALSE(f.core.writable());
  f.core.written(5);
  EXPECT_EQ(f.core.pending_bytes(), 5u);
  EXPECT_EQ(writable, 1);
  f.core.take();
  f.core.written(5);
  EXPECT_EQ(writable, 1);  // it had not been full again
}

// High water 10, limit 20.
TEST(ExchangeCore, TheLimitHoldsWhileTheClientIsBehind) {
  Fixture f;
  f.core.start_stream({}, "");
  f.core.write("x");
  EXPECT_TRUE(f.core.write(std::string(100, 'x')));  // it was writable: any size
  f.core.take();
  EXPECT_TRUE(f.core.write(std::string(20, 'x')));
  EXPECT_FALSE(f.core.overflowed());
  EXPECT_FALSE(f.core.write("x"));
  EXPECT_TRUE(f.core.overflowed());
  EXPECT_EQ(f.wakes, 3);
  EXPECT_FALSE(f.core.write("x"));
}

TEST(ExchangeCore, ACaughtUpClientHasTheWholeLimitAgain) {
  Fixture f;
  f.core.start_stream({}, "");
  for (int round = 0; round < 3; ++round) {
    EXPECT_TRUE(f.core.write(std::string(10, 'x')));
    EXPECT_TRUE(f.core.write(std::string(15, 'x')));
    f.core.take();
    f.core.written(25);
  }
  EXPECT_FALSE(f.core.overflowed());
}

TEST(ExchangeCore, DisconnectTellsOnceAndDropsTheRest) {
  Fixture f;
  int told = 0;
  f.core.on_disconnect([&] { ++told; });
  f.core.start_stream({}, "");
  f.core.write("x");
  f.core.take();
  f.core.disconnect();
  f.core.disconnect();
  EXPECT_EQ(told, 1);
  EXPECT_TRUE(f.core.disconnected());
  EXPECT_EQ(f.core.pending_bytes(), 0u);
  f.core.written(1);  // the write that was under way
  EXPECT_EQ(f.core.pending_bytes(), 0u);
  EXPECT_FALSE(f.core.write("y"));
  EXPECT_EQ(f.wakes, 1);
  f.core.on_disconnect([&] { ++told; });
  EXPECT_EQ(told, 2);  // at once
}

TEST(ExchangeCore, NothingIsToldAfterTheEnd) {
  Fixture f;
  int told = 0;
  f.core.on_disconnect([&] { ++told; });
  f.core.respond({});
  f.core.finish();
  f.core.disconnect();
  f.core.on_disconnect([&] { ++told; });
  EXPECT_EQ(told, 0);
  EXPECT_FALSE(f.core.disconnected());
}

TEST(ExchangeCore, AHandleThatGoesAbandonsUnlessItAnswered) {
  const auto make = [] {
    return std::make_shared<ExchangeCore>(Request{}, ExchangeCore::Limits{10, 20}, [] {});
  };
  auto silent = make();
  std::make_shared<ExchangeHandle>(silent).reset();
  EXPECT_TRUE(silent->take().abandoned);
  auto answered = make();
  std::make_shared<ExchangeHandle>(answered)->respond({});
  EXPECT_FALSE(answered->take().abandoned);
}

}  // namespace
}  // namespace chasqui::http
