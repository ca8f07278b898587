// Any bytes given to gguf::File::parse must give an error with a message, or a File of which
// everything that it hands out can be read.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>

#include "gguf/file.h"

namespace {

using chasqui::gguf::File;
using chasqui::gguf::Tensor;
using chasqui::gguf::Value;

volatile uint64_t g_sink;  // keeps the reads below alive

void touch(std::string_view text) {
  uint64_t sum = 0;
  for (const char c : text) sum += static_cast<uint8_t>(c);
  g_sink = sum;
}

void touch(std::span<const std::byte> bytes) {
  uint64_t sum = 0;
  for (const std::byte b : bytes) sum += static_cast<uint64_t>(b);
  g_sink = sum;
}

void touch(const Value& value) {
  touch(value.raw());
  touch(value.as_string().value_or(""));
  g_sink = value.as_uint().value_or(0) + static_cast<uint64_t>(value.as_int().value_or(0)) +
           (value.as_double().value_or(0) > 0) + value.as_bool().value_or(false);
  for (size_t i = 0; i <= value.array_size(); ++i) {  // one too far on purpose
    touch(value.string_at(i).value_or(""));
    g_sink = static_cast<uint64_t>(value.int_at(i).value_or(0)) +
             (value.double_at(i).value_or(0) > 0) + value.bool_at(i).value_or(false);
  }
}

// What the reader promises of a tensor; abort() is what a fuzzer notices.
void check(const Tensor& tensor, std::span<const std::byte> image) {
  const auto row = chasqui::row_bytes(tensor.view.type, static_cast<uint64_t>(tensor.view.cols()));
  const auto rows = static_cast<uint64_t>(tensor.view.elements() / tensor.view.cols());
  if (!row || *row * rows != tensor.view.bytes.size()) std::abort();
  if (tensor.view.bytes.data() != image.data() + tensor.offset) std::abort();
  if (tensor.view.bytes.size() > image.size() - tensor.offset) std::abort();
  if (tensor.n_dims < 1 || tensor.n_dims > 4) std::abort();
  touch(tensor.view.bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto image = std::as_bytes(std::span(data, size));
  const auto file = File::parse(image, "fuzz");
  if (!file) {
    if (file.error().message.empty()) std::abort();
    return 0;
  }
  for (const auto& [key, value] : file->metadata()) {
    if (file->find(key) != &value) std::abort();
    touch(value);
    g_sink =
        file->get_int(key, std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max())
            .has_value() +
        file->get_double(key).has_value() + file->get_bool(key).has_value() +
        file->get_string(key).has_value();
  }
  for (const Tensor& tensor : file->tensors()) {
    if (file->find_tensor(tensor.name) != &tensor) std::abort();
    check(tensor, image);
  }
  return 0;
}
