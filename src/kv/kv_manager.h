// Which blocks of the KV cache belong to which sequence. A sequence has one table here, with one
// row of blocks for each cache group of the model; tables share blocks of equal prefixes.
//
// Life of a table: open() attaches what the prefix cache knows, in whole blocks that are shared;
// borrow() adds the part of the next block that agrees, as a copy; before each step reserve() makes
// room for the step's tokens; after it commit() publishes the blocks that became full, in order,
// and lets go of blocks that a sliding window left behind; close() gives everything back, last
// block first, so that under pressure the end of a prefix is forgotten before its beginning.
//
// Copies are only asked for here (copies()); whoever runs the model carries them out before the
// next step.
//
// Recurrent states (CacheSpec::state_every_tokens) are blocks of a group too, of which a row needs
// only the one before it. Most blocks of such a group have no unit at all: those that a reserve()
// passes over are kNoUnit, but for the last one, which the step writes, and those that are kept to
// be found again (internal/state_marks.h). The last full block of a table can be found too, until
// the next one is full.
//
// Only committed tokens count: what lies behind `computed` may be written over, which is how
// rejected drafts vanish (states are never written over: with them there are no drafts). Bytes are
// opaque; device memory is never touched. A second tier (RAM, disk) takes copies of published
// blocks and fills reserved ones (tier_link.h).
//
// Engine thread only, no locks. Wrong use ends in CHECK; "no room" is an ordinary answer.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/hash.h"
#include "kv/internal/state_marks.h"
#include "kv/kv_types.h"
#include "kv/prefix_index.h"
#include "kv/unit_pool.h"

namespace chasqui::kv {

class KvManager {
 public:
  // REQUIRES: all groups have the same block_tokens > 0. No group at all is fine (a model without
  // memory): then everything fits.
  KvManager(std::vector<KvGroup> groups, KvOptions options);

  int groups() const { return static_cast<int>(groups_.size()); }
  int64_t block_tokens() const { return block_tokens_; }
  bool shares() const { return options_.prefix_cache && !groups_.empty(); }
  int64_t total_blocks(int group) const { return at(group).pool.size(); }
  int64_t available_blocks(int group) const { return at(group).pool.available(); }
  KvUsage usage() const;

  // Whether some group holds recurrent states.
  bool has_states() const { return has_states_; }

  // Most blocks of `group` that a sequence of `tokens` holds at once if it grows by steps of at
  // most `step_tokens`: all of them, or what a window and one step cover.
  int64_t peak_blocks(int group, int64_t tokens, int64_t step_tokens) const;

  // A new table with the longest prefix that every group still has.
  Opened open(const OpenArgs& args);

  // Attaches what others published since, to a table that has computed and reserved whole blocks
  // only (else nothing happens). `args` as for open(). The tokens computed now.
  int64_t extend(TableId table, const OpenArgs& args);

  // Takes what extend() would, and after that, from the published block that has the most of the
  // next tokens in its beginning, a copy that continues with tokens of its own. Nothing is copied
  // while a group has no block to spare, nor ever where there are states. Meant to be the last look
  // before the table's first own tokens; as extend(), it leaves other tables alone. The tokens
  // computed now.
  int64_t borrow(TableId table, const OpenArgs& args);

  // Copies that must be carried out, in this order, before a step touches any block. (A source
  // may be given away in the meantime: hence the order, and nobody may write first.)
  std::span<const BlockCopy> copies() const { return copies_; }
  void copies_done() { copies_.clear(); }

  // Makes positions [0, tokens) writable: all groups get their blocks, or nothing changes and the
  // answer is false.
  bool reserve(TableId table, int64_t tokens);

  // Largest `tokens` for which reserve() would succeed now.
  int64_t reservable(TableId table) const;

  // Positions [0, computed) of `tokens` are now in the cache. `tokens` may be longer. REQUIRES:
  // computed never shrinks and was reserved.
  void commit(TableId table, std::span<const int32_t> tokens, int64_t computed);

  // Gives back the blocks that were reserved behind what is computed (rejected drafts). REQUIRES:
  // no states.
  void trim(TableId table);

  void close(TableId table);

  int64_t computed(TableId table) const { return table_at(table).computed; }

  // The last position at or before `tokens` where whoever has the same tokens can go on from what
  // `table` publishes on its way.
  int64_t last_border(TableId table, int64_t tokens) const;

  // What was published since published_taken(). The units hold it until something is reserved.
  std::span<const PublishedBlock> published() const { return published_; }
  void published_taken() { published_.clear(); }

  // Names the blocks that would continue a table, one after another, until `visit` returns false.
  // `args` as for open(). None for a table that does not share or began to write a block.
  void each_name_after(TableId table, const OpenArgs& args,
                       const std::function<bool(const BlockName&)>& visit) const;

  // Block of positions [i * block_tokens(), ...) at index i; blocks that the window left behind
  // read 0 and are not the sequence's any more; kNoUnit where no state is kept. Valid until the
  // next call on this table.
  std::span<const int32_t> blocks(TableId table, int group) const;
  int64_t held_blocks(TableId table, int group) const;  // without those left behind

  // Aborts unless: each unit's reference count = tables that contain it; a key is in the index
  // exactly if its unit carries it; every table covers what it computed. O(everything); tests.
  void check_integrity() const;

 private:
  struct Group {
    CacheSpec spec;
    UnitPool pool;
    PrefixIndex index;  // INVARIANT: key -> unit here iff pool.key(unit) == key

    bool has_states() const { return spec.state_every_tokens > 0; }
  };
  struct Row {
    std::vector<UnitId> blocks;
    int64_t first_live = 0;  // blocks before it were left behind by the window
  };
  struct Table {
    bool open = false;
    bool share = false;
    int64_t computed = 0;
    int64_t named = 0;      // full blocks whose key entered `tail`; published where possible
    int64_t attached = 0;   // of these, the blocks up to the last that came from the cache
    int64_t mark = -1;      // the block whose state is kept besides the regular ones
    Hash128 tail;           // key of block `named - 1`, or the root
    std::vector<Row> rows;  // one a group
  };

  const Group& at(int group) const { return groups_[static_cast<size_t>(group)]; }
  Table& table_at(TableId table);
  const Table& table_at(TableId table) const;
  TableId new_table();
  int64_t match(const OpenArgs& args, const Table& table);
  int64_t usable_blocks(const Table& table, int64_t candidates) const;
  void attach(Table& table, int64_t blocks);
  bool is_whole(const Table& table) const;
  bool find_everywhere(const BlockName& block);
  void publish(Table& table, std::span<const int32_t> tokens);
  void report(const Table& table, const BlockName& block);
  void leave_behind(Table& table);
  void leave_unit(const Table& table, size_t group, int64_t block, UnitId unit);
  StateMarks marks(const Group& group, const Table& table) const;
  int64_t units_for(const Group& group, const Table& table, int64_t have, int64_t wanted) const;
  // First block that a table with `position` tokens holds: its next row can see something of it.
  int64_t first_held_block(const Group& group, int64_t position) const;
  UnitId acquire(Group& group);
  void check_holes(const Group& group, const Table& table, const Row& row) const;

  // Constant after construction.
  int64_t block_tokens_ = 1;
  KvOptions options_;
  bool has_states_ = false;

  std::vector<Group> groups_;
  std::vector<Table> tables_;
  std::vector<TableId> closed_tables_;  // slots of tables_ to use again
  std::vector<BlockCopy> copies_;       // asked for and not yet carried out
  std::vector<PublishedBlock> published_;
  // Scratch of match(): units found for block named + i of group g at [g][i], and the keys.
  std::vector<std::vector<UnitId>> found_;
  std::vector<Hash128> found_keys_;
};

}  // namespace chasqui::kv
