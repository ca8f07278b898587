// The engine's end of the second tier: what the options ask for, as a link for the scheduler and
// two calls around each step. Does nothing where there is no tier. Engine thread only, but for
// stats().
#pragma once

#include <functional>
#include <memory>

#include "engine/engine.h"
#include "engine/model_runner.h"
#include "kv/kv_manager.h"
#include "kv/tier.h"
#include "kv/tier_link.h"

namespace chasqui::engine {

class TierPort {
 public:
  // Both outlive the port. `on_loaded` is called by the tier's thread.
  TierPort(const EngineOptions& options, kv::KvManager& kv, ModelRunner& runner,
           std::function<void()> on_loaded);

  kv::TierLink* link() { return link_.get(); }  // null: no tier

  // Before a plan: puts what has arrived into the cache, a bounded part of it. True when more may
  // be waiting.
  bool fill();
  // After a step was committed: copies what it published.
  void keep();

  void add_stats(EngineStats& stats) const;

 private:
  std::unique_ptr<kv::Tier> tier_;
  std::unique_ptr<kv::TierLink> link_;
};

}  // namespace chasqui::engine
