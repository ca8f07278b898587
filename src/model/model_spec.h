// What a model is, in numbers and flags: everything that the layers need to know, and no tensor.
// Made from GGUF metadata by the model's architecture (arch/), checked there; immutable after.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backend/ops.h"

namespace chasqui::model {

enum class RopeScaling {
  kNone,
  kLinear,  // positions divided by `factor`
  kYarn,    // low frequencies interpolated, high ones kept       arXiv:2309.00071
};

// One kind of rotary embedding; a model may use several (by layer).
struct RopeSpec {
  backend::RopeKind kind = backend::RopeKind::kNorm;
  int64_t rotated = 0;  // values of each head that are rotated, even
  double base = 10000.0;
  RopeScaling scaling = RopeScaling::kNone;
  double factor = 1.0;           // context extension of linear and YaRN scaling, > 0
  int64_t original_context = 0;  // YaRN: context of the training
  double yarn_beta_fast = 32.0;
  double yarn_beta_slow = 1.0;
  double yarn_extrapolation = 1.0;   // weight of the unscaled part, 0 .. 1
  double attention_factor = 1.0;     // magnitude of the rotated vectors
  bool uses_factors_tensor = false;  // rope_freqs.weight divides each pair's frequency
};

struct LayerSpec {
  int64_t heads = 0;
  int64_t kv_heads = 0;   // divides heads
  int64_t key_dim = 0;    // of one head
  int64_t value_dim = 0;  // of one head
  int64_t ffn = 0;        // width of the dense feed-forward, or of one expert
  bool experts = false;   // mixture of experts instead of a dense feed-forward
  int64_t window = 0;     // sliding window in tokens; 0: sees everything
  int rope = 0;           // index into ModelSpec::ropes; -1: not rotated
  int cache_group = 0;    // index into ModelSpec::cache_windows

  int64_t q_width() const { return heads * key_dim; }
  int64_t k_width() const { return kv_heads * key_dim; }
  int64_t v_width() const { return kv_heads * value_dim; }
  int64_t qkv_width() const { return q_width() + k_width() + v_width(); }
  int64_t attention_width() const { return heads * value_dim; }
};

struct ExpertSpec {
  int64_t count = 0;
  int64_t used = 0;
  backend::ExpertGate gate = backend::ExpertGate::kSoftmax;
  bool normalize = true;
  float scale = 1.0f;
};

struct ModelSpec {
  std::string architecture;  // "llama"
  std::string name;          // general.name, may be empty
  int64_t vocab = 0;
  int64_t hidden = 0;
  int64_t context_length = 0;  // of the training, as the file says
  std::vector<LayerSpec> layers;
  std::vector<RopeSpec> ropes;
  ExpertSpec experts;

  backend::NormKind norm = backend::NormKind::kRms;
  float norm_eps = 1e-5f;
  backend::Activation activation = backend::Activation::kSilu;
  float attention_scale = 0.0f;  // 0: 1 / sqrt(key_dim)
  float embedding_scale = 1.0f;
  float logit_scale = 1.0f;

  // For each cache group the window of its layers in tokens; 0: unlimited.
  std::vector<int64_t> cache_windows = {0};
};

}  // namespace chasqui::model
