// Packed weights on disk, so that the next start maps them instead of packing again: one file a
// tensor, in a folder named after the model's fingerprint and the layout version. The bytes do not
// depend on the instruction-set level.
//
// Files are hostile input: magic, versions, type, shape, sizes and a checksum of the header are
// compared before anything is used, and a file that differs in any way is ignored and remade. The
// payload is not summed up (that would read all of it at start): any bits there give numbers, at
// worst wrong ones. Every failure only costs time: it is logged once and the weight is packed in
// memory.
//
// Not thread-safe; for start-up. Two processes may use one folder: files appear whole, by rename.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "base/mapped_file.h"
#include "tensor/tensor_view.h"

namespace chasqui::backend::cpu {

class PackCache {
 public:
  // "" for either turns the cache off. `model_key` may hold any characters.
  PackCache(std::string folder, std::string model_key);

  bool enabled() const { return enabled_; }

  // Where the panels begin in a file of the cache.
  static constexpr size_t kPayloadAt = 4096;

  // The tensor's file, mapped, when there is a good one with `payload_bytes` of panels.
  std::optional<MappedFile> find(std::string_view tensor_name, const TensorView& view,
                                 size_t payload_bytes) const;

  // Makes the tensor's file: `fill(payload)` writes the panels. Returns it mapped, or nothing when
  // the disk refuses.
  template <typename Fill>
  std::optional<MappedFile> store(std::string_view tensor_name, const TensorView& view,
                                  size_t payload_bytes, const Fill& fill) {
    std::byte* payload = begin_store(tensor_name, view, payload_bytes);
    if (payload == nullptr) return std::nullopt;
    fill(payload);
    if (!end_store()) return std::nullopt;
    return find(tensor_name, view, payload_bytes);
  }

 private:
  std::byte* begin_store(std::string_view tensor_name, const TensorView& view,
                         size_t payload_bytes);
  bool end_store();
  std::string path_of(std::string_view tensor_name) const;
  void remove_leftovers() const;
  void warn(const std::string& what);

  std::string folder_;  // of this model
  std::string model_key_;
  bool enabled_ = false;
  bool warned_ = false;

  // The file being written; empty when there is none.
  std::string temporary_;
  std::string final_;
  std::byte* mapping_ = nullptr;
  size_t mapping_bytes_ = 0;
};

}  // namespace chasqui::backend::cpu
