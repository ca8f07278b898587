#include "model/internal/metadata.h"

#include <fmt/format.h>

#include <cmath>

namespace chasqui::model {

Result<Metadata> Metadata::open(const gguf::File& file) {
  CHASQUI_TRY(const auto name, file.get_string("general.architecture"));
  if (!name) {
    return fail(ErrorCode::kNotFound,
                file.path() + " has no key general.architecture; it is not a model file");
  }
  Metadata metadata;
  metadata.file_ = &file;
  metadata.architecture_ = *name;
  return metadata;
}

std::string Metadata::key(std::string_view name) const {
  return *asked_->insert(fmt::format("{}.{}", architecture_, name)).first;
}

Result<int64_t> Metadata::require_int(std::string_view name, IntRange range) const {
  CHASQUI_TRY(const auto value, file_->get_int(key(name), range.min, range.max));
  if (!value) {
    return fail(ErrorCode::kNotFound, fmt::format("{} has no key {}", file_->path(), key(name)));
  }
  return *value;
}

Result<int64_t> Metadata::int_or(std::string_view name, IntRange range, int64_t fallback) const {
  CHASQUI_TRY(const auto value, file_->get_int(key(name), range.min, range.max));
  return value.value_or(fallback);
}

Result<double> Metadata::double_or(std::string_view name, double min, double max,
                                   double fallback) const {
  CHASQUI_TRY(const auto value, file_->get_double(key(name)));
  const double number = value.value_or(fallback);
  if (!std::isfinite(number) || number < min || number > max) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: {} is {}; allowed are {} to {}", file_->path(), key(name), number,
                            min, max));
  }
  return number;
}

Result<bool> Metadata::bool_or(std::string_view name, bool fallback) const {
  CHASQUI_TRY(const auto value, file_->get_bool(key(name)));
  return value.value_or(fallback);
}

Result<std::string> Metadata::string_or(std::string_view name, std::string_view fallback) const {
  CHASQUI_TRY(const auto value, file_->get_string(key(name)));
  return std::string(value.value_or(fallback));
}

Result<std::vector<int64_t>> Metadata::per_layer(std::string_view name, IntRange range,
                                                 int64_t layers,
                                                 std::optional<int64_t> fallback) const {
  const gguf::Value* value = file_->find(key(name));
  if (value == nullptr || value->type() != gguf::ValueType::kArray) {
    Result<int64_t> one = fallback ? int_or(name, range, *fallback) : require_int(name, range);
    if (!one) return fail(one.error());
    return std::vector<int64_t>(static_cast<size_t>(layers), *one);
  }
  if (value->array_size() != static_cast<size_t>(layers)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: {} has {} values for {} layers", file_->path(), key(name),
                            value->array_size(), layers));
  }
  std::vector<int64_t> values;
  for (size_t i = 0; i < value->array_size(); ++i) {
    const auto item = value->int_at(i);
    if (!item || *item < range.min || *item > range.max) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{}: {}[{}] is not an integer from {} to {}", file_->path(),
                              key(name), i, range.min, range.max));
    }
    values.push_back(*item);
  }
  return values;
}

Result<std::optional<std::vector<bool>>> Metadata::flags_per_layer(std::string_view name,
                                                                   int64_t layers) const {
  const gguf::Value* value = file_->find(key(name));
  if (value == nullptr || value->type() != gguf::ValueType::kArray) return std::nullopt;
  if (value->array_size() != static_cast<size_t>(layers)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: {} has {} values for {} layers", file_->path(), key(name),
                            value->array_size(), layers));
  }
  std::vector<bool> flags;
  for (size_t i = 0; i < value->array_size(); ++i) {
    const std::optional<bool> flag = value->bool_at(i);
    // Some converters wrote numbers.
    const std::optional<int64_t> number = value->int_at(i);
    if (!flag && !number) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{}: {}[{}] is neither true nor false", file_->path(), key(name), i));
    }
    flags.push_back(flag.value_or(number.value_or(0) != 0));
  }
  return flags;
}

}  // namespace chasqui::model
