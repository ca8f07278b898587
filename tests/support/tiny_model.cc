#include "support/tiny_model.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <stdexcept>

#include "base/rng.h"
#include "quant/quant_type.h"

namespace chasqui::testing {
namespace {

struct PlannedTensor {
  std::string name;
  std::vector<int64_t> dims;
};

std::vector<PlannedTensor> plan_tensors(const TinyModel& m) {
  const int64_t kv = m.hidden / m.heads * m.kv_heads;
  std::vector<PlannedTensor> plan = {
      {"token_embd.weight", {m.hidden, m.vocab}},
      {m.recurrent ? "token_embd_norm.weight" : "output_norm.weight", {m.hidden}}};
  if (!m.tied) plan.push_back({"output.weight", {m.hidden, m.vocab}});
  for (int64_t i = 0; i < m.layers; ++i) {
    const auto add = [&](const char* name, std::vector<int64_t> dims) {
      plan.push_back({fmt::format("blk.{}.{}.weight", i, name), std::move(dims)});
    };
    add("attn_norm", {m.hidden});
    if (m.recurrent && i + 1 < m.layers) {
      add("shortconv.conv", {3, m.hidden});
      add("shortconv.in_proj", {m.hidden, 3 * m.hidden});
      add("shortconv.out_proj", {m.hidden, m.hidden});
    } else {
      add("attn_q", {m.hidden, m.hidden});
      add("attn_k", {m.hidden, kv});
      add("attn_v", {m.hidden, kv});
      add("attn_output", {m.hidden, m.hidden});
    }
    if (m.recurrent && i + 1 == m.layers) {
      add("attn_q_norm", {m.hidden / m.heads});
      add("attn_k_norm", {m.hidden / m.heads});
    }
    add("ffn_norm", {m.hidden});
    if (m.experts > 0) {
      add("ffn_gate_inp", {m.hidden, m.experts});
      add("ffn_gate_exps", {m.hidden, m.ffn, m.experts});
      add("ffn_up_exps", {m.hidden, m.ffn, m.experts});
      add("ffn_down_exps", {m.ffn, m.hidden, m.experts});
    } else {
      add("ffn_gate", {m.hidden, m.ffn});
      add("ffn_up", {m.hidden, m.ffn});
      add("ffn_down", {m.ffn, m.hidden});
    }
  }
  std::erase_if(plan, [&](const PlannedTensor& tensor) {
    return std::ranges::find(m.leave_out_tensors, tensor.name) != m.leave_out_tensors.end();
  });
  return plan;
}

void add_vocabulary(const TinyModel& m, gguf::Writer& writer) {
  std::vector<std::string> tokens = {"<unk>", "<s>", "</s>"};
  std::vector<int32_t> kinds = {2, 3, 3};
  for (int byte = 0; byte < 256; ++byte) {
    tokens.push_back(fmt::format("<0x{:02X}>", byte));
    kinds.push_back(6);
  }
  while (static_cast<int64_t>(tokens.size()) < m.vocab) {
    tokens.push_back(fmt::format("\u2581w{}", tokens.size()));
    kinds.push_back(1);
  }
  const std::vector<float> scores(tokens.size(), 0.0f);
  writer.add_string("tokenizer.ggml.model", "llama");
  writer.add_strings("tokenizer.ggml.tokens", tokens);
  writer.add_float32s("tokenizer.ggml.scores", scores);
  writer.add_int32s("tokenizer.ggml.token_type", kinds);
}

void add_kv_heads(const TinyModel& m, gguf::Writer& writer) {
  std::vector<int32_t> kv_heads(static_cast<size_t>(m.layers), 0);
  kv_heads.back() = static_cast<int32_t>(m.kv_heads);
  writer.add_int32s("lfm2.attention.head_count_kv", kv_heads);
}

void add_metadata(const TinyModel& m, gguf::Writer& writer) {
  const std::string architecture = m.recurrent ? "lfm2" : "llama";
  const auto u32 = [&](const char* name, int64_t value) {
    const std::string key = architecture + "." + name;
    if (std::ranges::find(m.leave_out, key) == m.leave_out.end()) {
      writer.add_uint32(key, static_cast<uint32_t>(value));
    }
  };
  if (std::ranges::find(m.leave_out, "general.architecture") == m.leave_out.end()) {
    writer.add_string("general.architecture", architecture);
  }
  u32("context_length", 256);
  u32("embedding_length", m.hidden);
  u32("block_count", m.layers);
  u32("feed_forward_length", m.ffn);
  u32("attention.head_count", m.heads);
  if (m.recurrent) {
    add_kv_heads(m, writer);
    u32("shortconv.l_cache", 3);
  } else {
    u32("attention.head_count_kv", m.kv_heads);
  }
  if (m.experts > 0) {
    u32("expert_count", m.experts);
    u32("expert_used_count", m.experts_used);
  }
  if (m.more_metadata) m.more_metadata(writer);
}

void require(const Status& status) {
  if (!status) throw std::runtime_error(status.error().message);
}

}  // namespace

TemporaryFile::TemporaryFile(std::string suffix) {
  std::string pattern = "/tmp/chasqui-test-XXXXXX" + suffix;
  const int fd = ::mkstemps(pattern.data(), static_cast<int>(suffix.size()));
  if (fd < 0) throw std::runtime_error("cannot make a temporary file");
  ::close(fd);
  path_ = pattern;
}

TemporaryFile::~TemporaryFile() {
  std::remove(path_.c_str());
}

void write_tiny_model(const TinyModel& m, const std::string& path) {
  gguf::Writer writer;
  add_metadata(m, writer);
  add_vocabulary(m, writer);
  const auto plan = plan_tensors(m);
  const auto type_of = [&](const PlannedTensor& tensor) {
    return tensor.dims.size() == 1 ? DType::kF32 : m.type;
  };
  for (const auto& tensor : plan) writer.declare_tensor(tensor.name, type_of(tensor), tensor.dims);
  require(writer.open(path, true));
  Rng rng(m.seed);
  for (const auto& tensor : plan) {
    int64_t count = 1;
    for (const int64_t dim : tensor.dims) count *= dim;
    // Matrices that keep the scale of what goes through them; norms near 1.
    const bool vector = tensor.dims.size() == 1;
    const double scale = vector ? 0.1 : 1.0 / std::sqrt(static_cast<double>(tensor.dims[0]));
    std::vector<float> values(static_cast<size_t>(count));
    for (float& value : values) {
      value = static_cast<float>((vector ? 1.0 : 0.0) + rng.normal() * scale);
    }
    const DTypeInfo& info = dtype_info(type_of(tensor));
    const int64_t blocks = count / info.block_values;
    std::vector<std::byte> encoded(static_cast<size_t>(blocks) * info.block_bytes);
    quant::find_quant_type(info.type)->encode(values.data(), nullptr, encoded.data(), blocks);
    require(writer.append(encoded));
  }
  require(writer.finish());
}

}  // namespace chasqui::testing
