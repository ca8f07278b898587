// The rows of the settings (house-numbers: table).
#include <array>

#include "app/settings.h"

namespace chasqui::app {
namespace {

using S = Settings;
constexpr double kMaxTokens = 1 << 24;

// A function, not a constant: rows hold vectors, and nothing is initialised before main().
const auto& table() {
  static const std::array kSettings = {
      Setting{"model", &S::model, "", "path of the GGUF file to serve"},
      Setting{"model_alias", &S::model_alias, "", "id of the model in /v1/models and in answers"},
      Setting{"config_file", &S::config_file, "", "JSON file with settings by these names"},

      Setting{"host", &S::host, "localhost", "address to listen on"},
      Setting{"port", &S::port, "8000", "port to listen on, 0 for any free one", 0, 65535},
      Setting{"io_threads", &S::io_threads, "2", "threads that serve sockets", 1, 64},
      Setting{"max_connections", &S::max_connections, "1024",
              "connections open at once; one more is answered with 503", 1, 1 << 20},
      Setting{"max_body_bytes", &S::max_body_bytes, "33554432",
              "largest request body; a larger one is answered with 413", 1024, 1 << 30},
      Setting{"cors_origins", &S::cors_origins, "*",
              "origins that browsers may call from, separated by commas"},
      Setting{"check_host", &S::check_host, "true",
              "on a loopback address, refuse requests for other host names (DNS rebinding)"},
      Setting{"ping_events", &S::ping_events, "true",
              "send a comment every 15 seconds on streams that are silent"},

      Setting{"drain_seconds", &S::drain_seconds, "30",
              "how long running requests may go on after SIGTERM", 0, 86400},
      Setting{"root_path", &S::root_path, "", "path under which a proxy publishes the server"},

      Setting{"seed", &S::seed, "4294967295",
              "seed of requests that bring none; 4294967295 or -1: a fresh one for each", -1,
              4294967295.0},
      Setting{"last_n_tokens_size", &S::last_n_tokens_size, "64",
              "tokens that the penalties look back on", 0, 1 << 24},
      Setting{"embedding", &S::embedding, "true", "answer /v1/embeddings"},

      Setting{"n_ctx", &S::n_ctx, "2048",
              "most tokens of one request, prompt and answer; 0: what the model was trained for", 0,
              kMaxTokens},
      Setting{"n_batch", &S::n_batch, "512", "most tokens computed in one step", 1, 1 << 16},
      Setting{"n_threads", &S::n_threads, "0", "threads that compute; 0: one for each core", 0,
              1024},
      Setting{"n_parallel", &S::n_parallel, "64", "requests that run at once", 1, 4096},
      Setting{"n_queue", &S::n_queue, "512",
              "requests that wait; one more is answered with 503 and Retry-After", 1, 1 << 20},
      Setting{"prefill_chunk", &S::prefill_chunk, "256",
              "most prompt tokens of one request in a step that others share", 1, 1 << 16},
      Setting{"kv_tokens", &S::kv_tokens, "0",
              "tokens that the cache holds for all requests together; 0: 8 times n_ctx, within a "
              "quarter of the memory",
              0, 1 << 30},
      Setting{"type_k", &S::type_k, "f16", "type of the cached keys", 0, 0, {"f16", "f32", "bf16"}},
      Setting{
          "type_v", &S::type_v, "f16", "type of the cached values", 0, 0, {"f16", "f32", "bf16"}},
      Setting{"prefix_cache", &S::prefix_cache, "true",
              "keep what was computed for prompts that begin alike"},
      Setting{"chat_format", &S::chat_format, "",
              "how messages become a prompt: chat_template.default (the template in the model), "
              "chatml, llama-2, llama-3, ...; default: the template, or what fits the model"},

      Setting{"cpu_isa",
              &S::cpu_isa,
              "",
              "instruction set to compute with; default: the best",
              0,
              0,
              {"", "scalar", "avx2", "avx512"}},
      Setting{"exact", &S::exact, "false",
              "compute with f32 activations whatever the weights are (slow)"},
      Setting{"pack_weights", &S::pack_weights, "true",
              "rearrange weights when loading; off: slower, but no second copy"},
      Setting{"pack_cache", &S::pack_cache, "",
              "folder that keeps rearranged weights for the next start; default: in memory only"},
      Setting{"pin_threads", &S::pin_threads, "false", "bind computing threads to processors"},
      Setting{"use_mlock", &S::use_mlock, "false", "lock the model file into memory"},

      Setting{"rope_scaling_type", &S::rope_scaling_type, "-1",
              "-1: as the model says, 0: none, 1: linear, 2: YaRN", -1, 2},
      Setting{"rope_freq_base", &S::rope_freq_base, "0", "base frequency; 0: as the model says", 0,
              1e12},
      Setting{"rope_freq_scale", &S::rope_freq_scale, "0",
              "factor on positions; 0: as the model says", 0, 1e3},
      Setting{"yarn_ext_factor", &S::yarn_ext_factor, "-1",
              "weight of YaRN's unscaled part; -1: as the model says", -1, 1},
      Setting{"yarn_attn_factor", &S::yarn_attn_factor, "1", "magnitude of rotated vectors", 0,
              1e3},
      Setting{"yarn_beta_fast", &S::yarn_beta_fast, "32", "YaRN's bound of fast frequencies", 0,
              1e6},
      Setting{"yarn_beta_slow", &S::yarn_beta_slow, "1", "YaRN's bound of slow frequencies", 0,
              1e6},
      Setting{"yarn_orig_ctx", &S::yarn_orig_ctx, "0",
              "context that the model was trained with; 0: as the model says", 0, 1 << 30},

      Setting{"verbose", &S::verbose, "false", "log more"},
  };
  return kSettings;
}

}  // namespace

std::span<const Setting> settings_table() {
  return table();
}

}  // namespace chasqui::app
