// What the engine needs of a model. model::Model is wrapped in one for serving; tests and the
// server's own benchmark use models that compute a hash. Called by the engine thread only.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "kv/block_mover.h"
#include "model/step_inputs.h"
#include "tensor/cache_spec.h"

namespace chasqui::engine {

class ModelRunner {
 public:
  virtual ~ModelRunner() = default;

  // Called once, before the first forward(), on the thread that will call it.
  virtual void begin() {}

  virtual int32_t vocab_size() const = 0;
  virtual int32_t hidden_size() const = 0;
  virtual std::span<const CacheSpec> cache_groups() const = 0;
  // Blocks that exist in group `group`; fixed after start-up.
  virtual int64_t cache_blocks(int group) const = 0;
  // Most rows that one forward() takes.
  virtual int64_t max_rows() const = 0;
  // Most rows of one forward() that may ask for logits.
  virtual int64_t max_logit_rows() const = 0;
  // A row behind d tokens costs 1 + d / even_depth() of one at the beginning of a text; 0: rows
  // cost alike (model/row_cost.h).
  virtual int64_t even_depth() const { return 0; }

  // False: every row sees its whole text (an encoder), so that all rows of a text must be in one
  // forward(). Such a model generates nothing, and prefixes are not shared.
  virtual bool causal() const { return true; }

  // A pooled hidden state [hidden_size()] as the model gives it to the world: through its dense
  // layers, if it has any. Between two forward()s.
  virtual std::vector<float> finish_embedding(std::vector<float> pooled) { return pooled; }
  // The outputs of its ranking head for a pooled hidden state; how many: 0 where it has none.
  virtual int32_t rank_outputs() const { return 0; }
  virtual std::vector<float> rank(std::vector<float> pooled) { return pooled; }

  virtual model::StepOutputs forward(const model::StepInputs& inputs) = 0;

  // The bytes of cache blocks, for a second tier; null where there can be none. As long-lived as
  // the runner.
  virtual kv::BlockMover* block_mover() { return nullptr; }
};

}  // namespace chasqui::engine
