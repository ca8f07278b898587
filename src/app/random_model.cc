#include "app/random_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <vector>

#include "base/checked_math.h"
#include "base/rng.h"
#include "gguf/writer.h"
#include "quant/quant_type.h"

namespace chasqui::app {
namespace {

constexpr std::array kShapes = {
    RandomShape{"tiny", "4 layers, for tests", 4, 256, 768, 8, 4, 1024, 2048, false},
    RandomShape{"tinyllama-1.1b", "TinyLlama 1.1B", 22, 2048, 5632, 32, 4, 32000, 32768, false},
    RandomShape{"llama-3.2-1b", "Llama 3.2 1B", 16, 2048, 8192, 32, 8, 128256, 131072, true},
    RandomShape{"llama-3-8b", "Llama 3 8B", 32, 4096, 14336, 32, 8, 128256, 8192, false},
};

// Values in the pool of blocks that tensors are drawn from: enough that no cache holds the pool's
// f32 form, few enough that encoding it takes a second.
constexpr int64_t kPoolValues = 1 << 20;
constexpr float kStandardDeviation = 0.02f;
constexpr int64_t kFirstWord = 3 + 256;  // after <unk>, <s>, </s> and the bytes

struct TensorPlan {
  std::string name;
  DType type;
  std::vector<int64_t> dims;
};

// Layers that mixed recipes give more bits: the first and last eighth, and every third between
// (what the usual quantisation tools do for *_K_M).
bool wants_more_bits(int64_t layer, int64_t layers) {
  const int64_t eighth = layers / 8;
  return layer < eighth || layer >= 7 * layers / 8 || (layer - eighth) % 3 == 2;
}

struct Recipe {
  DType usual;
  DType better;  // for some layers' attn_v and ffn_down, and for the output matrix
};

Result<Recipe> find_recipe(const std::string& format) {
  if (format == "Q4_K_M") return Recipe{DType::kQ4_K, DType::kQ6_K};
  if (format == "Q5_K_M") return Recipe{DType::kQ5_K, DType::kQ6_K};
  const DTypeInfo* info = find_dtype(format);
  const quant::QuantType* type = info != nullptr ? quant::find_quant_type(info->type) : nullptr;
  if (type == nullptr || type->encode == nullptr) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("format \"{}\" cannot be written; known are {}", format, random_formats()),
        "format");
  }
  return Recipe{info->type, info->type};
}

std::vector<TensorPlan> plan_tensors(const RandomShape& s, const Recipe& recipe) {
  const int64_t head = s.hidden / s.heads;
  std::vector<TensorPlan> plan = {{"token_embd.weight", recipe.usual, {s.hidden, s.vocab}},
                                  {"output_norm.weight", DType::kF32, {s.hidden}}};
  if (!s.tied) plan.push_back({"output.weight", recipe.better, {s.hidden, s.vocab}});
  for (int64_t i = 0; i < s.layers; ++i) {
    const auto add = [&](std::string_view name, DType type, std::vector<int64_t> dims) {
      plan.push_back({fmt::format("blk.{}.{}.weight", i, name), type, std::move(dims)});
    };
    const DType some = wants_more_bits(i, s.layers) ? recipe.better : recipe.usual;
    add("attn_norm", DType::kF32, {s.hidden});
    add("attn_q", recipe.usual, {s.hidden, s.hidden});
    add("attn_k", recipe.usual, {s.hidden, head * s.kv_heads});
    add("attn_v", some, {s.hidden, head * s.kv_heads});
    add("attn_output", recipe.usual, {s.hidden, s.hidden});
    add("ffn_norm", DType::kF32, {s.hidden});
    add("ffn_gate", recipe.usual, {s.hidden, s.ffn});
    add("ffn_up", recipe.usual, {s.hidden, s.ffn});
    add("ffn_down", some, {s.ffn, s.hidden});
  }
  return plan;
}

Status check_shape(const RandomShape& s, const std::vector<TensorPlan>& plan) {
  const bool sane = s.layers >= 1 && s.hidden >= 1 && s.ffn >= 1 && s.heads >= 1 &&
                    s.kv_heads >= 1 && s.heads % s.kv_heads == 0 && s.hidden % s.heads == 0 &&
                    (s.hidden / s.heads) % 2 == 0 && s.vocab > kFirstWord;
  if (!sane) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("sizes do not fit: hidden ({}) must be heads ({}) times an even "
                            "number, heads a multiple of kv-heads ({}), vocab ({}) above {}",
                            s.hidden, s.heads, s.kv_heads, s.vocab, kFirstWord));
  }
  for (const TensorPlan& tensor : plan) {
    if (row_bytes(tensor.type, static_cast<uint64_t>(tensor.dims[0]))) continue;
    const DTypeInfo& info = dtype_info(tensor.type);
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: rows of {} values are no whole number of {} blocks of {}",
                            tensor.name, tensor.dims[0], info.name, info.block_values));
  }
  return {};
}

// Made-up words of one to three letters, with and without a space before them, shortest first: the
// shorter ones are what longer ones merge from, so ordinary text becomes about two tokens a word.
void add_words(int64_t size, std::vector<std::string>& tokens) {
  const auto room = [&] { return static_cast<int64_t>(tokens.size()) < size; };
  std::vector<std::string> shorter = {""};
  tokens.push_back("\u2581");
  for (int letters = 1; letters <= 3; ++letters) {
    std::vector<std::string> words;
    for (const std::string& word : shorter) {
      for (char letter = 'a'; letter <= 'z'; ++letter) words.push_back(word + letter);
    }
    for (size_t i = 0; i < words.size() && room(); ++i) tokens.push_back(words[i]);
    for (size_t i = 0; i < words.size() && room(); ++i) tokens.push_back("\u2581" + words[i]);
    shorter = std::move(words);
  }
  while (room()) tokens.push_back(fmt::format("<unused{}>", tokens.size()));
}

// A SentencePiece vocabulary: control tokens, bytes, and words.
void add_vocabulary(int64_t size, gguf::Writer& writer) {
  std::vector<std::string> tokens = {"<unk>", "<s>", "</s>"};
  std::vector<int32_t> kinds = {2, 3, 3};
  for (int byte = 0; byte < 256; ++byte) {
    tokens.push_back(fmt::format("<0x{:02X}>", byte));
    kinds.push_back(6);
  }
  add_words(size, tokens);
  kinds.resize(tokens.size(), 1);
  std::vector<float> scores(tokens.size());
  for (size_t i = 0; i < scores.size(); ++i) scores[i] = -static_cast<float>(i);
  writer.add_string("tokenizer.ggml.model", "llama");
  writer.add_string("tokenizer.ggml.pre", "default");
  writer.add_strings("tokenizer.ggml.tokens", tokens);
  writer.add_float32s("tokenizer.ggml.scores", scores);
  writer.add_int32s("tokenizer.ggml.token_type", kinds);
  writer.add_uint32("tokenizer.ggml.bos_token_id", 1);
  writer.add_uint32("tokenizer.ggml.eos_token_id", 2);
  writer.add_uint32("tokenizer.ggml.unknown_token_id", 0);
}

void add_metadata(const RandomModelOptions& options, gguf::Writer& writer) {
  const RandomShape& s = options.shape;
  const auto u32 = [&](std::string_view key, int64_t value) {
    writer.add_uint32(key, static_cast<uint32_t>(value));
  };
  writer.add_string("general.architecture", "llama");
  writer.add_string("general.name", fmt::format("random weights, {} {}", s.name, options.format));
  u32("general.quantization_version", 2);
  u32("llama.vocab_size", s.vocab);
  u32("llama.context_length", s.context);
  u32("llama.embedding_length", s.hidden);
  u32("llama.block_count", s.layers);
  u32("llama.feed_forward_length", s.ffn);
  u32("llama.attention.head_count", s.heads);
  u32("llama.attention.head_count_kv", s.kv_heads);
  u32("llama.rope.dimension_count", s.hidden / s.heads);
  writer.add_float32("llama.rope.freq_base", 10000.0f);
  writer.add_float32("llama.attention.layer_norm_rms_epsilon", 1e-5f);
  add_vocabulary(s.vocab, writer);
}

// Encoded blocks of normally distributed values, made once for each type.
class BlockPool {
 public:
  explicit BlockPool(uint64_t seed) : seed_(seed) {}

  const std::vector<std::byte>& blocks(DType type) {
    std::vector<std::byte>& encoded = pools_[type];
    if (!encoded.empty()) return encoded;
    Rng rng(seed_ + static_cast<uint64_t>(type));
    std::vector<float> values(kPoolValues);
    for (float& value : values) value = static_cast<float>(rng.normal()) * kStandardDeviation;
    const DTypeInfo& info = dtype_info(type);
    const int64_t count = kPoolValues / info.block_values;
    encoded.resize(static_cast<size_t>(count) * info.block_bytes);
    quant::find_quant_type(type)->encode(values.data(), nullptr, encoded.data(), count);
    return encoded;
  }

 private:
  uint64_t seed_;
  std::map<DType, std::vector<std::byte>> pools_;
};

Status write_ones(int64_t count, gguf::Writer& writer) {
  const std::vector<float> ones(static_cast<size_t>(count), 1.0f);
  return writer.append(std::as_bytes(std::span(ones)));
}

// Blocks drawn at random from the pool, a row at a time.
Status write_matrix(const TensorPlan& tensor, BlockPool& pool, Rng& rng, gguf::Writer& writer) {
  const std::vector<std::byte>& blocks = pool.blocks(tensor.type);
  const DTypeInfo& info = dtype_info(tensor.type);
  // Single values are drawn 64 at a time: one draw a value would take longer than writing.
  const int64_t run_values = std::max<int64_t>(info.block_values, 64);
  const size_t run = static_cast<size_t>(run_values / info.block_values) * info.block_bytes;
  std::vector<std::byte> row(*row_bytes(tensor.type, static_cast<uint64_t>(tensor.dims[0])));
  for (int64_t r = 0; r < tensor.dims[1]; ++r) {
    for (size_t at = 0; at < row.size(); at += run) {
      const size_t bytes = std::min(run, row.size() - at);
      std::memcpy(row.data() + at, blocks.data() + rng.below(blocks.size() / run) * run, bytes);
    }
    CHASQUI_TRY_STATUS(writer.append(row));
  }
  return {};
}

}  // namespace

std::span<const RandomShape> random_shapes() {
  return kShapes;
}

std::string random_formats() {
  std::string names = "Q4_K_M, Q5_K_M";
  for (const quant::QuantType& type : quant::all_quant_types()) {
    if (type.encode != nullptr) names += fmt::format(", {}", dtype_info(type.type).name);
  }
  return names;
}

Status write_random_model(const std::string& path, const RandomModelOptions& options) {
  CHASQUI_TRY(const Recipe recipe, find_recipe(options.format));
  const std::vector<TensorPlan> plan = plan_tensors(options.shape, recipe);
  CHASQUI_TRY_STATUS(check_shape(options.shape, plan));
  gguf::Writer writer;
  add_metadata(options, writer);
  for (const TensorPlan& tensor : plan)
    writer.declare_tensor(tensor.name, tensor.type, tensor.dims);
  CHASQUI_TRY_STATUS(writer.open(path, options.overwrite));
  BlockPool pool(options.seed);
  Rng rng(options.seed);
  for (size_t i = 0; i < plan.size(); ++i) {
    const bool vector = plan[i].dims.size() == 1;
    CHASQUI_TRY_STATUS(vector ? write_ones(plan[i].dims[0], writer)
                              : write_matrix(plan[i], pool, rng, writer));
    if (options.progress) {
      options.progress(static_cast<double>(i + 1) / static_cast<double>(plan.size()));
    }
  }
  return writer.finish();
}

}  // namespace chasqui::app
