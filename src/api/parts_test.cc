// The small parts: mailbox, work queue, vectors, JSON pieces.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <future>
#include <set>
#include <thread>

#include "api/internal/json_out.h"
#include "api/internal/mailbox.h"
#include "api/internal/plan.h"
#include "api/internal/vector_text.h"
#include "api/internal/work_queue.h"
#include "support/golden.h"

namespace json = boost::json;

namespace chasqui::api {
namespace {

using ::testing::ElementsAre;
using ::testing::MatchesRegex;

engine::Event text_event(std::string text) {
  engine::Event event;
  event.text = std::move(text);
  event.usage.completion_tokens = 1;
  return event;
}

TEST(Mailbox, WakesOnceAndKeepsEventsApart) {
  int wakes = 0;
  const auto box = std::make_shared<Mailbox>(2, 32, [&] { ++wakes; });
  const auto first = box->sink(0), second = box->sink(1);
  first->on_event(text_event("a"));
  second->on_event(text_event("x"));
  first->on_event(text_event("b"));
  EXPECT_EQ(wakes, 1);
  for (const auto& [sequence, text] :
       {std::pair(0u, "a"), std::pair(1u, "x"), std::pair(0u, "b")}) {
    const auto taken = box->take();
    ASSERT_TRUE(taken);
    EXPECT_EQ(taken->first, sequence);
    EXPECT_EQ(taken->second.text, text);
  }
  EXPECT_FALSE(box->take());
  second->on_event(text_event("y"));
  EXPECT_EQ(wakes, 2);
  box->close();
  second->on_event(text_event("z"));
  EXPECT_FALSE(box->take());
  EXPECT_EQ(wakes, 2);
}

// What nobody fetches does not pile up: beyond `separate` events, the last one takes the rest.
TEST(Mailbox, MergesWhatNobodyFetches) {
  const auto box = std::make_shared<Mailbox>(2, 2, [] {});
  const auto first = box->sink(0), second = box->sink(1);
  first->on_event(text_event("a"));
  first->on_event(text_event("b"));
  second->on_event(text_event("x"));
  first->on_event(text_event("c"));
  engine::Event last = text_event("d");
  last.finish = engine::FinishReason::kLength;
  last.usage.completion_tokens = 4;
  first->on_event(std::move(last));
  EXPECT_EQ(box->take()->second.text, "a");
  const auto merged = box->take();
  ASSERT_TRUE(merged);
  EXPECT_EQ(merged->second.text, "bcd");
  EXPECT_EQ(merged->second.usage.completion_tokens, 4);
  EXPECT_EQ(merged->second.finish, engine::FinishReason::kLength);
  EXPECT_EQ(box->take()->second.text, "x");
  first->on_event(text_event("e"));  // the merged one is gone: this stands alone
  EXPECT_EQ(box->take()->second.text, "e");
  EXPECT_FALSE(box->take());
}

// Whatever the interleaving, nothing is lost and the order of each sequence stays.
TEST(Mailbox, LosesNothingBetweenThreads) {
  constexpr int kEvents = 20000;
  std::atomic<int> wakes = 0;
  const auto box = std::make_shared<Mailbox>(2, 3, [&] { ++wakes; });
  std::thread producer([&] {
    for (int i = 0; i < kEvents; ++i) {
      box->sink(static_cast<size_t>(i % 2))->on_event(text_event(std::to_string(i) + " "));
    }
  });
  std::string seen[2];
  size_t spaces = 0;
  while (spaces < kEvents) {
    const auto taken = box->take();
    if (!taken) continue;
    seen[taken->first] += taken->second.text;
    spaces += static_cast<size_t>(std::ranges::count(taken->second.text, ' '));
  }
  producer.join();
  std::string expected[2];
  for (int i = 0; i < kEvents; ++i) expected[i % 2] += std::to_string(i) + " ";
  EXPECT_EQ(seen[0], expected[0]);
  EXPECT_EQ(seen[1], expected[1]);
  EXPECT_GT(wakes.load(), 0);
}

TEST(WorkQueue, RefusesBeyondItsCapacityAndOutlivesItself) {
  std::promise<void> started, release;
  auto queue = std::make_unique<WorkQueue>(1, 2);
  queue->try_push([&] {
    started.set_value();
    release.get_future().wait();
  });
  started.get_future().wait();
  EXPECT_TRUE(queue->try_push([] {}));
  EXPECT_TRUE(queue->try_push([] {}));
  EXPECT_FALSE(queue->try_push([] {}));
  std::atomic<bool> ran = false;
  const WorkQueue::Handle handle = queue->handle();
  handle.push([&] { ran = true; });  // goes on with something accepted
  release.set_value();
  while (!ran) std::this_thread::yield();
  queue.reset();
  handle.push([&] { FAIL() << "ran after the queue was gone"; });
}

TEST(WorkQueue, ATaskThatThrowsIsTheOnlyOneLost) {
  std::promise<void> done;
  WorkQueue queue(1, 10);
  queue.try_push([] { throw std::bad_alloc(); });
  queue.try_push([&] { done.set_value(); });
  done.get_future().wait();
}

TEST(WorkQueue, OneThreadKeepsTheOrder) {
  std::vector<int> order;
  std::promise<void> done;
  WorkQueue queue(1, 1000);
  for (int i = 0; i < 500; ++i) queue.try_push([&, i] { order.push_back(i); });
  queue.try_push([&] { done.set_value(); });
  done.get_future().wait();
  for (int i = 0; i < 500; ++i) EXPECT_EQ(order[static_cast<size_t>(i)], i);
}

TEST(Vectors, UnitLengthAndTruncation) {
  const std::vector<float> vector = {3, 4, 12};
  EXPECT_THAT(*unit_vector(vector, 2), ElementsAre(0.6f, 0.8f));
  EXPECT_FLOAT_EQ((*unit_vector(vector, 3))[2], 12.0f / 13.0f);
  EXPECT_EQ(unit_vector(vector, 99)->size(), 3u);
  EXPECT_THAT(*unit_vector(std::vector<float>{0, 0}, 2), ElementsAre(0.0f, 0.0f));
  EXPECT_FALSE(unit_vector(std::vector<float>{NAN}, 1).has_value());
  // Large values must not overflow on the way.
  EXPECT_FLOAT_EQ((*unit_vector(std::vector<float>{1e30f, 0}, 2))[0], 1.0f);
}

TEST(Vectors, TextsReadBack) {
  const std::vector<float> vector = {0.1f, -1.5e-7f, 1.0f / 3.0f, -0.0f, 1.17549435e-38f};
  const json::value parsed = json::parse(vector_json(vector));
  ASSERT_EQ(parsed.as_array().size(), vector.size());
  for (size_t i = 0; i < vector.size(); ++i) {
    EXPECT_EQ(static_cast<float>(parsed.as_array()[i].to_number<double>()), vector[i]);
  }
  const std::string base64 = vector_base64(vector);
  const std::vector<uint8_t> bytes = testing::decode_base64(base64.substr(1, base64.size() - 2));
  ASSERT_EQ(bytes.size(), vector.size() * 4);
  std::vector<float> back(vector.size());
  std::memcpy(back.data(), bytes.data(), bytes.size());
  EXPECT_EQ(back, vector);
}

TEST(Base64, KnownAnswersOfTheRfc) {
  const auto encode = [](std::string_view text) {
    return encode_base64({reinterpret_cast<const unsigned char*>(text.data()), text.size()});
  };
  EXPECT_EQ(encode(""), "");
  EXPECT_EQ(encode("f"), "Zg==");
  EXPECT_EQ(encode("fo"), "Zm8=");
  EXPECT_EQ(encode("foo"), "Zm9v");
  EXPECT_EQ(encode("foobar"), "Zm9vYmFy");
}

TEST(JsonOut, NumbersAreShortAndValid) {
  EXPECT_EQ(json::serialize(json_number(NAN)), "null");
  EXPECT_EQ(json_number(-INFINITY).as_double(), -9999.0);
  EXPECT_EQ(json_number(-0.1f).as_double(), -0.1);  // not -0.10000000149011612
}

TEST(JsonOut, EventsAreAscii) {
  EXPECT_EQ(ascii_json("[\"plain\"]"), "[\"plain\"]");
  const std::string text = "\u00e9 \u2028 \ufffd \U0001F999 \U0010FFFF \xc2\x85 ~";
  const std::string ascii = ascii_json(json::serialize(json::string(text)));
  EXPECT_EQ(ascii, R"("\u00e9 \u2028 \ufffd \ud83e\udd99 \udbff\udfff \u0085 ~")");
  EXPECT_EQ(json::parse(ascii).as_string(), text);
}

TEST(JsonOut, UsageNamesDraftsOnlyWhereThereWereAny) {
  engine::Usage usage;
  usage.completion_tokens = 9;
  EXPECT_FALSE(usage_json(usage).contains("completion_tokens_details"));
  usage.drafted_tokens = 7;
  usage.accepted_tokens = 5;
  EXPECT_EQ(json::serialize(usage_json(usage).at("completion_tokens_details")),
            R"({"accepted_prediction_tokens":5,"rejected_prediction_tokens":2})");
}

TEST(JsonOut, UuidsAreVersion4AndDiffer) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string uuid = make_uuid();
    EXPECT_THAT(uuid, MatchesRegex("[0-9a-f]+-[0-9a-f]+-4[0-9a-f]+-[89ab][0-9a-f]+-[0-9a-f]+"));
    EXPECT_EQ(uuid.size(), 36u);
    EXPECT_TRUE(seen.insert(uuid).second);
  }
}

TEST(Seeds, CopyZeroIsTheRequestItself) {
  EXPECT_EQ(derived_seed(42, 0), 42u);
  std::set<uint64_t> seeds;
  for (uint64_t i = 0; i < 128; ++i) seeds.insert(derived_seed(42, i));
  EXPECT_EQ(seeds.size(), 128u);
}

}  // namespace
}  // namespace chasqui::api
