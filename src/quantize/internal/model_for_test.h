// Model files for the tests of this room: metadata and matrices with the names of a llama model.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/rng.h"
#include "gguf/file.h"
#include "gguf/writer.h"
#include "quant/quant_type.h"
#include "support/tiny_model.h"

namespace chasqui::quantize::testing {

struct Shape {
  std::string arch = "llama";
  int64_t layers = 2;
  int64_t heads = 4;
  int64_t kv_heads = 4;
  int64_t experts = 0;
  int64_t cols = 256;
  int64_t rows = 1;
  bool tied = false;
  DType type = DType::kF32;
};

struct NamedTensor {
  std::string name;
  DType type;
  std::vector<int64_t> dims;
};

inline std::vector<NamedTensor> tensors_of(const Shape& shape) {
  std::vector<NamedTensor> out = {{"token_embd.weight", shape.type, {shape.cols, shape.rows}},
                                  {"output_norm.weight", DType::kF32, {shape.cols}}};
  if (!shape.tied) out.push_back({"output.weight", shape.type, {shape.cols, shape.rows}});
  for (int64_t layer = 0; layer < shape.layers; ++layer) {
    const std::string prefix = "blk." + std::to_string(layer) + ".";
    out.push_back({prefix + "attn_norm.weight", DType::kF32, {shape.cols}});
    for (const char* name : {"attn_q", "attn_k", "attn_v", "attn_output"}) {
      out.push_back({prefix + name + ".weight", shape.type, {shape.cols, shape.rows}});
    }
    if (shape.experts > 0) {
      out.push_back({prefix + "ffn_gate_inp.weight", DType::kF32, {shape.cols, shape.experts}});
    }
    for (const char* name : {"ffn_gate", "ffn_up", "ffn_down"}) {
      NamedTensor tensor = {prefix + name + ".weight", shape.type, {shape.cols, shape.rows}};
      if (shape.experts > 0) {
        tensor.name = prefix + name + "_exps.weight";
        tensor.dims.push_back(shape.experts);
      }
      out.push_back(tensor);
    }
  }
  return out;
}

// Writes random values; the file's errors are the test's.
inline void write_model(const Shape& shape, const std::string& path) {
  gguf::Writer writer;
  writer.add_string("general.architecture", shape.arch);
  writer.add_uint32("general.file_type", 0);
  const auto count = [&](const char* key, int64_t value) {
    writer.add_uint32(shape.arch + "." + key, static_cast<uint32_t>(value));
  };
  count("block_count", shape.layers);
  count("attention.head_count", shape.heads);
  count("attention.head_count_kv", shape.kv_heads);
  if (shape.experts > 0) count("expert_count", shape.experts);
  const auto tensors = tensors_of(shape);
  for (const NamedTensor& tensor : tensors) {
    writer.declare_tensor(tensor.name, tensor.type, tensor.dims);
  }
  if (!writer.open(path, true)) throw std::runtime_error("cannot write " + path);
  Rng rng(1);
  for (const NamedTensor& tensor : tensors) {
    int64_t values = 1;
    for (const int64_t dim : tensor.dims) values *= dim;
    std::vector<float> data(static_cast<size_t>(values));
    for (float& value : data) value = static_cast<float>(rng.normal());
    const DTypeInfo& info = dtype_info(tensor.type);
    std::vector<std::byte> bytes(data.size() / info.block_values * info.block_bytes);
    quant::encode_row(tensor.type, data, {}, bytes.data());
    if (!writer.append(bytes)) throw std::runtime_error("cannot write " + path);
  }
  if (!writer.finish()) throw std::runtime_error("cannot write " + path);
}

// A file that exists as long as the object.
class ModelFile {
 public:
  explicit ModelFile(const Shape& shape) : temporary_(".gguf") {
    write_model(shape, temporary_.path());
    auto opened = gguf::File::open(temporary_.path());
    if (!opened) throw std::runtime_error(opened.error().message);
    file_.emplace(std::move(*opened));
  }
  const gguf::File& operator*() const { return *file_; }
  const gguf::File* operator->() const { return &*file_; }

 private:
  chasqui::testing::TemporaryFile temporary_;
  std::optional<gguf::File> file_;
};

}  // namespace chasqui::quantize::testing
