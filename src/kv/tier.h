// A second tier of the prefix cache as the engine meets it: two queues of blocks, one on the way
// into a BlockStore, one out of it, and a thread between them. Neither ever blocks the engine.
//
// store() is refused while the queue is full; such a block is not kept, which costs time later and
// nothing else. load() asks for a chain of blocks; they come back through take(), in order, and end
// with the first that is not there or not right. Several chains take turns block by block, and all
// of them go before what is to be stored: somebody waits for them.
//
// A block of another model, other tokens or another prefix is never given back: names only propose,
// BlockRecord::is() decides.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/hash.h"
#include "kv/block_record.h"
#include "kv/block_store.h"

namespace chasqui::kv {

using LoadId = uint64_t;
constexpr LoadId kNoLoad = 0;

struct TierOptions {
  Hash128 fingerprint;  // of everything that the bytes of a block depend on besides its tokens
  RecordShape shape;
  // Most bytes of records in either queue. A step of 512 tokens of an 8B model makes 64 MiB.
  int64_t store_queue_bytes = 128 << 20;
  int64_t load_queue_bytes = 64 << 20;
};

struct LoadedBlock {
  LoadId load = kNoLoad;
  // Nothing: it was not there or not right, and the chain ends.
  std::optional<BlockRecord> record;
};

struct TierStats {
  int64_t loaded = 0;   // blocks given back, since start
  int64_t stored = 0;   // blocks kept, since start
  int64_t dropped = 0;  // blocks not kept: the queue or the store was full
  int64_t damaged = 0;  // records that were there and not right
  StoreStats store;
};

class Tier {
 public:
  Tier(std::shared_ptr<BlockStore> store, TierOptions options);
  // Carries out what was to be stored, and ends the thread.
  ~Tier();

  // Starts the thread. `on_loaded` is called by it when take() has something new. Without this,
  // work() is for the owner to call (tests).
  void start(std::function<void()> on_loaded);

  // Engine thread.
  const RecordShape& shape() const { return options_.shape; }
  bool contains(const Hash128& name) const { return store_->contains(name); }
  bool takes_stores() const;  // whether store() would not be refused now
  // The content must be filled in; header and checksum are the tier's affair.
  void store(OwnedBlockName block, BlockRecord record);
  void count_dropped();
  LoadId load(std::vector<OwnedBlockName> chain);  // REQUIRES: not empty
  void cancel(LoadId load);                        // what it still brings is thrown away
  std::optional<LoadedBlock> take();

  TierStats stats() const;  // any thread

  // One block in or out. False when there was nothing to do.
  bool work();

 private:
  struct Load {
    LoadId id = kNoLoad;
    std::vector<OwnedBlockName> chain;
    size_t next = 0;
  };
  struct Store {
    OwnedBlockName block;
    BlockRecord record;
  };

  void run();
  bool can_load() const;
  void load_one(std::unique_lock<std::mutex>& lock);
  void store_one(std::unique_lock<std::mutex>& lock);

  // Constant after construction or start().
  const std::shared_ptr<BlockStore> store_;
  const TierOptions options_;
  std::function<void()> on_loaded_;

  mutable std::mutex mutex_;  // held for list operations, never while the store works
  std::condition_variable changed_;
  // Guarded by mutex_.
  std::deque<Load> loads_;
  std::deque<Store> stores_;
  std::deque<LoadedBlock> loaded_;
  LoadId last_load_ = kNoLoad;
  LoadId cancelled_ = kNoLoad;  // the load that load_one() has in its hands, if it was cancelled
  LoadId in_hand_ = kNoLoad;
  TierStats stats_;
  bool stopping_ = false;
  bool unsettled_ = false;  // the store was used since settle()

  std::thread thread_;  // last: it uses everything above
};

}  // namespace chasqui::kv
