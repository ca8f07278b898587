#include "drafts/widen.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "gguf/file.h"
#include "gguf/writer.h"
#include "model/model.h"
#include "quant/quant_type.h"

namespace chasqui::bench {
namespace {

// What the dimensions of the matrices run over.
enum class Axis { kVocab, kHidden, kFfn, kQuery, kKeyValue };

struct TensorRow {
  std::string_view name;
  bool per_layer;
  Axis from;  // contiguous dimension
  Axis to;    // the other one; vectors: the same as `from`
  bool vector;
};

constexpr TensorRow kTensors[] = {
    {"token_embd", false, Axis::kHidden, Axis::kVocab, false},
    {"output_norm", false, Axis::kHidden, Axis::kHidden, true},
    {"attn_norm", true, Axis::kHidden, Axis::kHidden, true},
    {"attn_q", true, Axis::kHidden, Axis::kQuery, false},
    {"attn_k", true, Axis::kHidden, Axis::kKeyValue, false},
    {"attn_v", true, Axis::kHidden, Axis::kKeyValue, false},
    {"attn_output", true, Axis::kQuery, Axis::kHidden, false},
    {"ffn_norm", true, Axis::kHidden, Axis::kHidden, true},
    {"ffn_gate", true, Axis::kHidden, Axis::kFfn, false},
    {"ffn_up", true, Axis::kHidden, Axis::kFfn, false},
    {"ffn_down", true, Axis::kFfn, Axis::kHidden, false},
};

class Widener {
 public:
  Widener(const gguf::File& file, const model::ModelSpec& spec, const WideShape& shape)
      : file_(file), spec_(spec), shape_(shape), rng_(shape.random_seed) {}

  Status write(const std::string& to) {
    CHASQUI_TRY_STATUS(check());
    gguf::Writer writer;
    add_metadata(writer);
    CHASQUI_TRY_STATUS(each_tensor([&](const TensorRow& row, const std::string& name) {
      const std::vector<int64_t> dims =
          row.vector ? std::vector{wide(row.from)} : std::vector{wide(row.from), wide(row.to)};
      writer.declare_tensor(name, row.vector ? DType::kF32 : shape_.type, dims);
      return Status{};
    }));
    CHASQUI_TRY_STATUS(writer.open(to, true));
    CHASQUI_TRY_STATUS(each_tensor([&](const TensorRow& row, const std::string& name) {
      return row.vector ? write_vector(row, name, writer) : write_matrix(row, name, writer);
    }));
    return writer.finish();
  }

 private:
  template <typename Fn>
  Status each_tensor(const Fn& fn) {
    for (const TensorRow& row : kTensors) {
      const int64_t copies = row.per_layer ? shape_.layers : 1;
      for (int64_t layer = 0; layer < copies; ++layer) {
        std::string name = std::string(row.name) + ".weight";
        if (row.per_layer) name = "blk." + std::to_string(layer) + "." + name;
        CHASQUI_TRY_STATUS(fn(row, name));
      }
    }
    return {};
  }

  Status check() const {
    const model::LayerSpec& l = layer();
    const bool fits = shape_.layers >= static_cast<int64_t>(spec_.layers.size()) &&
                      shape_.hidden >= spec_.hidden && shape_.ffn >= l.ffn &&
                      shape_.hidden == shape_.heads * l.key_dim && shape_.kv_heads >= l.kv_heads &&
                      shape_.heads / shape_.kv_heads >= l.heads / l.kv_heads;
    if (fits) return {};
    return fail(ErrorCode::kInvalidArgument, "the shape cannot hold the model");
  }

  const model::LayerSpec& layer() const { return spec_.layers.front(); }
  int64_t narrow(Axis axis) const;
  int64_t wide(Axis axis) const;

  // Where index `i` of the model's axis stands in the wide one. Query heads stay with their key.
  int64_t place(Axis axis, int64_t i) const {
    if (axis != Axis::kQuery) return i;
    const int64_t width = layer().key_dim;
    const int64_t head = i / width;
    const int64_t group = layer().heads / layer().kv_heads;
    const int64_t wide_group = shape_.heads / shape_.kv_heads;
    return (head / group * wide_group + head % group) * width + i % width;
  }

  void add_metadata(gguf::Writer& writer) const;
  Status write_vector(const TensorRow& row, const std::string& name, gguf::Writer& writer) const;
  std::vector<float> wide_row(const TensorRow& row, std::span<const float> values) const;
  Status write_matrix(const TensorRow& row, const std::string& name, gguf::Writer& writer);
  // Empty where the model has no such layer.
  std::vector<float> values_of(const std::string& name) const;

  const gguf::File& file_;
  const model::ModelSpec& spec_;
  const WideShape shape_;
  Rng rng_;
};

int64_t Widener::narrow(Axis axis) const {
  switch (axis) {
    case Axis::kVocab:
      return spec_.vocab;
    case Axis::kHidden:
      return spec_.hidden;
    case Axis::kFfn:
      return layer().ffn;
    case Axis::kQuery:
      return layer().q_width();
    case Axis::kKeyValue:
      return layer().k_width();
  }
  return 0;
}

int64_t Widener::wide(Axis axis) const {
  switch (axis) {
    case Axis::kVocab:
      return spec_.vocab;
    case Axis::kHidden:
    case Axis::kQuery:
      return shape_.hidden;
    case Axis::kFfn:
      return shape_.ffn;
    case Axis::kKeyValue:
      return shape_.kv_heads * layer().key_dim;
  }
  return 0;
}

// The file's own but for the sizes. A mean of squares over more values is smaller by the quotient
// of the widths, and so must be what keeps it from 0.
void Widener::add_metadata(gguf::Writer& writer) const {
  const std::map<std::string_view, int64_t> sizes = {
      {"llama.embedding_length", shape_.hidden},
      {"llama.block_count", shape_.layers},
      {"llama.feed_forward_length", shape_.ffn},
      {"llama.attention.head_count", shape_.heads},
      {"llama.attention.head_count_kv", shape_.kv_heads}};
  const double narrower = static_cast<double>(spec_.hidden) / static_cast<double>(shape_.hidden);
  for (const auto& [key, value] : file_.metadata()) {
    const auto size = sizes.find(key);
    if (size != sizes.end()) {
      writer.add_uint32(key, static_cast<uint32_t>(size->second));
    } else if (key == "llama.attention.layer_norm_rms_epsilon") {
      writer.add_float32(key, static_cast<float>(spec_.norm_eps * narrower));
    } else {
      writer.add_value(key, value);
    }
  }
}

std::vector<float> Widener::values_of(const std::string& name) const {
  const gguf::Tensor* tensor = file_.find_tensor(name);
  if (tensor == nullptr) return {};
  std::vector<float> values(static_cast<size_t>(tensor->view.elements()));
  quant::decode_row(tensor->view.type, tensor->view.bytes.data(), values);
  return values;
}

Status Widener::write_vector(const TensorRow& row, const std::string& name,
                             gguf::Writer& writer) const {
  std::vector<float> values = values_of(name);
  // The norm divides by a mean that is smaller, see add_metadata().
  const double factor =
      std::sqrt(static_cast<double>(spec_.hidden) / static_cast<double>(shape_.hidden));
  for (float& value : values) value = static_cast<float>(value * factor);
  values.resize(static_cast<size_t>(wide(row.from)));
  return writer.append(std::as_bytes(std::span(values)));
}

std::vector<float> Widener::wide_row(const TensorRow& row, std::span<const float> values) const {
  std::vector<float> out(static_cast<size_t>(wide(row.from)));
  for (size_t i = 0; i < values.size(); ++i) {
    out[static_cast<size_t>(place(row.from, static_cast<int64_t>(i)))] = values[i];
  }
  return out;
}

Status Widener::write_matrix(const TensorRow& row, const std::string& name, gguf::Writer& writer) {
  const std::vector<float> values = values_of(name);
  const auto width = static_cast<size_t>(narrow(row.from));
  std::vector<std::vector<float>> rows(static_cast<size_t>(wide(row.to)));
  for (size_t r = 0; r * width < values.size(); ++r) {
    rows[static_cast<size_t>(place(row.to, static_cast<int64_t>(r)))] =
        wide_row(row, std::span(values).subspan(r * width, width));
  }
  const DTypeInfo& info = dtype_info(shape_.type);
  const quant::QuantType& type = *quant::find_quant_type(shape_.type);
  std::vector<std::byte> encoded(*row_bytes(shape_.type, static_cast<uint64_t>(wide(row.from))));
  for (std::vector<float>& line : rows) {
    line.resize(static_cast<size_t>(wide(row.from)));
    if (shape_.random_seed != 0) {
      for (float& value : line) value = static_cast<float>(rng_.normal()) * 0.02f;
    }
    type.encode(line.data(), nullptr, encoded.data(), wide(row.from) / info.block_values);
    CHASQUI_TRY_STATUS(writer.append(encoded));
    line = {};
  }
  return {};
}

}  // namespace

Status write_widened(const std::string& from, const std::string& to, const WideShape& shape) {
  CHASQUI_TRY(const gguf::File file, gguf::File::open(from));
  CHASQUI_TRY(const model::ModelSpec spec, model::read_spec(file));
  return Widener(file, spec, shape).write(to);
}

}  // namespace chasqui::bench
