#include "kv/kv_manager.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "base/rng.h"

namespace chasqui::kv {
namespace {

constexpr int64_t kBlock = 4;

KvGroup full(int64_t blocks) {
  return {{kBlock, 1, 0}, blocks};
}
KvGroup windowed(int64_t blocks, int64_t window) {
  return {{kBlock, 1, window}, blocks};
}

KvGroup states(int64_t units, int64_t every_tokens) {
  return {{kBlock, 1, 0, every_tokens}, units};
}

std::vector<int32_t> count_to(int64_t n) {
  std::vector<int32_t> tokens(static_cast<size_t>(n));
  std::iota(tokens.begin(), tokens.end(), 0);
  return tokens;
}

// Opens, computes all of `tokens` at once and closes.
void remember(KvManager& kv, const std::vector<int32_t>& tokens, OpenArgs args = {}) {
  args.tokens = tokens;
  const Opened opened = kv.open(args);
  ASSERT_TRUE(kv.reserve(opened.table, static_cast<int64_t>(tokens.size())));
  kv.commit(opened.table, tokens, static_cast<int64_t>(tokens.size()));
  kv.close(opened.table);
}

int64_t hit(KvManager& kv, const std::vector<int32_t>& tokens, int64_t max_hit,
            OpenArgs args = {}) {
  args.tokens = tokens;
  args.max_hit = max_hit;
  const Opened opened = kv.open(args);
  kv.close(opened.table);
  return opened.hit_tokens;
}

TEST(KvManager, FindsTheLongestPrefixOfWholeBlocks) {
  KvManager kv({full(16)}, {});
  remember(kv, count_to(14));
  EXPECT_EQ(hit(kv, count_to(14), 13), 12);
  EXPECT_EQ(hit(kv, count_to(12), 11), 8) << "a hit leaves a token to compute";
  EXPECT_EQ(hit(kv, count_to(30), 29), 12);
  EXPECT_EQ(hit(kv, count_to(30), 0), 0);
  auto other = count_to(30);
  other[5] = 99;
  EXPECT_EQ(hit(kv, other, 29), 4);
  EXPECT_EQ(hit(kv, count_to(14), 13, {.salt = 1}), 0);
  EXPECT_EQ(hit(kv, count_to(14), 13, {.share = false}), 0);
  kv.check_integrity();
}

TEST(KvManager, PrivateTablesAndADisabledCacheFeedNothing) {
  KvManager kv({full(16)}, {});
  remember(kv, count_to(12), {.share = false});
  EXPECT_EQ(hit(kv, count_to(12), 11), 0);
  KvManager off({full(16)}, {.prefix_cache = false});
  remember(off, count_to(12));
  EXPECT_EQ(hit(off, count_to(12), 11), 0);
  EXPECT_EQ(off.usage().cached, 0);
}

TEST(KvManager, ReservesInAllGroupsOrNone) {
  KvManager kv({full(8), full(2)}, {});
  const TableId table = kv.open({}).table;
  EXPECT_FALSE(kv.reserve(table, 3 * kBlock));
  EXPECT_EQ(kv.usage().in_use, 0);
  EXPECT_EQ(kv.reservable(table), 2 * kBlock);
  EXPECT_TRUE(kv.reserve(table, 2 * kBlock));
  EXPECT_EQ(kv.usage().in_use, 4);
  kv.check_integrity();
  kv.close(table);
  EXPECT_EQ(kv.usage().in_use, 0);
}

TEST(KvManager, UnderPressureTheEndOfAPrefixIsForgottenFirst) {
  KvManager kv({full(4)}, {});
  remember(kv, count_to(16));
  const TableId other = kv.open({}).table;
  ASSERT_TRUE(kv.reserve(other, 2 * kBlock));
  EXPECT_EQ(hit(kv, count_to(16), 15), 8);
  kv.check_integrity();
}

TEST(KvManager, TheSameContentComputedTwiceIsRememberedOnce) {
  KvManager kv({full(8)}, {});
  const auto tokens = count_to(8);
  const TableId a = kv.open({.tokens = tokens}).table;
  const TableId b = kv.open({.tokens = tokens}).table;
  for (const TableId table : {a, b}) {
    ASSERT_TRUE(kv.reserve(table, 8));
    kv.commit(table, tokens, 8);
  }
  kv.check_integrity();
  kv.close(b);
  EXPECT_EQ(kv.usage().cached, 0);
  kv.close(a);
  EXPECT_EQ(kv.usage().cached, 2);
  kv.check_integrity();
}

TEST(KvManager, AWindowLeavesBlocksBehindAndHitsNeedOnlyWhatItSees) {
  // A row at position 12 with a window of 6 sees positions 7 .. 12: blocks 1, 2 and 3.
  KvManager kv({full(16), windowed(16, 6)}, {});
  const auto tokens = count_to(13);
  const TableId table = kv.open({.tokens = tokens}).table;
  ASSERT_TRUE(kv.reserve(table, 13));
  kv.commit(table, tokens, 12);
  EXPECT_EQ(kv.held_blocks(table, 0), 4);
  EXPECT_EQ(kv.held_blocks(table, 1), 3);
  EXPECT_EQ(kv.blocks(table, 1)[0], 0);
  kv.check_integrity();
  kv.close(table);
  const Opened again = kv.open({.tokens = tokens, .max_hit = 12});
  EXPECT_EQ(again.hit_tokens, 12);
  EXPECT_EQ(kv.held_blocks(again.table, 0), 3);
  EXPECT_EQ(kv.held_blocks(again.table, 1), 2);
  kv.check_integrity();
  kv.close(again.table);
}

TEST(KvManager, AHitFallsBackToALengthThatTheWindowGroupStillHas) {
  KvManager kv({full(16), windowed(3, 8)}, {});
  const auto tokens = count_to(20);
  const TableId table = kv.open({.tokens = tokens}).table;
  for (int64_t computed = 4; computed <= 20; computed += 4) {
    ASSERT_TRUE(kv.reserve(table, computed));
    kv.commit(table, tokens, computed);
  }
  kv.close(table);
  kv.check_integrity();
  // Length 20 needs window blocks 3 and 4; they are there. Shorter prompts find theirs evicted.
  EXPECT_EQ(hit(kv, count_to(24), 23), 20);
  EXPECT_LT(hit(kv, count_to(9), 8), 8);
}

TEST(KvManager, ExtendTakesWhatOthersPublishedSince) {
  KvManager kv({full(32), windowed(32, 6)}, {});
  const auto tokens = count_to(40);
  const TableId early = kv.open({.tokens = tokens}).table;
  const TableId late = kv.open({.tokens = tokens, .max_hit = 39}).table;
  const OpenArgs args{.tokens = tokens, .max_hit = 39};
  int64_t extended = 0;
  for (const int64_t computed : {8, 9, 22, 40}) {
    ASSERT_TRUE(kv.reserve(early, computed));
    kv.commit(early, tokens, computed);
    extended = kv.extend(late, args);
    EXPECT_EQ(extended, std::min<int64_t>(computed, 39) / kBlock * kBlock);
    kv.check_integrity();
  }
  EXPECT_EQ(extended, 36);
  EXPECT_EQ(kv.held_blocks(late, 1), 2);
  EXPECT_TRUE(std::ranges::equal(kv.blocks(late, 0), kv.blocks(early, 0).first(9)));
  ASSERT_TRUE(kv.reserve(late, 37));
  EXPECT_EQ(kv.extend(late, args), 36) << "a block of its own is reserved already";
  kv.close(early);
  kv.close(late);
  EXPECT_EQ(kv.usage().in_use, 0);
  kv.check_integrity();
}

TEST(KvManager, BorrowCopiesTheBeginningOfABlockThatDiffersLaterOn) {
  KvManager kv({full(16), windowed(16, 6)}, {});
  remember(kv, count_to(12));
  auto tokens = count_to(20);
  tokens[10] = 99;  // the third block agrees in two tokens
  const OpenArgs args{.tokens = tokens, .max_hit = 19};
  const Opened opened = kv.open(args);
  EXPECT_EQ(opened.hit_tokens, 8);
  EXPECT_EQ(kv.borrow(opened.table, args), 10);
  ASSERT_EQ(kv.copies().size(), 2u) << "one a group";
  EXPECT_EQ(kv.copies()[0].to, kv.blocks(opened.table, 0)[2]);
  EXPECT_NE(kv.copies()[0].from, kv.copies()[0].to);
  EXPECT_EQ(kv.borrow(opened.table, args), 10) << "once; the block is its own now";
  EXPECT_EQ(kv.extend(opened.table, args), 10);
  kv.copies_done();
  ASSERT_TRUE(kv.reserve(opened.table, 20));
  kv.commit(opened.table, tokens, 20);
  kv.check_integrity();
  kv.close(opened.table);
  EXPECT_EQ(hit(kv, tokens, 19), 16);
  EXPECT_EQ(hit(kv, count_to(12), 12), 12) << "the source is as it was";
}

TEST(KvManager, TrimGivesBackWhatWasReservedForNothing) {
  KvManager kv({full(8), windowed(8, 6)}, {});
  const TableId table = kv.open({}).table;
  const auto tokens = count_to(9);
  ASSERT_TRUE(kv.reserve(table, 24));
  kv.commit(table, tokens, 9);
  kv.trim(table);
  kv.check_integrity();
  EXPECT_EQ(kv.held_blocks(table, 0), 3);
  EXPECT_EQ(kv.held_blocks(table, 1), 2) << "the window left one behind, the others hold 4 to 8";
  EXPECT_EQ(kv.blocks(table, 0).size(), 3u);
  kv.trim(table);
  EXPECT_EQ(kv.held_blocks(table, 0), 3);
  ASSERT_TRUE(kv.reserve(table, 24));
  EXPECT_EQ(kv.held_blocks(table, 0), 6);
  kv.close(table);
  kv.check_integrity();
  EXPECT_EQ(hit(kv, tokens, 8), 8) << "full blocks stay known";
}

TEST(KvManager, BorrowRespectsTheMostThatMayComeFromTheCache) {
  KvManager kv({full(16)}, {});
  remember(kv, count_to(12));
  for (const int64_t max_hit : {0, 3, 4, 6, 8, 11, 12}) {
    const auto tokens = count_to(12);
    const Opened opened = kv.open({.tokens = tokens, .max_hit = max_hit});
    EXPECT_EQ(kv.borrow(opened.table, {.tokens = tokens, .max_hit = max_hit}), max_hit);
    kv.close(opened.table);
  }
  const auto tokens = count_to(12);
  const OpenArgs stranger{.tokens = tokens, .max_hit = 11, .salt = 1};
  const TableId table = kv.open(stranger).table;
  EXPECT_EQ(kv.borrow(table, stranger), 0);
  kv.check_integrity();
}

// The only block that can be given away is the one to copy from.
TEST(KvManager, ABorrowedBlockMayChangeHandsInAFullPool) {
  KvManager kv({full(3)}, {});
  remember(kv, count_to(8));
  const TableId other = kv.open({}).table;
  ASSERT_TRUE(kv.reserve(other, kBlock));
  auto tokens = count_to(8);
  tokens[6] = 99;
  const OpenArgs args{.tokens = tokens, .max_hit = 7};
  const TableId table = kv.open(args).table;
  EXPECT_EQ(kv.borrow(table, args), 6);
  EXPECT_TRUE(kv.copies().empty()) << "it stayed where it was";
  kv.check_integrity();
  EXPECT_EQ(kv.borrow(kv.open(args).table, args), 4) << "no block is left";
  kv.check_integrity();
}

TEST(KvManager, AModelWithoutMemoryNeedsNothing) {
  KvManager kv({}, {});
  const auto tokens = count_to(5);
  const Opened opened = kv.open({.tokens = tokens, .max_hit = 4});
  EXPECT_EQ(opened.hit_tokens, 0);
  EXPECT_TRUE(kv.reserve(opened.table, 5));
  kv.commit(opened.table, tokens, 5);
  kv.close(opened.table);
  EXPECT_EQ(kv.usage().total, 0);
}

TEST(KvManager, PeakBlocksBoundWhatASequenceHolds) {
  for (int64_t window = 1; window < 14; ++window) {
    for (int64_t step = 1; step < 10; ++step) {
      KvManager kv({windowed(64, window)}, {});
      const auto tokens = count_to(40);
      const TableId table = kv.open({.tokens = tokens}).table;
      int64_t peak = 0;
      for (int64_t computed = 0; computed < 40; computed = std::min<int64_t>(40, computed + step)) {
        ASSERT_TRUE(kv.reserve(table, std::min<int64_t>(40, computed + step)));
        peak = std::max(peak, kv.held_blocks(table, 0));
        kv.commit(table, tokens, std::min<int64_t>(40, computed + step));
      }
      EXPECT_LE(peak, kv.peak_blocks(0, 40, step)) << window << " " << step;
    }
  }
}

// What `marks` says of a row of `have` blocks, against counting.
void expect_counts(const StateMarks& marks, int64_t have) {
  int64_t kept = 0;
  for (int64_t i = 0; i < have; ++i) kept += marks.keeps(i) ? 1 : 0;
  EXPECT_EQ(marks.kept_in(have), kept);
  int64_t border = have;
  while (border > 0 && !marks.keeps(border - 1)) --border;
  EXPECT_EQ(marks.border_before(have), border);
  for (int64_t wanted = have; wanted < 20; ++wanted) {
    int64_t needed = 0;
    for (int64_t i = have; i < wanted; ++i) needed += marks.keeps(i) || i + 1 == wanted ? 1 : 0;
    EXPECT_EQ(marks.states_for(have, wanted), needed);
  }
  for (int64_t room = 0; room < 4; ++room) {
    const int64_t reach = marks.reach(have, room);
    EXPECT_LE(marks.states_for(have, reach), room);
    EXPECT_GT(marks.states_for(have, reach + 1), room);
  }
}

TEST(StateMarks, AgreeWithCounting) {
  for (int64_t every = 1; every < 6; ++every) {
    for (int64_t mark = -1; mark < 9; ++mark) {
      SCOPED_TRACE(testing::Message() << every << " " << mark);
      for (int64_t have = 0; have < 20; ++have) expect_counts({every, mark}, have);
    }
  }
}

TEST(KvManagerStates, AStepWritesTheLastStateAndThoseThatAreKept) {
  KvManager kv({full(16), states(16, 3 * kBlock)}, {});
  const auto tokens = count_to(30);
  const TableId table = kv.open({.tokens = tokens, .max_hit = 29}).table;
  ASSERT_TRUE(kv.reserve(table, 18));
  const auto row = kv.blocks(table, 1);
  ASSERT_EQ(row.size(), 5u);
  for (size_t i = 0; i < 5; ++i) EXPECT_EQ(row[i] != kNoUnit, i == 2 || i == 4) << i;
  EXPECT_EQ(kv.held_blocks(table, 1), 2);
  kv.commit(table, tokens, 18);
  kv.check_integrity();
  EXPECT_EQ(kv.held_blocks(table, 1), 1) << "the kept one is only remembered";
  EXPECT_EQ(kv.blocks(table, 0).size(), 5u);
  EXPECT_EQ(hit(kv, tokens, 29), 12) << "after 16 tokens there is no state";
  kv.close(table);
  EXPECT_EQ(kv.usage().in_use, 0);
  kv.check_integrity();
}

TEST(KvManagerStates, TheEndOfAPromptCanBeFoundAgain) {
  KvManager kv({full(32), states(16, 25 * kBlock)}, {});
  auto tokens = count_to(23);
  const TableId table = kv.open({.tokens = tokens, .max_hit = 22}).table;
  ASSERT_TRUE(kv.reserve(table, 23));
  kv.commit(table, tokens, 23);
  EXPECT_EQ(hit(kv, tokens, 22), 20);
  // The answer, token by token: its own last border besides.
  for (int64_t computed = 24; computed <= 39; ++computed) {
    tokens.push_back(500 + static_cast<int32_t>(computed));
    ASSERT_TRUE(kv.reserve(table, computed));
    kv.commit(table, tokens, computed);
    EXPECT_LE(kv.held_blocks(table, 1), 2) << "its last border and where it stands";
    kv.check_integrity();
  }
  EXPECT_EQ(kv.usage().cached, 1) << "borders of the answer were given up again";
  kv.close(table);
  tokens.resize(60);
  EXPECT_EQ(hit(kv, tokens, 59), 36) << "the whole conversation";
  EXPECT_EQ(hit(kv, count_to(23), 22), 20) << "the same prompt";
  EXPECT_EQ(hit(kv, count_to(19), 18), 0);
}

TEST(KvManagerStates, AStateThatSomebodyTookUpStays) {
  KvManager kv({full(32), states(16, 25 * kBlock)}, {});
  const auto tokens = count_to(40);
  const OpenArgs args{.tokens = tokens, .max_hit = 39};
  const TableId first = kv.open(args).table;
  ASSERT_TRUE(kv.reserve(first, 8));
  kv.commit(first, tokens, 8);
  const Opened second = kv.open(args);
  EXPECT_EQ(second.hit_tokens, 8);
  EXPECT_EQ(kv.blocks(first, 1)[1], kv.blocks(second.table, 1)[1]);
  for (const TableId table : {first, second.table}) {
    ASSERT_TRUE(kv.reserve(table, 14));
    kv.commit(table, tokens, 14);
    kv.check_integrity();
  }
  EXPECT_NE(kv.blocks(first, 1)[3], kv.blocks(second.table, 1)[3]) << "never written by two";
  kv.close(first);
  kv.close(second.table);
  EXPECT_EQ(hit(kv, tokens, 11), 8);
  EXPECT_EQ(hit(kv, tokens, 13), 8) << "no step ended after 12 tokens";
  kv.check_integrity();
}

TEST(KvManagerStates, WhoFollowsStopsAtBordersThatTheLeaderKeeps) {
  KvManager kv({full(32), states(16, 3 * kBlock)}, {});
  const auto tokens = count_to(40);
  const TableId leader = kv.open({.tokens = tokens, .max_hit = 33}).table;  // keeps block 7
  EXPECT_EQ(kv.last_border(leader, 40), 36);
  EXPECT_EQ(kv.last_border(leader, 35), 32);
  EXPECT_EQ(kv.last_border(leader, 31), 24);
  EXPECT_EQ(kv.last_border(leader, 11), 0);
  KvManager plain({full(8)}, {});
  EXPECT_EQ(plain.last_border(plain.open({}).table, 11), 8);
}

TEST(KvManagerStates, NothingIsBorrowed) {
  KvManager kv({full(16), states(8, kBlock)}, {});
  remember(kv, count_to(12));
  const auto tokens = count_to(20);
  const OpenArgs args{.tokens = tokens, .max_hit = 10};
  const TableId table = kv.open({.tokens = tokens}).table;
  EXPECT_EQ(kv.borrow(table, args), 8);
  EXPECT_TRUE(kv.copies().empty());
}

// Computes 40 tokens in steps of `step`.
void expect_peak(int64_t every, int64_t step, int64_t max_hit) {
  KvManager kv({states(64, every * kBlock)}, {});
  const auto tokens = count_to(40);
  const TableId table = kv.open({.tokens = tokens, .max_hit = max_hit}).table;
  for (int64_t computed = 0; computed < 40;) {
    computed = std::min<int64_t>(40, computed + step);
    ASSERT_TRUE(kv.reserve(table, computed));
    EXPECT_LE(kv.held_blocks(table, 0), kv.peak_blocks(0, 40, step)) << every << " " << step;
    kv.commit(table, tokens, computed);
  }
}

TEST(KvManagerStates, PeakBoundsWhatASequenceHolds) {
  for (int64_t every = 1; every < 5; ++every) {
    for (int64_t step = 1; step < 30; ++step) {
      for (int64_t max_hit = 0; max_hit < 40; max_hit += 3) expect_peak(every, step, max_hit);
    }
  }
}

constexpr int64_t kWindow = 7;

// Tables with tokens and a memory: what a table reads must be what was written for its prefix.
class KvSimulation {
 public:
  KvSimulation(uint64_t seed, std::vector<KvGroup> groups) : rng_(seed), kv_(groups, {}) {
    for (const KvGroup& group : groups) is_state_.push_back(group.spec.state_every_tokens > 0);
    for (int g = 0; g < kv_.groups(); ++g) {
      memory_.emplace_back(static_cast<size_t>(kv_.total_blocks(g) * kBlock));
    }
  }

  void step() {
    const uint64_t what = rng_.below(9);
    if (what == 0 || open_.empty()) return open();
    const size_t which = rng_.below(open_.size());
    if (what == 1) return close(which);
    if (what == 2) return extend(open_[which]);
    if (what == 3) return borrow(open_[which]);
    grow(open_[which], 1 + static_cast<int64_t>(rng_.below(9)));
  }

  KvManager& kv() { return kv_; }
  int64_t hits() const { return hits_; }
  int64_t extended() const { return extended_; }
  int64_t copied() const { return copied_; }

 private:
  struct Sequence {
    TableId table;
    std::vector<int32_t> tokens;
    int64_t computed;
    uint64_t salt;
  };
  // A slot remembers a fingerprint of all tokens up to and including its own, and the salt.
  using Memory = std::vector<uint64_t>;

  // Few different tokens, so that prefixes meet.
  std::vector<int32_t> random_tokens() {
    std::vector<int32_t> tokens(rng_.below(40) + 1);
    int32_t value = static_cast<int32_t>(rng_.below(2));
    for (int32_t& token : tokens) {
      if (rng_.below(20) == 0) value = static_cast<int32_t>(rng_.below(2));
      token = value;
    }
    return tokens;
  }

  static uint64_t fingerprint(const Sequence& sequence, int64_t position) {
    uint64_t state = sequence.salt;
    for (int64_t i = 0; i <= position; ++i) {
      state ^= static_cast<uint64_t>(sequence.tokens[static_cast<size_t>(i)]) + 17;
      state = splitmix64(state);
    }
    return state;
  }

  // Of a state group: the one state of the position's block.
  uint64_t& slot(const Sequence& sequence, int group, int64_t position) {
    if (is_state_[static_cast<size_t>(group)]) position -= position % kBlock;
    const auto block = kv_.blocks(sequence.table, group)[static_cast<size_t>(position / kBlock)];
    return memory_[static_cast<size_t>(group)]
                  [static_cast<size_t>(block * kBlock + position % kBlock)];
  }

  void open() {
    Sequence sequence{kNoTable, random_tokens(), 0, rng_.below(2)};
    const auto known = static_cast<int64_t>(sequence.tokens.size());
    const Opened opened = kv_.open({.tokens = sequence.tokens,
                                    .max_hit = known - 1,
                                    .salt = sequence.salt,
                                    .share = rng_.below(8) != 0});
    sequence.table = opened.table;
    sequence.computed = opened.hit_tokens;
    hits_ += opened.hit_tokens;
    ASSERT_LT(opened.hit_tokens, known);
    open_.push_back(sequence);
    check_visible(open_.back());
  }

  void close(size_t which) {
    kv_.close(open_[which].table);
    open_.erase(open_.begin() + static_cast<int64_t>(which));
  }

  void extend(Sequence& sequence) {
    const auto known = static_cast<int64_t>(sequence.tokens.size());
    const int64_t computed = kv_.extend(
        sequence.table,
        {.tokens = sequence.tokens, .max_hit = known - 1, .salt = sequence.salt, .share = true});
    ASSERT_GE(computed, sequence.computed);
    extended_ += computed - sequence.computed;
    sequence.computed = computed;
    check_visible(sequence);
  }

  void borrow(Sequence& sequence) {
    const auto known = static_cast<int64_t>(sequence.tokens.size());
    const int64_t computed = kv_.borrow(
        sequence.table,
        {.tokens = sequence.tokens, .max_hit = known - 1, .salt = sequence.salt, .share = true});
    ASSERT_GE(computed, sequence.computed);
    ASSERT_TRUE(computed == sequence.computed || computed < known);
    sequence.computed = computed;
    if (rng_.below(2) == 0) copy_blocks();  // or before the next write
  }

  void copy_blocks() {
    for (const BlockCopy& copy : kv_.copies()) {
      Memory& slots = memory_[static_cast<size_t>(copy.group)];
      std::copy_n(slots.begin() + copy.from * kBlock, kBlock, slots.begin() + copy.to * kBlock);
      ++copied_;
    }
    kv_.copies_done();
  }

  void grow(Sequence& sequence, int64_t by) {
    const int64_t target =
        std::min(static_cast<int64_t>(sequence.tokens.size()), sequence.computed + by);
    const bool fits = target <= kv_.reservable(sequence.table);
    ASSERT_EQ(kv_.reserve(sequence.table, target), fits);
    if (!fits) return;
    copy_blocks();
    check_visible(sequence);
    for (int g = 0; g < kv_.groups(); ++g) {
      for (int64_t p = sequence.computed; p < target; ++p) {
        if (kv_.blocks(sequence.table, g)[static_cast<size_t>(p / kBlock)] == kNoUnit) continue;
        slot(sequence, g, p) = fingerprint(sequence, p);
      }
    }
    sequence.computed = target;
    check_visible(sequence);
    kv_.commit(sequence.table, sequence.tokens, target);
  }

  void check_visible(const Sequence& sequence) {
    if (!kv_.copies().empty()) return;  // nobody may read yet
    for (int g = 0; g < kv_.groups(); ++g) {
      const int64_t seen = is_state_[static_cast<size_t>(g)] ? 2 : g == 0 ? 1000 : kWindow;
      const int64_t first = std::max<int64_t>(0, sequence.computed - seen + 1);
      for (int64_t p = first; p < sequence.computed; ++p) {
        ASSERT_EQ(slot(sequence, g, p), fingerprint(sequence, p)) << "group " << g << " at " << p;
      }
    }
  }

  Rng rng_;
  KvManager kv_;
  std::vector<bool> is_state_;
  std::vector<Memory> memory_;
  std::vector<Sequence> open_;
  int64_t hits_ = 0;
  int64_t extended_ = 0;
  int64_t copied_ = 0;
};

void run(KvSimulation& simulation) {
  for (int step = 0; step < 20'000; ++step) {
    simulation.step();
    if (testing::Test::HasFatalFailure()) FAIL() << "at step " << step;
    if (step % 8 == 0) simulation.kv().check_integrity();
  }
}

TEST(KvManager, NoTableEverReadsWhatAnotherWroteInRandomUse) {
  KvSimulation simulation(3, {full(40), windowed(24, kWindow)});
  run(simulation);
  EXPECT_GT(simulation.hits(), 10'000);
  EXPECT_GT(simulation.extended(), 300);
  EXPECT_GT(simulation.copied(), 100);
}

TEST(KvManagerStates, NoTableEverReadsAStateThatIsNotItsOwnInRandomUse) {
  KvSimulation simulation(4, {full(40), states(14, 3 * kBlock), windowed(24, kWindow)});
  run(simulation);
  EXPECT_GT(simulation.hits(), 5'000);
  EXPECT_GT(simulation.extended(), 100);
  EXPECT_EQ(simulation.copied(), 0);
}

}  // namespace
}  // namespace chasqui::kv
