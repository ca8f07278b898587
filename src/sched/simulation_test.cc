// The scheduler and the KV manager under random load, with a model that is a hash of what it
// reads from a simulated cache. Whatever is batched, shared, preempted or cancelled: each
// sequence must produce what it produces alone, and each must end.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "base/rng.h"
#include "kv/ram_store.h"
#include "kv/tier_link.h"
#include "sched/scheduler.h"

namespace chasqui::sched {
namespace {

constexpr int64_t kBlock = 4;
constexpr int32_t kVocabulary = 50;

uint64_t mix(uint64_t state, uint64_t value) {
  state ^= value + 0x51ed27;
  return splitmix64(state);
}

int32_t token_of(uint64_t hash) {
  return static_cast<int32_t>(hash % kVocabulary);
}

struct Task {
  Sequence sequence;
  int64_t prompt = 0;
  int64_t answer = 0;  // tokens to sample; 0: an embedding, which ends with its prompt
  int64_t next_wanted = 0;
  bool cancelled = false;
  bool ended = false;
};

// What the task's tokens must be in the end, computed without any cache.
std::vector<int32_t> alone(const Task& task) {
  std::vector<int32_t> tokens(task.sequence.tokens.begin(),
                              task.sequence.tokens.begin() + task.prompt);
  for (int64_t i = 0; i < task.answer; ++i) {
    uint64_t hash = 0;
    for (const int32_t token : tokens) hash = mix(hash, static_cast<uint64_t>(token));
    tokens.push_back(token_of(hash));
  }
  return tokens;
}

struct World {
  std::vector<kv::KvGroup> groups;
  SchedulerOptions options;
  bool prefix_cache = true;
  int64_t tier_bytes = 0;  // > 0: with a second tier, which fails now and then
};

// Loses and changes what it should keep.
class FaultyStore final : public kv::BlockStore {
 public:
  FaultyStore(int64_t capacity, Rng& rng) : store_(kv::make_ram_store(capacity, 1)), rng_(rng) {}
  std::string describe() const override { return "faulty"; }
  uint64_t secret() const override { return store_->secret(); }
  bool contains(const Hash128& name) const override { return store_->contains(name); }
  kv::StoreStats stats() const override { return store_->stats(); }
  void forget(const Hash128& name) override { store_->forget(name); }
  bool get(const Hash128& name, std::span<std::byte> record) override {
    if (rng_.below(20) == 0 || !store_->get(name, record)) return false;
    if (rng_.below(20) == 0) record[rng_.below(record.size())] ^= std::byte{4};
    return true;
  }
  bool put(const Hash128& name, const Hash128& parent, std::span<const std::byte> record) override {
    return rng_.below(20) != 0 && store_->put(name, parent, record);
  }

 private:
  std::unique_ptr<kv::BlockStore> store_;
  Rng& rng_;
};

class Simulation : kv::BlockMover {
 public:
  Simulation(const World& world, uint64_t seed)
      : rng_(seed),
        groups_(world.groups),
        kv_(world.groups,
            {.prefix_cache = world.prefix_cache, .report_published = world.tier_bytes > 0}),
        tier_(std::make_shared<FaultyStore>(world.tier_bytes, rng_), tier_options()),
        link_(kv_, tier_, *this),
        scheduler_(kv_, world.options, world.tier_bytes > 0 ? &link_ : nullptr) {
    for (const auto& group : world.groups) {
      memory_.emplace_back(static_cast<size_t>(group.blocks * kBlock), Slot{});
    }
  }

  void run(int tasks) {
    for (int added = 0, steps = 0; added < tasks || alive() > 0; ++steps) {
      ASSERT_LT(steps, 200 * tasks) << "no progress";
      while (added < tasks && rng_.below(3) == 0) {
        add();
        ++added;
      }
      if (rng_.below(10) == 0) cancel_one();
      step();
      if (testing::Test::HasFatalFailure()) return;
    }
    for (const auto& task : tasks_) check_end(*task);
    EXPECT_EQ(kv_.usage().in_use, 0);
  }

  kv::TierStats tier() const { return tier_.stats(); }
  int64_t preemptions() const { return scheduler_.preemptions(); }
  int64_t failures() const { return failures_; }
  int64_t hits() const { return hits_; }
  int64_t copies() const { return copies_; }
  int64_t drafted() const { return drafted_; }
  int64_t accepted() const { return accepted_; }

 private:
  struct Slot {
    int32_t token = -1;
    int64_t position = -1;
    uint64_t prefix = 0;  // hash of salt and all tokens up to here
  };

  // Queues of a few blocks, so that both are full at times.
  kv::TierOptions tier_options() {
    kv::TierOptions options;
    options.shape = kv::record_shape(kv_, *this);
    options.store_queue_bytes = options.shape.record_bytes() * 6;
    options.load_queue_bytes = options.shape.record_bytes() * 2;
    return options;
  }
  int64_t block_bytes(int) const override { return kBlock * static_cast<int64_t>(sizeof(Slot)); }
  void read(int group, kv::UnitId unit, std::span<std::byte> to) override {
    std::memcpy(to.data(), &memory_[static_cast<size_t>(group)][static_cast<size_t>(unit * kBlock)],
                to.size());
  }
  void write(int group, kv::UnitId unit, std::span<const std::byte> from) override {
    std::memcpy(&memory_[static_cast<size_t>(group)][static_cast<size_t>(unit * kBlock)],
                from.data(), from.size());
  }

  void add() {
    auto& task = *tasks_.emplace_back(std::make_unique<Task>());
    Sequence& s = task.sequence;
    s.id = tasks_.size();
    s.priority = static_cast<int>(rng_.below(3));
    s.cache_salt = rng_.below(2);
    s.use_prefix_cache = rng_.below(8) != 0;
    // A piece of one of two common texts, then tokens of its own.
    const auto common = static_cast<int32_t>(rng_.below(2));
    for (int64_t i = 0, n = static_cast<int64_t>(rng_.below(30)); i < n; ++i) {
      s.tokens.push_back(common + static_cast<int32_t>(i % 7));
    }
    for (uint64_t i = 0, n = rng_.below(12) + 1; i < n; ++i) {
      s.tokens.push_back(static_cast<int32_t>(rng_.below(kVocabulary)));
    }
    task.prompt = s.known();
    task.answer = rng_.below(5) == 0 ? 0 : static_cast<int64_t>(rng_.below(30)) + 1;
    if (scheduler_.options().whole_sequences) task.answer = 0;
    s.wants_logits = task.answer > 0;
    s.wanted_from = rng_.below(4) == 0 ? 0 : task.prompt - 1;
    task.next_wanted = s.wanted_from;
    scheduler_.add(s);
  }

  void cancel_one() {
    if (tasks_.empty()) return;
    Task& task = *tasks_[rng_.below(tasks_.size())];
    task.cancelled |= !task.ended;
    scheduler_.cancel(task.sequence);
  }

  void step() {
    if (scheduler_.options().draft_rows > 0) guess();
    for (uint64_t i = rng_.below(6); i > 0; --i) tier_.work();
    link_.poll(static_cast<int64_t>(rng_.below(600)));
    const StepPlan& plan = scheduler_.plan();
    scheduler_.check_integrity();
    if (!plan.rows.empty() && rng_.below(25) == 0) {
      fail_halfway(plan);
    } else {
      compute(plan);
    }
    if (rng_.below(8) != 0) link_.store_published();
    kv_.published_taken();
    scheduler_.check_integrity();
    std::vector<Sequence*> ended;
    scheduler_.reap(ended);
    for (Sequence* sequence : ended) {
      Task& task = *tasks_[sequence->id - 1];
      ASSERT_FALSE(task.ended) << "reaped twice";
      task.ended = true;
    }
  }

  // The step's memory is anything afterwards, and its copies were not made.
  void fail_halfway(const StepPlan& plan) {
    for (const RowGroup& group : plan.rows) {
      Task& task = *tasks_[group.sequence->id - 1];
      task.cancelled = true;
      for (int g = 0; g < kv_.groups(); ++g) spoil(group, g);
    }
    scheduler_.abandon_step();
    kv_.copies_done();
  }

  void spoil(const RowGroup& group, int g) {
    for (int64_t p = group.begin; p < group.end(); ++p) {
      if (has_unit(*group.sequence, g, p)) slot(*group.sequence, g, p) = {};
    }
  }

  void compute(const StepPlan& plan) {
    if (!plan.rows.empty()) copy_blocks();
    for (const RowGroup& group : plan.rows) write(group);
    std::vector<Advance> advances;
    for (const RowGroup& group : plan.rows) advances.push_back(read(group));
    if (!plan.rows.empty()) scheduler_.commit(advances);
  }

  bool is_state(int group) const {
    return groups_[static_cast<size_t>(group)].spec.state_every_tokens > 0;
  }

  // Of a state group: the one state of the position's block.
  Slot& slot(const Sequence& s, int group, int64_t position) {
    if (is_state(group)) position -= position % kBlock;
    const int32_t block = kv_.blocks(s.table, group)[static_cast<size_t>(position / kBlock)];
    return memory_[static_cast<size_t>(group)]
                  [static_cast<size_t>(block * kBlock + position % kBlock)];
  }

  bool has_unit(const Sequence& s, int group, int64_t position) const {
    return kv_.blocks(s.table, group)[static_cast<size_t>(position / kBlock)] != kv::kNoUnit;
  }

  void copy_blocks() {
    for (const BlockCopy& copy : kv_.copies()) {
      auto& slots = memory_[static_cast<size_t>(copy.group)];
      std::copy_n(slots.begin() + copy.from * kBlock, kBlock, slots.begin() + copy.to * kBlock);
      ++copies_;
    }
    kv_.copies_done();
  }

  static uint64_t prefix_hash(const RowGroup& group, int64_t position) {
    uint64_t hash = group.sequence->cache_salt + 1;
    for (int64_t i = 0; i <= position; ++i) {
      hash = mix(hash, static_cast<uint64_t>(group.token(i)));
    }
    return hash;
  }

  void write(const RowGroup& group) {
    const Sequence& s = *group.sequence;
    for (int g = 0; g < kv_.groups(); ++g) {
      if (is_state(g)) {
        write_states(group, g);
        continue;
      }
      for (int64_t p = group.begin; p < group.end(); ++p) {
        slot(s, g, p) = {group.token(p), p, prefix_hash(group, p)};
      }
    }
  }

  // From what the state before says, whatever it is.
  void write_states(const RowGroup& group, int g) {
    const Sequence& s = *group.sequence;
    Slot state{-1, -1, s.cache_salt + 1};
    if (group.begin > 0) state = slot(s, g, group.begin - 1);
    for (int64_t p = group.begin; p < group.end(); ++p) {
      const auto token = static_cast<uint64_t>(group.token(p));
      state = {group.token(p), state.position + 1, mix(state.prefix, token)};
      if (has_unit(s, g, p)) slot(s, g, p) = state;
    }
  }

  // After all writes of the step, so that a block given to two sequences would show.
  Advance read(const RowGroup& group) {
    const Sequence& s = *group.sequence;
    Task& task = *tasks_[s.id - 1];
    if (scheduler_.options().whole_sequences) {
      EXPECT_EQ(group.count, task.prompt) << "a part of sequence " << s.id;
    }
    for (int g = 0; g < kv_.groups(); ++g) {
      const int64_t window = groups_[static_cast<size_t>(g)].spec.window_tokens;
      int64_t first = window > 0 ? std::max<int64_t>(0, group.begin - window + 1) : 0;
      if (is_state(g)) first = group.end() - 1;
      for (int64_t p = first; p < group.end(); ++p) check_slot(group, g, p);
    }
    if (group.wanted > 0) {
      EXPECT_EQ(group.end() - group.wanted, task.next_wanted)
          << "a wanted row was skipped or redone";
      task.next_wanted = group.end() - group.drafted;
    }
    if (!group.catches_up()) return {};
    if (task.answer == 0) return {-1, true};
    const Advance advance = verify(group, task.prompt + task.answer);
    task.next_wanted += advance.accepted;
    drafted_ += group.drafted;
    accepted_ += advance.accepted;
    return advance;
  }

  // Row after row while the draft is right, up to `most` tokens.
  Advance verify(const RowGroup& group, int64_t most) {
    const Sequence& s = *group.sequence;
    uint64_t hash = 0;
    int64_t p = 0;
    while (true) {
      for (; p < s.known(); ++p) hash = mix(hash, static_cast<uint64_t>(slot(s, 0, p).token));
      const int32_t token = token_of(hash);
      const bool right = p < group.end() && group.token(p) == token;
      if (p + 1 == most || !right) return {token, p + 1 == most, p - s.known()};
      hash = mix(hash, static_cast<uint64_t>(slot(s, 0, p++).token));
    }
  }

  // What follows, or something else from some place on; sometimes more than the answer takes.
  void guess() {
    for (const auto& task : tasks_) {
      Sequence& s = task->sequence;
      if (task->answer == 0 || s.state != SequenceState::kRunning || !s.draft.empty()) continue;
      const auto expected = alone(*task);
      for (auto i = static_cast<size_t>(s.known()); i < expected.size() + 2; ++i) {
        if (s.draft.size() == 5) break;
        const bool right = i < expected.size() && rng_.below(4) != 0;
        s.draft.push_back(right ? expected[i] : static_cast<int32_t>(rng_.below(kVocabulary)));
      }
    }
  }

  void check_slot(const RowGroup& rows, int group, int64_t p) {
    const Sequence& s = *rows.sequence;
    const Slot& found = slot(s, group, p);
    EXPECT_EQ(found.position, p) << "sequence " << s.id << " group " << group;
    EXPECT_EQ(found.prefix, prefix_hash(rows, p))
        << "sequence " << s.id << " reads foreign content";
  }

  void check_end(const Task& task) {
    hits_ += task.sequence.cached_tokens;
    const auto expected = alone(task);
    const auto& got = task.sequence.tokens;
    if (task.sequence.failure) {
      ++failures_;
      EXPECT_NE(task.sequence.failure->message.find("needs"), std::string::npos);
      bool too_small = false;
      for (int g = 0; g < kv_.groups(); ++g) {
        too_small |= kv_.peak_blocks(g, task.sequence.known(), 1) > kv_.total_blocks(g);
      }
      EXPECT_TRUE(too_small) << "failed although it fits";
    } else if (!task.cancelled) {
      EXPECT_EQ(got.size(), expected.size());
    }
    ASSERT_LE(got.size(), expected.size());
    EXPECT_TRUE(std::equal(got.begin(), got.end(), expected.begin()))
        << "task " << task.sequence.id;
  }

  int64_t alive() const {
    return std::ranges::count_if(tasks_, [](const auto& task) { return !task->ended; });
  }

  Rng rng_;
  std::vector<kv::KvGroup> groups_;
  kv::KvManager kv_;
  std::vector<std::vector<Slot>> memory_;
  kv::Tier tier_;
  kv::TierLink link_;
  Scheduler scheduler_;
  std::vector<std::unique_ptr<Task>> tasks_;
  int64_t failures_ = 0;
  int64_t hits_ = 0;
  int64_t copies_ = 0;
  int64_t drafted_ = 0;
  int64_t accepted_ = 0;
};

kv::KvGroup full(int64_t blocks) {
  return {{kBlock, 1, 0}, blocks};
}
kv::KvGroup windowed(int64_t blocks, int64_t window) {
  return {{kBlock, 1, window}, blocks};
}

kv::KvGroup states(int64_t units, int64_t every_tokens) {
  return {{kBlock, 1, 0, every_tokens}, units};
}

struct Counts {
  int64_t preemptions = 0;
  int64_t failures = 0;
  int64_t hits = 0;
  int64_t copies = 0;
  int64_t drafted = 0;
  int64_t accepted = 0;
  kv::TierStats tier;
};

Counts run_seeds(const World& world) {
  Counts counts;
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    Simulation simulation(world, seed);
    simulation.run(60);
    counts.preemptions += simulation.preemptions();
    counts.failures += simulation.failures();
    counts.hits += simulation.hits();
    counts.copies += simulation.copies();
    counts.drafted += simulation.drafted();
    counts.accepted += simulation.accepted();
    const kv::TierStats tier = simulation.tier();
    counts.tier.loaded += tier.loaded;
    counts.tier.damaged += tier.damaged;
    counts.tier.dropped += tier.dropped;
    counts.tier.store.evicted += tier.store.evicted;
  }
  return counts;
}

TEST(Simulation, RoomForAll) {
  const Counts counts = run_seeds(
      {{full(400)},
       {.max_sequences = 12, .max_batch_tokens = 40, .max_logit_rows = 20, .prefill_chunk = 9}});
  EXPECT_EQ(counts.failures, 0);
  EXPECT_GT(counts.hits, 1000);
  EXPECT_GT(counts.copies, 100);
}

TEST(Simulation, TinyPool) {
  const Counts counts = run_seeds(
      {{full(20)},
       {.max_sequences = 8, .max_batch_tokens = 24, .max_logit_rows = 10, .prefill_chunk = 7}});
  EXPECT_EQ(counts.failures, 0) << "every request alone fits into 20 blocks";
  EXPECT_GT(counts.preemptions, 100);
  EXPECT_GT(counts.hits, 500);
  EXPECT_GT(counts.copies, 100);
}

TEST(Simulation, PoolTooSmallForSome) {
  const Counts counts = run_seeds(
      {{full(9)},
       {.max_sequences = 8, .max_batch_tokens = 24, .max_logit_rows = 10, .prefill_chunk = 7}});
  EXPECT_GT(counts.failures, 50);
}

TEST(Simulation, OneRowAtATime) {
  run_seeds({{full(24)},
             {.max_sequences = 8, .max_batch_tokens = 1, .max_logit_rows = 1, .prefill_chunk = 1}});
}

TEST(Simulation, FullAndWindowGroup) {
  const Counts counts = run_seeds(
      {{full(24), windowed(14, 6)},
       {.max_sequences = 8, .max_batch_tokens = 24, .max_logit_rows = 10, .prefill_chunk = 7}});
  EXPECT_EQ(counts.failures, 0);
  EXPECT_GT(counts.preemptions, 50);
  EXPECT_GT(counts.hits, 100);
  EXPECT_GT(counts.copies, 50);
}

// A recurrent model: whoever goes on from a state goes on from the state after its own tokens.
TEST(Simulation, RecurrentStates) {
  const Counts counts = run_seeds(
      {{full(40), states(30, 3 * kBlock)},
       {.max_sequences = 8, .max_batch_tokens = 24, .max_logit_rows = 10, .prefill_chunk = 7}});
  EXPECT_EQ(counts.failures, 0);
  EXPECT_GT(counts.preemptions, 20);
  EXPECT_GT(counts.hits, 500);
  EXPECT_EQ(counts.copies, 0);
}

TEST(Simulation, FewStatesAndAWindow) {
  const Counts counts = run_seeds(
      {{full(30), states(5, 2 * kBlock), windowed(14, 6)},
       {.max_sequences = 8, .max_batch_tokens = 24, .max_logit_rows = 10, .prefill_chunk = 7}});
  EXPECT_EQ(counts.failures, 0) << "two states are enough for anybody";
  EXPECT_GT(counts.hits, 20);
}

// Everybody guesses, in a pool that has too little room: what was guessed wrong is in no table and
// no prefix afterwards, and what was guessed right is as if it had been sampled.
TEST(Simulation, Drafts) {
  const Counts counts = run_seeds({{full(24), windowed(14, 6)},
                                   {.max_sequences = 8,
                                    .max_batch_tokens = 24,
                                    .max_logit_rows = 16,
                                    .prefill_chunk = 7,
                                    .draft_rows = 14}});
  EXPECT_EQ(counts.failures, 0);
  EXPECT_GT(counts.preemptions, 50);
  EXPECT_GT(counts.hits, 100);
  EXPECT_GT(counts.accepted, 1000);
  EXPECT_LT(counts.accepted, counts.drafted);
}

// A second tier that is too small and loses, refuses and changes records, under a first tier that
// is too small: answers are what they are without either.
TEST(Simulation, SecondTier) {
  const Counts counts = run_seeds({.groups = {full(24), windowed(14, 6)},
                                   .options = {.max_sequences = 8,
                                               .max_batch_tokens = 24,
                                               .max_logit_rows = 16,
                                               .prefill_chunk = 7,
                                               .draft_rows = 14},
                                   .tier_bytes = 60'000});
  EXPECT_EQ(counts.failures, 0);
  EXPECT_GT(counts.preemptions, 50);
  EXPECT_GT(counts.tier.loaded, 500);
  EXPECT_GT(counts.tier.damaged, 20);
  EXPECT_GT(counts.tier.dropped, 100);
  EXPECT_GT(counts.tier.store.evicted, 100);
}

TEST(Simulation, RowsThatCostMoreTheDeeperTheyAre) {
  const Counts counts = run_seeds({{full(24)},
                                   {.max_sequences = 8,
                                    .max_batch_tokens = 80,
                                    .max_logit_rows = 10,
                                    .prefill_chunk = 40,
                                    .even_depth = 20}});
  EXPECT_EQ(counts.failures, 0);
  EXPECT_GT(counts.hits, 100);
}

// Every text in one step, where one alone fills most of a step and of the pool.
TEST(Simulation, WholeSequences) {
  const SchedulerOptions options = {.max_sequences = 8,
                                    .max_batch_tokens = 42,
                                    .max_logit_rows = 10,
                                    .prefill_chunk = 7,
                                    .whole_sequences = true};
  const Counts counts = run_seeds({{full(16), windowed(16, 6)}, options, false});
  EXPECT_EQ(counts.failures, 0);
  EXPECT_GT(run_seeds({{full(8)}, options, false}).failures, 50) << "a pool smaller than a text";
}

TEST(Simulation, WithoutPrefixCache) {
  const Counts counts = run_seeds(
      {{full(24)},
       {.max_sequences = 8, .max_batch_tokens = 24, .max_logit_rows = 10, .prefill_chunk = 7},
       false});
  EXPECT_EQ(counts.hits, 0);
}

}  // namespace
}  // namespace chasqui::sched
