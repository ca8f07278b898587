// What a model is, in numbers and flags: everything that the layers need to know, and no tensor.
// Made from GGUF metadata by the model's architecture (arch/), checked there; immutable after.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backend/ops.h"
#include "backend/recurrent_ops.h"

namespace chasqui::model {

enum class RopeScaling {
  kNone,
  kLinear,  // positions divided by `factor`
  kYarn,    // low frequencies interpolated, high ones kept       arXiv:2309.00071
};

// Tensors that divide each pair's frequency.
enum class RopeFactors {
  kNone,
  kAlways,     // rope_freqs.weight
  kByContext,  // rope_factors_long.weight where the served context is longer than
               // `original_context`, else rope_factors_short.weight       arXiv:2402.13753
};

// One kind of rotary embedding; a model may use several (by layer).
struct RopeSpec {
  backend::RopeKind kind = backend::RopeKind::kNorm;
  int64_t rotated = 0;  // values of each head that are rotated, even
  double base = 10000.0;
  RopeScaling scaling = RopeScaling::kNone;
  double factor = 1.0;           // context extension of linear and YaRN scaling, > 0
  int64_t original_context = 0;  // YaRN and kByContext: context of the training
  double yarn_beta_fast = 32.0;
  double yarn_beta_slow = 1.0;
  double yarn_extrapolation = 1.0;  // weight of the unscaled part, 0 .. 1
  // YaRN multiplies the rotated vectors by g(yarn_mscale) / g(yarn_mscale_all), where
  // g(m) = 1 + 0.1 m ln(factor) for factors above 1.
  double yarn_mscale = 1.0;
  double yarn_mscale_all = 0.0;
  double attention_factor = 1.0;  // multiplies the rotated vectors as well, with every scaling
  RopeFactors factors = RopeFactors::kNone;
  bool overridable = true;  // a user's rope settings apply; not to that of windowed layers
};

// What mixes the tokens of a sequence in a layer.
enum class Mixer {
  kNone,             // not decided yet; no model has it once it is read
  kAttention,        // queries, keys and values of all heads
  kLatentAttention,  // keys and values from one compressed vector    arXiv:2405.04434, section 2.1
  kDeltaNet,         // a recurrent state under the gated delta rule  arXiv:2412.06464
  kShortConv,        // a gated convolution over a few tokens         arXiv:2511.23404 (LFM2)
};

struct LayerSpec {
  Mixer mixer = Mixer::kAttention;
  int64_t heads = 0;
  int64_t kv_heads = 0;        // divides heads
  int64_t key_dim = 0;         // of one head, as it is cached
  int64_t value_dim = 0;       // of one head, as it is cached
  int64_t ffn = 0;             // width of the dense feed-forward, or of one expert
  bool experts = false;        // mixture of experts instead of a dense feed-forward
  int64_t shared_ffn = 0;      // width of the feed-forward that runs beside experts; 0: none
  int64_t window = 0;          // sliding window in tokens; 0: sees everything
  int rope = 0;                // index into ModelSpec::ropes; -1: not rotated
  int cache_group = 0;         // index into ModelSpec::cache_windows
  int kv_layer = -1;           // reads the keys and values of this earlier layer; -1: has its own
  bool value_is_key = false;   // no value projection: values are the keys before norm and rope
  bool plain_qk_norm = false;  // queries and keys are normalised by head, without weights
  bool scales_queries = true;  // where the model scales queries by position
  int64_t state_floats = 0;    // of the recurrent state that the layer has instead; 0: none

  bool is_recurrent() const { return state_floats > 0; }
  bool owns_kv() const { return kv_layer < 0 && !is_recurrent(); }
  int64_t q_width() const { return heads * key_dim; }
  int64_t k_width() const { return kv_heads * key_dim; }
  int64_t v_width() const { return kv_heads * value_dim; }
  int64_t qkv_width() const { return q_width() + k_width() + v_width(); }
  int64_t attention_width() const { return heads * value_dim; }
};

struct ExpertSpec {
  int64_t count = 0;
  int64_t used = 0;
  int64_t groups = 1;
  int64_t groups_used = 1;
  backend::ExpertGate gate = backend::ExpertGate::kSoftmax;
  bool normalize = true;
  float scale = 1.0f;
  bool early = false;         // chosen by the layer's input, before its norm and attention
  bool weigh_inputs = false;  // what an expert reads is weighed, not what it answers
};

// Latent attention: a head's key is [no rope | rotated], where the first part and the value are
// projections of the latent vector. Cached are the latent vector and the rotated part only.
struct LatentSpec {
  int64_t query_rank = 0;  // 0: queries are projected from the hidden state directly
  int64_t rank = 0;        // of the latent vector
  int64_t key_dim = 0;     // of one head's key, rotated part included
  int64_t value_dim = 0;   // of one head's value
};

// How the hidden states of a text become one vector; numbers as in the metadata.
enum class Pooling {
  kUnspecified = -1,
  kNone = 0,
  kMean = 1,
  kFirst = 2,
  kLast = 3,
  kRank = 4,  // a row that the ranking head reads, see RankHead
};

// The head of a model that ranks: a classifier of the pooled hidden state.
enum class HeadActivation { kTanh, kGelu };
struct RankHead {
  Pooling pooling = Pooling::kFirst;  // what it reads
  HeadActivation activation = HeadActivation::kTanh;
};

// The gated delta net. Queries, keys and values of a token pass a convolution over a few tokens
// before they meet the state of their head, [key_dim, value_dim].
struct DeltaNetSpec {
  int64_t key_heads = 0;    // of queries, too
  int64_t value_heads = 0;  // a multiple of key_heads
  int64_t key_dim = 0;      // of one head
  int64_t value_dim = 0;    // of one head
  backend::KeySharing sharing = backend::KeySharing::kGrouped;

  int64_t key_width() const { return key_heads * key_dim; }
  int64_t value_width() const { return value_heads * value_dim; }
  int64_t qkv_width() const { return 2 * key_width() + value_width(); }
};

// How queries and keys are normalised where the tensors for it are there.
enum class QkNorm {
  kPerHead,    // one weight vector for all heads
  kPerColumn,  // each head by itself, with weights of its own
  kWholeRow,   // all heads together
};

struct ModelSpec {
  std::string architecture;  // "llama"
  std::string name;          // general.name, may be empty
  int64_t vocab = 0;
  int64_t hidden = 0;
  int64_t context_length = 0;  // of the training, as the file says
  int64_t max_positions = 0;   // that have an embedding, or that we can run; 0: no such limit
  std::vector<LayerSpec> layers;
  std::vector<RopeSpec> ropes;
  ExpertSpec experts;
  LatentSpec latent;
  DeltaNetSpec delta_net;
  int64_t conv_taps = 0;  // of the convolution in recurrent layers, the token itself included

  backend::NormKind norm = backend::NormKind::kRms;
  float norm_eps = 1e-5f;
  QkNorm qk_norm = QkNorm::kPerHead;
  bool qk_norm_after_rope = false;
  bool query_gate = false;       // the query projection gives each head a gate, too, whose sigmoid
                                 // the head's result is multiplied with
  bool value_norm = false;       // values are normalised head by head, without weights
  bool parallel_blocks = false;  // attention and feed-forward read the same residual
  bool causal = true;            // false: every token sees the whole text (encoders)
  Pooling pooling = Pooling::kUnspecified;
  RankHead rank_head;
  backend::Activation activation = backend::Activation::kSilu;
  float attention_scale = 0.0f;    // 0: 1 / sqrt(key_dim)
  float attention_softcap = 0.0f;  // 0: none
  // Queries at position p are multiplied by 1 + temperature_scale ln(1 + floor((p + offset) /
  // length)); length 0: they are not.
  float temperature_scale = 0.0f;
  int64_t temperature_length = 0;
  int64_t temperature_offset = 0;
  float embedding_scale = 1.0f;
  float residual_scale = 1.0f;  // of what blocks add to the residual stream
  float logit_scale = 1.0f;
  float logit_softcap = 0.0f;   // 0: none
  int64_t layer_input_dim = 0;  // width of each layer's own token embedding; 0: none

  // For each cache group the window of its layers in tokens; 0: unlimited.
  std::vector<int64_t> cache_windows = {0};
  int state_group = -1;  // the group with the states of recurrent layers; -1: there are none

  // Whether layer `i` has memory of its own for keys and values. An encoder needs them within the
  // layer only, so equal layers share those of the first one.
  bool has_cache(size_t i) const {
    const LayerSpec& layer = layers[i];
    const LayerSpec& first = layers.front();
    const bool like_first = layer.kv_heads == first.kv_heads && layer.key_dim == first.key_dim &&
                            layer.value_dim == first.value_dim;
    return layer.owns_kv() && (causal || i == 0 || !like_first);
  }
};

}  // namespace chasqui::model
