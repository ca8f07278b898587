#include "kv/kv_manager.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "base/checked_math.h"

namespace chasqui::kv {

KvManager::KvManager(std::vector<KvGroup> groups, KvOptions options) : options_(options) {
  if (!groups.empty()) block_tokens_ = groups.front().spec.block_tokens;
  for (const KvGroup& group : groups) {
    CHASQUI_CHECK(group.spec.block_tokens == block_tokens_ && block_tokens_ > 0,
                  "groups with blocks of {} and {} tokens", group.spec.block_tokens, block_tokens_);
    CHASQUI_CHECK(group.spec.state_every_tokens % block_tokens_ == 0,
                  "states every {} tokens with blocks of {}", group.spec.state_every_tokens,
                  block_tokens_);
    has_states_ |= group.spec.state_every_tokens > 0;
    groups_.push_back(
        {group.spec, UnitPool(group.blocks), PrefixIndex(group.blocks, block_tokens_)});
  }
  CHASQUI_CHECK(!has_states_ || !options_.report_published,
                "blocks with states cannot be reported: not all of them have one");
  found_.resize(groups_.size());
}

KvUsage KvManager::usage() const {
  KvUsage usage;
  for (const Group& group : groups_) {
    usage.total += group.pool.size();
    usage.in_use += group.pool.in_use();
    usage.cached += group.pool.cached();
  }
  return usage;
}

int64_t KvManager::peak_blocks(int group, int64_t tokens, int64_t step_tokens) const {
  const int64_t all = ceil_div(tokens, block_tokens_);
  // A span of n positions touches at most ceil((n - 1) / block) + 1 blocks.
  const auto touched = [this](int64_t n) { return ceil_div(n - 1, block_tokens_) + 1; };
  if (at(group).has_states()) {
    // That of the last full block and that before the step; those kept in it and the one after it.
    const int64_t every = at(group).spec.state_every_tokens / block_tokens_;
    const int64_t kept = ceil_div(touched(step_tokens), every) + 1;
    return std::min(all, 2 + std::min(touched(step_tokens) - 1, kept + 1));
  }
  const int64_t window = at(group).spec.window_tokens;
  if (window <= 0) return all;
  // A step's first row sees window - 1 positions before itself.
  return std::min(all, touched(window + step_tokens - 1));
}

Opened KvManager::open(const OpenArgs& args) {
  const TableId id = new_table();
  Table& table = table_at(id);
  table.share = args.share && options_.prefix_cache;
  table.tail = root_key(args.salt, options_.hash_secret);
  table.mark = args.max_hit / block_tokens_ - 1;
  if (table.share && args.max_hit >= block_tokens_) attach(table, match(args, table));
  return {id, table.computed};
}

TableId KvManager::new_table() {
  if (closed_tables_.empty()) {
    closed_tables_.push_back(static_cast<TableId>(tables_.size()));
    tables_.emplace_back();
  }
  const TableId id = closed_tables_.back();
  closed_tables_.pop_back();
  Table& table = tables_[static_cast<size_t>(id)];
  table.open = true;
  table.computed = 0;
  table.named = 0;
  table.attached = 0;
  table.rows.resize(groups_.size());
  return id;
}

int64_t KvManager::extend(TableId id, const OpenArgs& args) {
  Table& table = table_at(id);
  if (is_whole(table)) attach(table, match(args, table));
  return table.computed;
}

int64_t KvManager::borrow(TableId id, const OpenArgs& args) {
  Table& table = table_at(id);
  if (groups_.empty() || !is_whole(table)) return table.computed;
  attach(table, match(args, table));
  if (has_states_) return table.computed;  // there is no state after a part of a block
  const int64_t end = std::min(
      {args.max_hit, static_cast<int64_t>(args.tokens.size()), table.computed + block_tokens_});
  if (end <= table.computed) return table.computed;
  const auto next = args.tokens.subspan(static_cast<size_t>(table.computed),
                                        static_cast<size_t>(end - table.computed));
  const PrefixIndex::Similar similar = groups_.front().index.similar(table.tail, next);
  if (similar.common == 0 || !find_everywhere(similar.block)) return table.computed;
  for (size_t g = 0; g < groups_.size(); ++g) {
    const UnitId from = found_[g].front();
    const UnitId to = acquire(groups_[g]);
    // The oldest cached block may be the source itself: then it just changes hands.
    if (to != from) copies_.push_back({static_cast<int32_t>(g), from, to});
    table.rows[g].blocks.push_back(to);
  }
  return table.computed += similar.common;
}

// Whether the table shares, and ends with a block that it did not begin to write.
bool KvManager::is_whole(const Table& table) const {
  bool whole = table.share && table.computed == table.named * block_tokens_;
  for (const Row& row : table.rows) whole &= static_cast<int64_t>(row.blocks.size()) == table.named;
  return whole;
}

// Whether each group has this block (then at found_[g].front()) and another one to give.
bool KvManager::find_everywhere(const BlockName& block) {
  for (size_t g = 0; g < groups_.size(); ++g) {
    const UnitId unit = groups_[g].index.find(block);
    if (unit == kNoUnit || groups_[g].pool.available() == 0) return false;
    found_[g].assign(1, unit);
  }
  return true;
}

// Looks for the blocks after those that the table has. Fills found_ and found_keys_, and returns
// how many blocks may be attached.
int64_t KvManager::match(const OpenArgs& args, const Table& table) {
  found_keys_.clear();
  for (auto& units : found_) units.clear();
  const int64_t limit =
      std::min<int64_t>(args.max_hit, static_cast<int64_t>(args.tokens.size())) / block_tokens_;
  Hash128 parent = table.tail;
  bool complete = !groups_.empty();
  for (int64_t i = table.named; complete && i < limit; ++i) {
    const auto tokens = args.tokens.subspan(static_cast<size_t>(i * block_tokens_),
                                            static_cast<size_t>(block_tokens_));
    const BlockName block{block_key(parent, tokens), parent, tokens};
    for (size_t g = 0; g < groups_.size(); ++g) {
      const UnitId unit = groups_[g].index.find(block);
      found_[g].push_back(unit);
      // A group that sees little may lack early blocks; one that sees everything may not.
      const bool may_lack = groups_[g].spec.window_tokens > 0 || groups_[g].has_states();
      if (unit == kNoUnit && !may_lack) complete = false;
    }
    if (complete) found_keys_.push_back(block.key);
    parent = block.key;
  }
  return usable_blocks(table, static_cast<int64_t>(found_keys_.size()));
}

// Largest n <= candidates such that with n more blocks every group has all that the next row can
// see. One pass: `run` counts the blocks without a gap before the end.
int64_t KvManager::usable_blocks(const Table& table, int64_t candidates) const {
  std::vector<int64_t> run(groups_.size(), 0);
  for (size_t g = 0; g < groups_.size(); ++g) {
    run[g] = table.named - table.rows[g].first_live;
  }
  int64_t usable = 0;
  for (int64_t n = 1; n <= candidates; ++n) {
    const int64_t end = table.named + n;
    bool all = true;
    for (size_t g = 0; g < groups_.size(); ++g) {
      const bool found = found_[g][static_cast<size_t>(n - 1)] != kNoUnit;
      run[g] = found ? run[g] + 1 : 0;
      all &= run[g] >= end - first_held_block(groups_[g], end * block_tokens_);
    }
    if (all) usable = n;
  }
  return usable;
}

// Appends the first `blocks` found ones to the table; what the window cannot see stays out.
void KvManager::attach(Table& table, int64_t blocks) {
  if (blocks == 0) return;
  const int64_t before = table.named;
  table.named += blocks;
  table.attached = table.named;
  table.computed = table.named * block_tokens_;
  table.tail = found_keys_[static_cast<size_t>(blocks - 1)];
  for (size_t g = 0; g < groups_.size(); ++g) {
    Row& row = table.rows[g];
    const int64_t first = std::min(table.named, first_held_block(groups_[g], table.computed));
    for (int64_t i = before; i < table.named; ++i) {
      const UnitId unit = i < first ? 0 : found_[g][static_cast<size_t>(i - before)];
      if (i >= first) groups_[g].pool.retain(unit);
      row.blocks.push_back(unit);
    }
    // Only blocks from before are released; those skipped above were never held.
    for (int64_t i = std::min(first, before); i-- > row.first_live;) {
      groups_[g].pool.release(std::exchange(row.blocks[static_cast<size_t>(i)], 0));
    }
    row.first_live = first;
  }
}

bool KvManager::reserve(TableId id, int64_t tokens) {
  Table& table = table_at(id);
  const int64_t wanted = ceil_div(tokens, block_tokens_);
  // All groups or none: count first, take afterwards.
  for (size_t g = 0; g < groups_.size(); ++g) {
    const auto have = static_cast<int64_t>(table.rows[g].blocks.size());
    if (units_for(groups_[g], table, have, wanted) > groups_[g].pool.available()) return false;
  }
  for (Group& group : groups_) {
    auto& blocks = table.rows[static_cast<size_t>(&group - groups_.data())].blocks;
    const StateMarks states = marks(group, table);
    for (auto i = static_cast<int64_t>(blocks.size()); i < wanted; ++i) {
      const bool held = !group.has_states() || i + 1 == wanted || states.keeps(i);
      blocks.push_back(held ? acquire(group) : kNoUnit);
    }
  }
  return true;
}

// REQUIRES of a group without states: nothing; what it says is used for states alone.
StateMarks KvManager::marks(const Group& group, const Table& table) const {
  return {std::max<int64_t>(1, group.spec.state_every_tokens / block_tokens_), table.mark};
}

// Units that a row of `have` blocks takes to grow to `wanted`.
int64_t KvManager::units_for(const Group& group, const Table& table, int64_t have,
                             int64_t wanted) const {
  if (!group.has_states()) return std::max<int64_t>(0, wanted - have);
  return marks(group, table).states_for(have, wanted);
}

int64_t KvManager::last_border(TableId id, int64_t tokens) const {
  int64_t blocks = tokens / block_tokens_;
  for (const Group& group : groups_) {
    if (group.has_states()) blocks = marks(group, table_at(id)).border_before(blocks);
  }
  return blocks * block_tokens_;
}

int64_t KvManager::reservable(TableId id) const {
  const Table& table = table_at(id);
  int64_t blocks = INT64_MAX / block_tokens_;
  for (size_t g = 0; g < groups_.size(); ++g) {
    const Group& group = groups_[g];
    const auto have = static_cast<int64_t>(table.rows[g].blocks.size());
    const int64_t more = group.pool.available();
    blocks =
        std::min(blocks, group.has_states() ? marks(group, table).reach(have, more) : have + more);
  }
  return blocks * block_tokens_;
}

void KvManager::commit(TableId id, std::span<const int32_t> tokens, int64_t computed) {
  Table& table = table_at(id);
  CHASQUI_CHECK(computed >= table.computed && computed <= static_cast<int64_t>(tokens.size()),
                "computed {} after {} with {} tokens", computed, table.computed, tokens.size());
  for (const Row& row : table.rows) {
    CHASQUI_CHECK(static_cast<int64_t>(row.blocks.size()) * block_tokens_ >= computed,
                  "computed {} of {} reserved blocks", computed, row.blocks.size());
    CHASQUI_CHECK(
        computed == 0 || row.blocks[static_cast<size_t>((computed - 1) / block_tokens_)] >= 0,
        "no state after {} tokens", computed);
  }
  table.computed = computed;
  if (table.share) publish(table, tokens);
  leave_behind(table);
}

void KvManager::publish(Table& table, std::span<const int32_t> tokens) {
  for (; (table.named + 1) * block_tokens_ <= table.computed; ++table.named) {
    const auto block_index = static_cast<size_t>(table.named);
    const auto content = tokens.subspan(static_cast<size_t>(table.named * block_tokens_),
                                        static_cast<size_t>(block_tokens_));
    const BlockName block{block_key(table.tail, content), table.tail, content};
    bool fresh = false;
    for (size_t g = 0; g < groups_.size(); ++g) {
      const UnitId unit = table.rows[g].blocks[block_index];
      if (unit == kNoUnit) continue;  // a state that is not kept
      if (!groups_[g].index.insert(block, unit)) continue;
      groups_[g].pool.set_key(unit, block.key);
      fresh = true;
    }
    if (fresh && options_.report_published) report(table, block);
    table.tail = block.key;
  }
}

// Before a window leaves it behind: all groups have it still.
void KvManager::report(const Table& table, const BlockName& block) {
  PublishedBlock published{OwnedBlockName(block), {}};
  for (const Row& row : table.rows) {
    published.units.push_back(row.blocks[static_cast<size_t>(table.named)]);
  }
  published_.push_back(std::move(published));
}

void KvManager::each_name_after(TableId id, const OpenArgs& args,
                                const std::function<bool(const BlockName&)>& visit) const {
  const Table& table = table_at(id);
  if (groups_.empty() || !is_whole(table)) return;
  const int64_t limit =
      std::min<int64_t>(args.max_hit, static_cast<int64_t>(args.tokens.size())) / block_tokens_;
  Hash128 parent = table.tail;
  for (int64_t i = table.named; i < limit; ++i) {
    const auto tokens = args.tokens.subspan(static_cast<size_t>(i * block_tokens_),
                                            static_cast<size_t>(block_tokens_));
    const BlockName block{block_key(parent, tokens), parent, tokens};
    if (!visit(block)) return;
    parent = block.key;
  }
}

void KvManager::leave_behind(Table& table) {
  for (size_t g = 0; g < groups_.size(); ++g) {
    Row& row = table.rows[g];
    const int64_t first = std::min(static_cast<int64_t>(row.blocks.size()),
                                   first_held_block(groups_[g], table.computed));
    for (int64_t i = first; i-- > row.first_live;) {
      leave_unit(table, g, i, std::exchange(row.blocks[static_cast<size_t>(i)], 0));
    }
    row.first_live = std::max(row.first_live, first);
  }
}

// A state that the table has just come from, and that nobody else took up, makes way for the next
// one: a long answer would otherwise fill the pool with its own past.
void KvManager::leave_unit(const Table& table, size_t g, int64_t block, UnitId unit) {
  Group& group = groups_[g];
  if (unit == kNoUnit) return;
  const bool passing = group.has_states() && block >= table.attached &&
                       !marks(group, table).keeps(block) && group.pool.references(unit) == 1;
  if (passing && group.pool.key(unit)) {
    group.index.erase(*group.pool.key(unit));
    group.pool.clear_key(unit);
  }
  group.pool.release(unit);
}

void KvManager::trim(TableId id) {
  CHASQUI_CHECK(!has_states_, "a state cannot be taken back");
  Table& table = table_at(id);
  const auto kept = static_cast<size_t>(ceil_div(table.computed, block_tokens_));
  for (size_t g = 0; g < groups_.size(); ++g) {
    auto& blocks = table.rows[g].blocks;
    for (; blocks.size() > kept; blocks.pop_back()) groups_[g].pool.release(blocks.back());
  }
}

void KvManager::close(TableId id) {
  Table& table = table_at(id);
  for (size_t g = 0; g < groups_.size(); ++g) {
    Row& row = table.rows[g];
    for (auto i = static_cast<int64_t>(row.blocks.size()); i-- > row.first_live;) {
      const UnitId unit = row.blocks[static_cast<size_t>(i)];
      if (unit != kNoUnit) groups_[g].pool.release(unit);
    }
    row.blocks.clear();
    row.first_live = 0;
  }
  table.open = false;
  closed_tables_.push_back(id);
}

std::span<const int32_t> KvManager::blocks(TableId id, int group) const {
  return table_at(id).rows[static_cast<size_t>(group)].blocks;
}

int64_t KvManager::held_blocks(TableId id, int group) const {
  const Row& row = table_at(id).rows[static_cast<size_t>(group)];
  if (!at(group).has_states()) return static_cast<int64_t>(row.blocks.size()) - row.first_live;
  return std::count_if(row.blocks.begin() + row.first_live, row.blocks.end(),
                       [](UnitId unit) { return unit != kNoUnit; });
}

int64_t KvManager::first_held_block(const Group& group, int64_t position) const {
  // A row needs the state before it alone. That of the last full block stays beside it until the
  // next one is full, to be found again.
  const int64_t window = group.has_states() ? block_tokens_ + 1 : group.spec.window_tokens;
  if (window <= 0) return 0;
  return std::max<int64_t>(0, position - window + 1) / block_tokens_;
}

UnitId KvManager::acquire(Group& group) {
  const UnitPool::Acquired acquired = group.pool.acquire();
  CHASQUI_CHECK(acquired.unit != kNoUnit, "the pool is smaller than it said");
  if (acquired.evicted) group.index.erase(*acquired.evicted);
  return acquired.unit;
}

KvManager::Table& KvManager::table_at(TableId id) {
  return const_cast<Table&>(std::as_const(*this).table_at(id));
}

const KvManager::Table& KvManager::table_at(TableId id) const {
  CHASQUI_CHECK(id >= 0 && static_cast<size_t>(id) < tables_.size() &&
                    (tables_[static_cast<size_t>(id)].open),
                "table {} is not open", id);
  return tables_[static_cast<size_t>(id)];
}

// Only states may be missing, and never the one that the next row needs.
void KvManager::check_holes(const Group& group, const Table& table, const Row& row) const {
  for (auto i = row.first_live; i < static_cast<int64_t>(row.blocks.size()); ++i) {
    const bool last = table.computed > 0 && i == (table.computed - 1) / block_tokens_;
    CHASQUI_CHECK(row.blocks[static_cast<size_t>(i)] != kNoUnit || (group.has_states() && !last),
                  "block {} of a table with {} tokens has no unit", i, table.computed);
  }
}

void KvManager::check_integrity() const {
  for (size_t g = 0; g < groups_.size(); ++g) {
    const Group& group = groups_[g];
    group.pool.check_integrity();
    std::vector<int32_t> counted(static_cast<size_t>(group.pool.size()), 0);
    for (const Table& table : tables_) {
      if (!table.open) continue;
      const Row& row = table.rows[g];
      CHASQUI_CHECK(static_cast<int64_t>(row.blocks.size()) * block_tokens_ >= table.computed,
                    "{} blocks for {} tokens", row.blocks.size(), table.computed);
      CHASQUI_CHECK(row.first_live <= first_held_block(group, table.computed),
                    "block {} was left behind too early", row.first_live - 1);
      for (auto i = static_cast<size_t>(row.first_live); i < row.blocks.size(); ++i) {
        if (row.blocks[i] != kNoUnit) ++counted[static_cast<size_t>(row.blocks[i])];
      }
      check_holes(group, table, row);
    }
    int64_t keyed = 0;
    for (UnitId unit = 0; unit < group.pool.size(); ++unit) {
      CHASQUI_CHECK(counted[static_cast<size_t>(unit)] == group.pool.references(unit),
                    "unit {} has {} references, {} tables contain it", unit,
                    group.pool.references(unit), counted[static_cast<size_t>(unit)]);
      if (!group.pool.key(unit)) continue;
      ++keyed;
      CHASQUI_CHECK(group.index.unit_of(*group.pool.key(unit)) == unit,
                    "unit {} has a key that finds another", unit);
    }
    CHASQUI_CHECK(keyed == group.index.size(), "{} keys, {} found", keyed, group.index.size());
  }
}

}  // namespace chasqui::kv
