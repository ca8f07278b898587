#include "quantize/importance.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/mapped_file.h"
#include "gguf/file.h"
#include "gguf/writer.h"

namespace chasqui::quantize {
namespace {

constexpr std::string_view kSquares = ".in_sum2";
constexpr std::string_view kCounts = ".counts";

// A column that the text hardly excited may matter to another text: this share of the mean is the
// least that it counts.
constexpr float kLeastWeight = 1e-3f;

constexpr float kNotCounted = -1;

std::span<const float> floats(const gguf::Tensor& tensor) {
  // Tensors lie at multiples of at least 8 bytes.
  return {reinterpret_cast<const float*>(tensor.view.bytes.data()),
          tensor.view.bytes.size() / sizeof(float)};
}

tl::unexpected<Error> corrupt(const std::string& path, const std::string& what) {
  return fail(ErrorCode::kCorrupt, fmt::format("{}: {}", path, what));
}

// Divides the sums of each matrix by its count. False when a number cannot be one of these.
bool to_means(std::span<const float> sums, std::span<const float> counts,
              std::vector<float>& means) {
  const size_t columns = sums.size() / counts.size();
  means.resize(sums.size());
  for (size_t i = 0; i < sums.size(); ++i) {
    const float count = counts[i / columns];
    if (!(sums[i] >= 0) || !(count >= 0) || !std::isfinite(sums[i]) || !std::isfinite(count)) {
      return false;
    }
    means[i] = count > 0 ? sums[i] / count : kNotCounted;
    if (!std::isfinite(means[i])) return false;
  }
  return true;
}

// Reads numbers and texts of the older form, with every length checked against what is left.
class LegacyReader {
 public:
  explicit LegacyReader(std::span<const std::byte> bytes) : rest_(bytes) {}

  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }

  int32_t number() {
    int32_t value = 0;
    take(&value, sizeof(value));
    return value;
  }

  std::string text() {
    const int32_t length = number();
    if (!has(length)) return {};
    std::string out(static_cast<size_t>(length), '\0');
    take(out.data(), out.size());
    return out;
  }

  std::vector<float> values(int32_t count) {
    if (!has(static_cast<int64_t>(count) * 4)) return {};
    std::vector<float> out(static_cast<size_t>(count));
    take(out.data(), out.size() * sizeof(float));
    return out;
  }

 private:
  bool has(int64_t bytes) {
    ok_ = ok_ && bytes >= 0 && bytes <= static_cast<int64_t>(rest_.size());
    return ok_;
  }
  void take(void* to, size_t size) {
    if (!has(static_cast<int64_t>(size))) return;
    std::memcpy(to, rest_.data(), size);
    rest_ = rest_.subspan(size);
  }

  std::span<const std::byte> rest_;
  bool ok_ = true;
};

template <typename T>
Status append_as_floats(gguf::Writer& writer, const std::vector<T>& values) {
  const std::vector<float> floats(values.begin(), values.end());
  return writer.append(std::as_bytes(std::span(floats)));
}

}  // namespace

Status write_importance(const std::string& path, bool overwrite, const ImportanceSource& source,
                        const std::map<std::string, ImportanceSums>& matrices) {
  gguf::Writer writer;
  writer.add_string("general.type", "imatrix");
  writer.add_strings("imatrix.datasets", source.datasets);
  writer.add_uint32("imatrix.chunk_count", source.chunks);
  writer.add_uint32("imatrix.chunk_size", source.chunk_tokens);
  for (const auto& [name, sums] : matrices) {
    const auto count = static_cast<int64_t>(sums.counts.size());
    const int64_t columns = static_cast<int64_t>(sums.squares.size()) / count;
    writer.declare_tensor(name + std::string(kSquares), DType::kF32, {{columns, count}});
    writer.declare_tensor(name + std::string(kCounts), DType::kF32, {{1, count}});
  }
  CHASQUI_TRY_STATUS(writer.open(path, overwrite));
  for (const auto& [name, sums] : matrices) {
    CHASQUI_TRY_STATUS(append_as_floats(writer, sums.squares));
    CHASQUI_TRY_STATUS(append_as_floats(writer, sums.counts));
  }
  return writer.finish();
}

Result<Importance> Importance::read(const std::string& path) {
  Importance out;
  out.path_ = path;
  CHASQUI_TRY(const MappedFile file, MappedFile::open(path));
  const auto bytes = file.bytes();
  const bool is_gguf = bytes.size() >= 4 && std::memcmp(bytes.data(), "GGUF", 4) == 0;
  CHASQUI_TRY_STATUS(is_gguf ? out.read_gguf(path) : out.read_legacy(path, bytes));
  if (out.means_.empty()) return corrupt(path, "holds no importance matrix");
  return out;
}

Status Importance::read_gguf(const std::string& path) {
  CHASQUI_TRY(const gguf::File file, gguf::File::open(path));
  CHASQUI_TRY(const auto type, file.get_string("general.type"));
  if (type != "imatrix") {
    return corrupt(path, "is no importance matrix: general.type is not \"imatrix\"");
  }
  CHASQUI_TRY(const auto chunks, file.get_int("imatrix.chunk_count", 0, INT32_MAX));
  CHASQUI_TRY(const auto tokens, file.get_int("imatrix.chunk_size", 0, INT32_MAX));
  source_.chunks = static_cast<uint32_t>(chunks.value_or(0));
  source_.chunk_tokens = static_cast<uint32_t>(tokens.value_or(0));
  if (const gguf::Value* names = file.find("imatrix.datasets")) {
    for (size_t i = 0; i < names->array_size(); ++i) {
      source_.datasets.emplace_back(names->string_at(i).value_or(""));
    }
  }
  for (const gguf::Tensor& squares : file.tensors()) {
    if (!squares.name.ends_with(kSquares)) continue;
    const std::string name = squares.name.substr(0, squares.name.size() - kSquares.size());
    const gguf::Tensor* counts = file.find_tensor(name + std::string(kCounts));
    if (counts == nullptr) return corrupt(path, fmt::format("{} has no counts", name));
    if (squares.view.type != DType::kF32 || counts->view.type != DType::kF32 ||
        squares.view.elements() % counts->view.elements() != 0) {
      return corrupt(path, fmt::format("sums and counts of {} do not go together", name));
    }
    if (!to_means(floats(squares), floats(*counts), means_[name])) {
      return corrupt(path, fmt::format("{} holds numbers that are negative or not finite", name));
    }
  }
  return {};
}

Status Importance::read_legacy(const std::string& path, std::span<const std::byte> bytes) {
  LegacyReader reader(bytes);
  const int32_t entries = reader.number();
  for (int32_t i = 0; i < entries && reader.ok(); ++i) {
    const std::string name = reader.text();
    const int32_t calls = reader.number();
    const std::vector<float> values = reader.values(reader.number());
    if (!reader.ok() || values.empty()) break;
    // Means times the number of calls, where there was one.
    const float count = static_cast<float>(std::max(calls, 1));
    if (!to_means(values, {&count, 1}, means_[name])) {
      return corrupt(path, fmt::format("{} holds numbers that are negative or not finite", name));
    }
  }
  if (!reader.ok() || entries < 1 || means_.size() != static_cast<size_t>(entries)) {
    return corrupt(path, "is no importance matrix, or one that was cut off");
  }
  if (reader.at_end()) return {};
  source_.chunks = static_cast<uint32_t>(std::max(reader.number(), 0));
  if (!reader.at_end()) source_.datasets.push_back(reader.text());
  return reader.ok() ? Status{} : corrupt(path, "was cut off");
}

bool Importance::has(std::string_view tensor_name) const {
  return means_.contains(tensor_name);
}

Result<std::vector<float>> Importance::weights(std::string_view tensor_name, int64_t columns,
                                               int64_t matrices, int64_t index) const {
  const auto found = means_.find(tensor_name);
  if (found == means_.end()) return std::vector<float>{};
  const std::vector<float>& means = found->second;
  if (static_cast<int64_t>(means.size()) != columns * matrices) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: {} has {} values, but the model's tensor has {} matrices of {} "
                            "columns; it was made with another model",
                            path_, tensor_name, means.size(), matrices, columns));
  }
  const std::span<const float> row =
      std::span(means).subspan(static_cast<size_t>(index * columns), static_cast<size_t>(columns));
  double sum = 0;
  for (const float mean : row) sum += mean;
  if (!(sum > 0)) return std::vector<float>{};  // nothing counted, or nothing but zeros
  const double scale = static_cast<double>(columns) / sum;
  std::vector<float> weights(row.size());
  std::ranges::transform(row, weights.begin(), [&](float mean) {
    return std::max(static_cast<float>(mean * scale), kLeastWeight);
  });
  return weights;
}

}  // namespace chasqui::quantize
