// The rows of the settings (house-numbers: table).
#include <array>
#include <utility>
#include <vector>

#include "app/settings.h"

namespace chasqui::app {
namespace {

using S = Settings;
constexpr double kMaxTokens = 1 << 24;

constexpr std::string_view kNoGpu = "this build computes on processors only";
constexpr std::string_view kNotYet = "not in this version";

Setting json_object(Setting row) {
  row.is_json = true;
  return row;
}

Setting of_server(Setting row) {
  row.of_server = true;
  return row;
}

// The replaced server had it for each model.
Setting for_all_entries(Setting row) {
  row.entries_may_have_it = true;
  return of_server(std::move(row));
}

// The replaced server asks the environment last for these, which is how platforms assign a port.
Setting environment_first(Setting row) {
  row.environment_first = true;
  return of_server(std::move(row));
}

Setting inert(Setting row, Effect effect, std::string_view reason) {
  row.effect = effect;
  row.reason = reason;
  return row;
}

// A function, not a constant: rows hold vectors, and nothing is initialised before main().
const auto& table() {
  // GGML's numbers of types, as the replaced server takes them.
  static const std::vector<std::pair<std::string_view, std::string_view>> kTypeNumbers = {
      {"0", "f32"}, {"1", "f16"}, {"2", "q4_0"}, {"8", "q8_0"}, {"30", "bf16"}};
  // llama.cpp's numbers of poolings.
  static const std::vector<std::pair<std::string_view, std::string_view>> kPoolingNumbers = {
      {"-1", ""}, {"1", "mean"}, {"2", "cls"}, {"3", "last"}, {"4", "rank"}};
  static const std::array kSettings = {
      Setting{"model", &S::model, "",
              "path of the GGUF file to serve; with hf_model_repo_id the file of the repository: a "
              "name, a pattern like *Q8_0.gguf, or a quantisation"},
      Setting{"hf_model_repo_id", &S::hf_model_repo_id, "",
              "repository of the Hugging Face hub to take the model from, as ORG/NAME or "
              "ORG/NAME:QUANT; downloaded once, into the hub's cache folder"},
      Setting{"model_alias", &S::model_alias, "", "id of the model in /v1/models and in answers"},
      Setting{"config_file", &S::config_file, "",
              "JSON or YAML file with settings by these names, and a list \"models\" with those of "
              "several "
              "models"},

      environment_first({"host", &S::host, "localhost", "address to listen on", 1}),
      environment_first(
          {"port", &S::port, "8000", "port to listen on, 0 for any free one", 0, 65535}),
      of_server({"io_threads", &S::io_threads, "2", "threads that serve sockets", 1, 64}),
      of_server({"max_connections", &S::max_connections, "1024",
                 "connections open at once; one more is answered with 503", 1, 1 << 20}),
      of_server({"max_body_bytes", &S::max_body_bytes, "33554432",
                 "largest request body; a larger one is answered with 413", 1024, 1 << 30}),
      of_server(
          {"cors_origins", &S::cors_origins, "*", "origins that browsers may call from; *: all"}),
      of_server({"check_host", &S::check_host, "true",
                 "on a loopback address, refuse requests for other host names (DNS rebinding)"}),
      of_server(
          {"host_names", &S::host_names, "",
           "names besides localhost that check_host lets through, for a proxy that keeps them"}),
      of_server({"disable_ping_events", &S::disable_ping_events, "false",
                 "send no comment every 15 seconds on streams that are silent"}),
      of_server({"drain_seconds", &S::drain_seconds, "30",
                 "how long running requests may go on after SIGTERM", 0, 86400}),
      of_server({"root_path", &S::root_path, "", "path under which a proxy publishes the server"}),
      of_server({"ssl_keyfile", &S::ssl_keyfile, "", "PEM file of the private key: serve HTTPS"}),
      of_server({"ssl_certfile", &S::ssl_certfile, "", "PEM file of the certificate chain"}),
      of_server(
          {"api_key", &S::api_key, "",
           "keys of which requests must bring one as `Authorization: Bearer KEY`; default: none"}),
      of_server({"api_key_file", &S::api_key_file, "",
                 "file with more keys, one a line; read again on SIGHUP"}),
      of_server({"open_paths", &S::open_paths, "/health,/healthz,/ready",
                 "paths that need no key; one that ends with / opens all below it"}),
      Setting{
          "interrupt_requests", &S::interrupt_requests, "false",
          "end the streams that run when another request comes, as the replaced server did; they "
          "get a finish_reason (length)"},

      Setting{"seed", &S::seed, "4294967295",
              "seed of requests that bring none; 4294967295 or -1: a fresh one for each", -1,
              4294967295.0},
      Setting{"last_n_tokens_size", &S::last_n_tokens_size, "64",
              "tokens that the penalties look back on", 0, 1 << 24},
      Setting{"embedding", &S::embedding, "true", "answer /v1/embeddings and /v1/rerank"},
      Setting{"pooling_type",
              &S::pooling_type,
              "",
              "how the hidden states of a text become one vector; rank: a score, for /v1/rerank; "
              "default: as the model says, else last, and mean for encoders",
              0,
              0,
              {"", "mean", "cls", "last", "rank"},
              kPoolingNumbers},

      Setting{"n_ctx", &S::n_ctx, "2048",
              "most tokens of one request, prompt and answer, but no more than the model was "
              "trained for "
              "where this is left alone; 0: what the model was trained for",
              0, kMaxTokens},
      Setting{"n_batch", &S::n_batch, "512",
              "most tokens computed in one step; of encoders the longest text too, and n_ctx where "
              "this is left alone",
              1, 1 << 16},
      Setting{
          "n_threads", &S::n_threads, "0",
          "threads that compute; 0 or -1: one for each core that we may use, within the cgroup's "
          "quota",
          -1, 1024},
      inert({"n_threads_batch", &S::n_threads_batch, "0", "threads that compute prompts", -1, 1024},
            Effect::kWarns, "one team computes prompts and answers together (n_threads)"),
      inert({"n_ubatch", &S::n_ubatch, "512", "most tokens of a part of a step", 1, 1 << 16},
            Effect::kWarns, "steps are not cut further (n_batch)"),
      Setting{"n_parallel", &S::n_parallel, "64", "requests that run at once", 1, 4096},
      Setting{"n_queue", &S::n_queue, "512",
              "requests that wait; one more is answered with 503 and Retry-After", 1, 1 << 20},
      Setting{
          "prefill_chunk", &S::prefill_chunk, "256",
          "most prompt tokens of one request in a step that others share, and of all requests in "
          "a step that continues an answer",
          1, 1 << 16},
      Setting{"kv_tokens", &S::kv_tokens, "0",
              "tokens that the cache holds for all requests together; 0: 8 times n_ctx, within a "
              "quarter of the memory",
              0, 1 << 30},
      Setting{"type_k",
              &S::type_k,
              "f16",
              "type of the cached keys (the quantised ones need heads of a multiple of 32)",
              0,
              0,
              {"f16", "f32", "bf16", "q8_0", "q4_0"},
              kTypeNumbers},
      Setting{"type_v",
              &S::type_v,
              "f16",
              "type of the cached values (as for type_k)",
              0,
              0,
              {"f16", "f32", "bf16", "q8_0", "q4_0"},
              kTypeNumbers},
      Setting{"prefix_cache", &S::prefix_cache, "true",
              "keep what was computed for prompts that begin alike"},
      Setting{"cache", &S::cache, "false",
              "a second tier of the prefix cache, for what kv_tokens has no room for"},
      Setting{"cache_type",
              &S::cache_type,
              "ram",
              "where it lies; disk: it outlives the server, and holds what requests said, readable "
              "for this user",
              0,
              0,
              {"ram", "disk"}},
      Setting{"cache_size", &S::cache_size, "2147483648",
              "its bytes; what was used longest ago goes first", 0, 1e15},
      Setting{
          "cache_dir", &S::cache_dir, "",
          "folder of a cache on disk, with one folder for each model in it; default: chasqui/kv "
          "in $XDG_CACHE_HOME or ~/.cache"},
      Setting{"draft_model", &S::draft_model, "",
              "how tokens are guessed ahead and verified together (the answers stay the same): "
              "prompt-lookup-decoding, from what the text said before, or a GGUF file, by a much "
              "smaller model of the same vocabulary; default: not at all"},
      Setting{"draft_model_num_pred_tokens", &S::draft_model_num_pred_tokens, "10",
              "most tokens guessed at once; more than 7 gain nothing and count as 7", 1, 1024},
      Setting{"chat_format", &S::chat_format, "",
              "how messages become a prompt: chat_template.default (the template in the model), "
              "chatml, llama-2, llama-3, ...; default: the template, or what fits the model"},
      json_object({"chat_template_kwargs", &S::chat_template_kwargs, "",
                   "variables of the chat template for requests that do not set them, like "
                   "{\"enable_thinking\": false}"}),
      Setting{"hf_tokenizer_config_path", &S::hf_tokenizer_config_path, "",
              "tokenizer_config.json whose chat template and markers replace those of the model"},
      Setting{"hf_pretrained_model_name_or_path", &S::hf_pretrained_model_name_or_path, "",
              "folder with such a tokenizer_config.json; nothing is downloaded, and text is split "
              "by the model's own tokenizer"},

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
      Setting{"pin_threads", &S::pin_threads, "false",
              "bind computing threads to processors, cores first"},
      Setting{"kv_overrides", &S::kv_overrides, "",
              "metadata of the model file to replace, each as key=type:value with int, float, bool "
              "or str as the type; values with commas need a JSON array"},
      Setting{"vocab_only", &S::vocab_only, "false",
              "load the vocabulary only: /extras/tokenize and its kin work, everything that "
              "computes answers 400"},
      Setting{"use_mmap", &S::use_mmap, "true",
              "map the model file; off: read it into memory at start, after which it may be far "
              "away or gone"},
      Setting{"numa", &S::numa, "false",
              "on a machine of several NUMA nodes: bind threads over all of them and interleave "
              "weights and cache"},
      Setting{"use_mlock", &S::use_mlock, "false",
              "lock the weights into memory, rearranged or not, so that they are never paged out"},

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

      inert({"n_gpu_layers", &S::n_gpu_layers, "0", "layers on a GPU; -1: all", -1, 1 << 20},
            Effect::kWarns, kNoGpu),
      inert({"split_mode", &S::split_mode, "1", "how layers are split over GPUs", 0, 2},
            Effect::kWarns, kNoGpu),
      inert({"main_gpu", &S::main_gpu, "0", "the GPU that computes what is not split", 0, 1024},
            Effect::kWarns, kNoGpu),
      inert({"tensor_split", &S::tensor_split, "", "shares of several GPUs", 0, 1e6},
            Effect::kWarns, kNoGpu),
      inert({"mul_mat_q", &S::mul_mat_q, "true", "multiply quantised matrices as they are"},
            Effect::kWarns, "products are always computed from the packed weights"),
      inert({"offload_kqv", &S::offload_kqv, "true", "keep the cache on the GPU"}, Effect::kWarns,
            kNoGpu),
      inert({"flash_attn", &S::flash_attn, "false", "fused attention"}, Effect::kWarns,
            "attention is always fused"),
      inert({"rpc_servers", &S::rpc_servers, "", "other machines to compute on"}, Effect::kWarns,
            "a model runs on one machine"),
      inert({"logits_all", &S::logits_all, "true", "compute logits of every token"}, Effect::kWarns,
            "log-probabilities are computed where a request asks for them"),
      inert({"lora_base", &S::lora_base, "", "model that an adapter was made for"},
            Effect::kRefuses, kNotYet),
      inert({"lora_path", &S::lora_path, "", "adapter to apply"}, Effect::kRefuses, kNotYet),
      inert({"clip_model_path", &S::clip_model_path, "", "image encoder"}, Effect::kRefuses,
            kNotYet),
      for_all_entries({"verbose", &S::verbose, "true", "log every request, and more of the start"}),
  };
  return kSettings;
}

}  // namespace

std::span<const Setting> settings_table() {
  return table();
}

}  // namespace chasqui::app
