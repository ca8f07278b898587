// Between the block tables and a second tier: hands published blocks to the tier, and fills
// tables with what it has, as if their blocks had just been computed.
//
// Written when published, not when evicted: what a server holds then survives its end, however it
// comes, and giving a block away stays a matter of a few instructions. The price is that both tiers
// hold what is in use.
//
// Life of a load: begin() finds the chain that continues a table; poll() fills blocks as they
// arrive, a bounded number of bytes at a time; when loading() is false the table has what there was
// to have, and goes on computing from there. end() before the table is closed or anything else is
// done to it. A load that finds no free block ends: it takes nothing from anybody.
//
// Engine thread only.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "kv/block_mover.h"
#include "kv/kv_manager.h"
#include "kv/tier.h"

namespace chasqui::kv {

// What the records of a cache look like.
RecordShape record_shape(const KvManager& kv, const BlockMover& mover);

class TierLink {
 public:
  // All outlive the link. `kv` must report what is published (KvOptions::report_published).
  TierLink(KvManager& kv, Tier& tier, BlockMover& mover) : kv_(kv), tier_(tier), mover_(mover) {}

  // After commits and before anything is reserved: copies what was published since the last call.
  void store_published();

  // kNoLoad when the tier has nothing that continues the table. `args` as for KvManager::open();
  // the tokens are copied.
  LoadId begin(TableId table, const OpenArgs& args);
  bool loading(LoadId load) const { return loads_.contains(load) && !loads_.at(load).done; }
  void end(LoadId load);

  // Fills what has arrived, about `most_bytes` at the most. True when more may be waiting.
  bool poll(int64_t most_bytes);

 private:
  struct Load {
    TableId table = kNoTable;
    std::vector<int32_t> tokens;  // from the beginning of the prefix to the end of the chain
    bool done = false;
  };

  bool store_block(const PublishedBlock& block);
  void fill(Load& load, const LoadedBlock& block);

  KvManager& kv_;
  Tier& tier_;
  BlockMover& mover_;
  std::unordered_map<LoadId, Load> loads_;
};

}  // namespace chasqui::kv
