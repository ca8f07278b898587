// How the next token is chosen, as a request says it. Plain values, validated at the edge (api/);
// the ranges here are what the chain accepts.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace chasqui::sample {

// Defaults are those of the server that chasqui replaces.
struct SamplingSpec {
  float temperature = 0.8f;        // >= 0; 0 is greedy
  int32_t top_k = 40;              // <= 0: the whole vocabulary
  float top_p = 0.95f;             // (0, 1]; 1 is off            arXiv:1904.09751
  float min_p = 0.05f;             // [0, 1]; 0 is off            arXiv:2407.01082
  float typical_p = 1.0f;          // (0, 1]; 1 is off            arXiv:2202.00666
  float tfs_z = 1.0f;              // (0, 1]; 1 is off (tail-free sampling)
  float repeat_penalty = 1.1f;     // >= 0, 1 is off              arXiv:1909.05858
  float frequency_penalty = 0.0f;  // [-2, 2]
  float presence_penalty = 0.0f;   // [-2, 2]
  int32_t penalty_last_n = 64;     // tokens that the penalties look back on, prompt included;
                                   // 0: none, -1: all
  bool penalize_newline = true;
  int32_t mirostat_mode = 0;     // 0 off, 1, 2                 arXiv:2007.14966
  float mirostat_tau = 5.0f;     // target surprise, bits
  float mirostat_eta = 0.1f;     // learning rate
  std::optional<uint64_t> seed;  // none: a fresh random one
  std::vector<std::pair<int32_t, float>> logit_bias;  // token id, added to its logit; -inf bans
};

}  // namespace chasqui::sample
