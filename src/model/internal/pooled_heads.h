// What some models do with the pooled hidden state of a text: dense layers that make their
// embedding of it (Sentence Transformers), or a classifier that ranks it. Engine thread only.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/backend.h"
#include "base/result.h"
#include "gguf/file.h"
#include "model/internal/weights.h"
#include "model/model_spec.h"

namespace chasqui::model {

class PooledHeads {
 public:
  // `weights` and `backend` outlive it. kCorrupt where the layers do not fit each other.
  static Result<PooledHeads> make(const gguf::File& file, const ModelSpec& spec,
                                  const SlotSet& weights, backend::Backend& backend);
  PooledHeads() = default;  // of no model

  int64_t embedding_size() const { return embedding_size_; }
  int64_t rank_outputs() const { return rank_outputs_; }  // 0: no classifier

  // [hidden] to [embedding_size] and, REQUIRES a classifier, to [rank_outputs] logits.
  std::vector<float> embed(std::vector<float> pooled) const;
  std::vector<float> rank(std::vector<float> pooled) const;

 private:
  std::vector<float> product(const std::vector<float>& x, Slot weight, Slot bias) const;
  void activate(std::vector<float>& x) const;
  void normalize(std::vector<float>& x) const;

  // Constant after make().
  const ModelSpec* spec_ = nullptr;
  const SlotSet* weights_ = nullptr;
  backend::Backend* backend_ = nullptr;
  int64_t embedding_size_ = 0;
  int64_t rank_outputs_ = 0;

  Buffer in_;  // scratch, one row each
  Buffer out_;
};

}  // namespace chasqui::model
