// Metadata of one model, read with its architecture's prefix and with bounds: a value that makes
// no sense is refused by the name of its key before anything is sized by it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gguf/file.h"

namespace chasqui::model {

// Inclusive bounds of an integer key.
struct IntRange {
  int64_t min;
  int64_t max;
};

class Metadata {
 public:
  // Reads `general.architecture`. kNotFound when the file has none.
  static Result<Metadata> open(const gguf::File& file);

  const gguf::File& file() const { return *file_; }
  const std::string& architecture() const { return architecture_; }
  // "attention.head_count" -> "llama.attention.head_count". Remembers that somebody asked for it.
  std::string key(std::string_view name) const;
  // Says that a key is known, and that nothing depends on it.
  void note_key(std::string_view name) const { static_cast<void>(key(name)); }
  // All keys that were asked for, from this object and from copies of it.
  const std::set<std::string>& asked() const { return *asked_; }

  Result<int64_t> require_int(std::string_view name, IntRange range) const;
  Result<int64_t> int_or(std::string_view name, IntRange range, int64_t fallback) const;
  Result<double> double_or(std::string_view name, double min, double max, double fallback) const;
  Result<bool> bool_or(std::string_view name, bool fallback) const;
  Result<std::string> string_or(std::string_view name, std::string_view fallback) const;

  // One value for each of `layers` layers, written in the file as one number or as an array of
  // exactly that many.
  Result<std::vector<int64_t>> per_layer(std::string_view name, IntRange range, int64_t layers,
                                         std::optional<int64_t> fallback) const;

  // A yes or no for each layer. Nothing where the key is absent or no array of booleans.
  Result<std::optional<std::vector<bool>>> flags_per_layer(std::string_view name,
                                                           int64_t layers) const;

 private:
  const gguf::File* file_ = nullptr;
  std::string architecture_;
  std::shared_ptr<std::set<std::string>> asked_ = std::make_shared<std::set<std::string>>();
};

}  // namespace chasqui::model
