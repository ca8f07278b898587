#include "kv/tier_link.h"

#include <new>
#include <optional>
#include <utility>

namespace chasqui::kv {

RecordShape record_shape(const KvManager& kv, const BlockMover& mover) {
  RecordShape shape;
  shape.block_tokens = kv.block_tokens();
  for (int g = 0; g < kv.groups(); ++g) shape.content_bytes += mover.block_bytes(g);
  return shape;
}

void TierLink::store_published() {
  for (const PublishedBlock& block : kv_.published()) {
    if (tier_.contains(block.block.key)) continue;
    if (!tier_.takes_stores() || !store_block(block)) tier_.count_dropped();
  }
  kv_.published_taken();
}

// False when there is no memory for the copy.
bool TierLink::store_block(const PublishedBlock& block) try {
  BlockRecord record(tier_.shape());
  std::span<std::byte> content = record.content();
  for (size_t g = 0; g < block.units.size(); ++g) {
    const auto bytes = static_cast<size_t>(mover_.block_bytes(static_cast<int>(g)));
    mover_.read(static_cast<int>(g), block.units[g], content.first(bytes));
    content = content.subspan(bytes);
  }
  tier_.store(block.block, std::move(record));
  return true;
} catch (const std::bad_alloc&) {
  return false;
}

LoadId TierLink::begin(TableId table, const OpenArgs& args) {
  std::vector<OwnedBlockName> chain;
  kv_.each_name_after(table, args, [&](const BlockName& name) {
    if (!tier_.contains(name.key)) return false;
    chain.emplace_back(name);
    return true;
  });
  if (chain.empty()) return kNoLoad;
  const auto end = static_cast<size_t>(kv_.computed(table)) +
                   chain.size() * static_cast<size_t>(kv_.block_tokens());
  const auto tokens = args.tokens.first(end);
  const LoadId id = tier_.load(std::move(chain));
  loads_.emplace(id, Load{table, {tokens.begin(), tokens.end()}, false});
  return id;
}

void TierLink::end(LoadId load) {
  if (loads_.erase(load) > 0) tier_.cancel(load);
}

bool TierLink::poll(int64_t most_bytes) {
  const int64_t each = tier_.shape().record_bytes();
  for (int64_t bytes = 0; bytes == 0 || bytes + each <= most_bytes; bytes += each) {
    if (loads_.empty()) return false;
    const std::optional<LoadedBlock> block = tier_.take();
    if (!block) return false;
    const auto found = loads_.find(block->load);
    if (found != loads_.end() && !found->second.done) fill(found->second, *block);
  }
  return true;
}

void TierLink::fill(Load& load, const LoadedBlock& block) {
  const int64_t end = kv_.computed(load.table) + kv_.block_tokens();
  if (!block.record || !kv_.reserve(load.table, end)) {
    load.done = true;
    return;
  }
  const auto index = static_cast<size_t>(end / kv_.block_tokens() - 1);
  std::span<const std::byte> content = block.record->content();
  for (int g = 0; g < kv_.groups(); ++g) {
    const auto bytes = static_cast<size_t>(mover_.block_bytes(g));
    mover_.write(g, kv_.blocks(load.table, g)[index], content.first(bytes));
    content = content.subspan(bytes);
  }
  kv_.commit(load.table, load.tokens, end);
  kv_.published_taken();  // the tier knows it
  load.done = end >= static_cast<int64_t>(load.tokens.size());
}

}  // namespace chasqui::kv
