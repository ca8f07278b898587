#include "engine/internal/tier_port.h"

#include <utility>

namespace chasqui::engine {
namespace {

// Copied into the cache between two steps: a few milliseconds, about what a step of one token takes
// with a small model.
constexpr int64_t kFillBytes = 16 << 20;

}  // namespace

TierPort::TierPort(const EngineOptions& options, kv::KvManager& kv, ModelRunner& runner,
                   std::function<void()> on_loaded) {
  kv::BlockMover* mover = runner.block_mover();
  if (!options.tier.store || mover == nullptr || !kv.shares()) return;
  kv::TierOptions tier;
  tier.fingerprint = options.tier.fingerprint;
  tier.shape = kv::record_shape(kv, *mover);
  tier_ = std::make_unique<kv::Tier>(options.tier.store, tier);
  link_ = std::make_unique<kv::TierLink>(kv, *tier_, *mover);
  tier_->start(std::move(on_loaded));
}

bool TierPort::fill() {
  return link_ && link_->poll(kFillBytes);
}

void TierPort::keep() {
  if (link_) link_->store_published();
}

void TierPort::add_stats(EngineStats& stats) const {
  if (!tier_) return;
  const kv::TierStats tier = tier_->stats();
  stats.tier_loaded_blocks = tier.loaded;
  stats.tier_stored_blocks = tier.stored;
  stats.tier_dropped_blocks = tier.dropped;
  stats.tier_damaged_blocks = tier.damaged;
  stats.tier_evicted_blocks = tier.store.evicted;
  stats.tier_blocks = tier.store.records;
  stats.tier_bytes = tier.store.bytes;
  stats.tier_capacity_bytes = tier.store.capacity;
}

}  // namespace chasqui::engine
