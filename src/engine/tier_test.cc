// The engine with a second tier: the same answers, and less to compute.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <semaphore>

#include "engine/internal/test_support.h"
#include "kv/ram_store.h"

namespace chasqui::engine {
namespace {

using namespace testing;

class EngineTierTest : public ::testing::Test {
 protected:
  void start(FakeRunner::Options runner, std::shared_ptr<kv::BlockStore> store,
             Hash128 fingerprint = {1, 2}) {
    EngineOptions options;
    options.tier = {std::move(store), fingerprint};
    engine_.reset();
    engine_ =
        std::make_unique<Engine>(std::make_unique<FakeRunner>(runner), byte_tokenizer(), options);
  }

  static std::vector<int32_t> prompt(size_t tokens, int32_t kind = 0) {
    std::vector<int32_t> out;
    for (size_t i = 0; i < tokens; ++i) {
      out.push_back(kFirstByte + static_cast<int32_t>((i * 7 + i / 13) % 90) + kind);
    }
    return out;
  }
  std::shared_ptr<Collector> send(const std::vector<int32_t>& tokens, uint64_t seed,
                                  uint64_t salt = 0) {
    auto sink = std::make_shared<Collector>();
    Request request = greedy(tokens, 40, sink);
    request.sampling.temperature = 1.0f;
    request.sampling.seed = seed;
    request.ignore_eos = true;
    request.cache_salt = salt;
    EXPECT_TRUE(engine_->submit(std::move(request)));
    return sink;
  }
  Event ask(const std::vector<int32_t>& tokens, uint64_t seed, uint64_t salt = 0) {
    return send(tokens, seed, salt)->wait();
  }

  std::unique_ptr<Engine> engine_;
};

TEST_F(EngineTierTest, AnotherEngineGoesOnWhereTheFirstEnded) {
  for (const int64_t window : {0, 40}) {
    start({.window = window}, nullptr);
    const Event plain = ask(prompt(300), 1);
    EXPECT_EQ(engine_->stats().tier_capacity_bytes, 0);

    const std::shared_ptr<kv::BlockStore> store = kv::make_ram_store(1 << 22, 5);
    start({.window = window}, store);
    const Event first = ask(prompt(300), 1);
    EXPECT_EQ(first.text, plain.text);
    EXPECT_EQ(first.usage.cached_prompt_tokens, 0);
    EXPECT_EQ(engine_->stats().tier_loaded_blocks, 0);

    start({.window = window}, store);
    const Event second = ask(prompt(300), 1);
    EXPECT_EQ(second.text, plain.text);
    EXPECT_EQ(second.usage.cached_prompt_tokens, 288) << "all whole blocks";
    EXPECT_EQ(engine_->stats().tier_loaded_blocks, 18);
    EXPECT_EQ(engine_->stats().prompt_tokens, 12);
    const Event third = ask(prompt(300), 1);
    EXPECT_EQ(third.text, plain.text);
    EXPECT_EQ(engine_->stats().tier_loaded_blocks, 18) << "the first tier had it";

    // The answer was kept, too, as a conversation that goes on needs it.
    std::vector<int32_t> longer = prompt(300);
    for (const char c : plain.text) longer.push_back(kFirstByte + static_cast<uint8_t>(c));
    start({.window = window}, store);
    EXPECT_GE(ask(longer, 1).usage.cached_prompt_tokens, 288);
  }
}

TEST_F(EngineTierTest, OthersFindNothing) {
  const std::shared_ptr<kv::BlockStore> store = kv::make_ram_store(1 << 22, 5);
  start({}, store);
  ask(prompt(200), 1, 7);
  start({}, store);
  EXPECT_EQ(ask(prompt(200), 1, 8).usage.cached_prompt_tokens, 0) << "another salt";
  EXPECT_EQ(ask(prompt(200), 1, 7).usage.cached_prompt_tokens, 192);
  start({}, store, {1, 3});
  EXPECT_EQ(ask(prompt(200), 1, 7).usage.cached_prompt_tokens, 0) << "another model";
  EXPECT_EQ(engine_->stats().tier_damaged_blocks, 0) << "its names are others already";
}

// A first tier with room for two requests, a second with room for some of the rest, and everybody
// at once: what is loaded, evicted, preempted and computed again changes no answer.
TEST_F(EngineTierTest, ManyAtOnceInLittleRoom) {
  constexpr uint64_t kRequests = 24;
  const auto tokens = [](uint64_t i) {
    std::vector<int32_t> prompt = EngineTierTest::prompt(150, static_cast<int32_t>(i % 4));
    for (uint64_t t = 0; t < i % 5 * 9; ++t) prompt.push_back(kFirstByte + static_cast<int32_t>(i));
    return prompt;
  };
  std::vector<std::string> alone;
  start({}, nullptr);
  for (uint64_t i = 0; i < kRequests; ++i) alone.push_back(ask(tokens(i), i).text);

  const std::shared_ptr<kv::BlockStore> store = kv::make_ram_store(20'000, 5);
  for (int round = 0; round < 3; ++round) {
    start({.blocks = 30, .window = round == 2 ? 50 : 0}, store, {1, static_cast<uint64_t>(round)});
    std::vector<std::shared_ptr<Collector>> sinks;
    for (uint64_t i = 0; i < kRequests; ++i) sinks.push_back(send(tokens(i), i));
    for (uint64_t i = 0; i < kRequests; ++i) {
      const Event event = sinks[i]->wait();
      EXPECT_FALSE(event.error) << event.error->message;
      EXPECT_EQ(event.text, alone[i]) << "round " << round << " request " << i;
    }
  }
  engine_.reset();  // carries out what was to be stored
  EXPECT_GT(store->stats().evicted, 0);
}

// What cannot be loaded in the end is computed.
TEST_F(EngineTierTest, DamagedRecordsAreComputed) {
  class Liar final : public kv::BlockStore {
   public:
    std::string describe() const override { return "liar"; }
    uint64_t secret() const override { return 1; }
    bool contains(const Hash128&) const override { return true; }
    kv::StoreStats stats() const override { return {}; }
    bool get(const Hash128&, std::span<std::byte> record) override {
      std::ranges::fill(record, std::byte{7});
      return true;
    }
    bool put(const Hash128&, const Hash128&, std::span<const std::byte>) override { return false; }
    void forget(const Hash128&) override {}
  };
  start({}, nullptr);
  const Event plain = ask(prompt(100), 1);
  start({}, std::make_shared<Liar>());
  const Event event = ask(prompt(100), 1);
  EXPECT_EQ(event.text, plain.text);
  EXPECT_EQ(event.usage.cached_prompt_tokens, 0);
  EXPECT_EQ(engine_->stats().tier_damaged_blocks, 1);
}

TEST_F(EngineTierTest, CancelledWhileItLoads) {
  class Slow final : public kv::BlockStore {
   public:
    explicit Slow(std::shared_ptr<kv::BlockStore> store) : store_(std::move(store)) {}
    std::string describe() const override { return "slow"; }
    uint64_t secret() const override { return store_->secret(); }
    bool contains(const Hash128& name) const override { return store_->contains(name); }
    kv::StoreStats stats() const override { return store_->stats(); }
    bool get(const Hash128& name, std::span<std::byte> record) override {
      asked.release();
      go.acquire();
      return store_->get(name, record);
    }
    bool put(const Hash128& name, const Hash128& parent,
             std::span<const std::byte> record) override {
      return store_->put(name, parent, record);
    }
    void forget(const Hash128& name) override { store_->forget(name); }

    std::counting_semaphore<> asked{0};
    std::counting_semaphore<> go{0};

   private:
    std::shared_ptr<kv::BlockStore> store_;
  };
  const auto store = std::make_shared<Slow>(kv::make_ram_store(1 << 22, 5));
  start({}, store);
  const Event plain = ask(prompt(200), 1);
  start({}, store);
  auto sink = std::make_shared<Collector>();
  const auto id = engine_->submit(greedy(prompt(200), 10, sink));
  ASSERT_TRUE(id);
  store->asked.acquire();
  // Others go on while the store keeps one waiting.
  EXPECT_EQ(ask(prompt(50, 3), 2).usage.completion_tokens, 40);
  engine_->cancel(*id);
  EXPECT_EQ(sink->wait().finish, FinishReason::kCancelled);
  store->go.release(100);
  EXPECT_EQ(ask(prompt(200), 1).text, plain.text);
}

}  // namespace
}  // namespace chasqui::engine
