#include "gguf/overrides.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>

#include "gguf/file.h"
#include "gguf/internal/cursor.h"

namespace chasqui::gguf {
namespace {

constexpr std::string_view kSyntax =
    "key=type:value, with int, float, bool or str as the type, like llama.context_length=int:4096";

tl::unexpected<Error> wrong(std::string_view text, std::string_view what) {
  return fail(ErrorCode::kInvalidArgument, fmt::format("\"{}\": {}", text, what));
}

template <typename T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (!std::isfinite(static_cast<double>(value))) return std::nullopt;
  return value;
}

std::optional<bool> flag(std::string_view text) {
  std::string word(text);
  std::ranges::transform(word, word.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (word == "true" || word == "1") return true;
  if (word == "false" || word == "0") return false;
  return std::nullopt;
}

// Keys that say how the file itself is laid out: by the time anybody could change them, it is read.
bool is_of_the_container(std::string_view key) {
  return key == "general.alignment" || key.starts_with("split.");
}

// The four kinds of scalars, in the order of Override::value; nullopt for arrays.
std::optional<size_t> kind_of(const Value& value) {
  if (value.type() == ValueType::kString) return 3;
  if (value.type() == ValueType::kBool) return 2;
  if (value.type() == ValueType::kFloat32 || value.type() == ValueType::kFloat64) return 1;
  if (value.type() == ValueType::kArray) return std::nullopt;
  return 0;
}

constexpr std::string_view kKinds[] = {"int", "float", "bool", "str"};

}  // namespace

Result<Override> parse_override(std::string_view text) {
  const size_t equals = text.find('=');
  const size_t colon = equals == text.npos ? text.npos : text.find(':', equals);
  if (equals == 0 || colon == text.npos) return wrong(text, fmt::format("expected {}", kSyntax));
  Override result;
  result.key = text.substr(0, equals);
  const std::string_view type = text.substr(equals + 1, colon - equals - 1);
  const std::string_view value = text.substr(colon + 1);
  if (type == "str") {
    result.value = std::string(value);
  } else if (type == "int") {
    const auto parsed = number<int64_t>(value);
    if (!parsed) return wrong(text, fmt::format("\"{}\" is no integer of 64 bits", value));
    result.value = *parsed;
  } else if (type == "float") {
    const auto parsed = number<double>(value);
    if (!parsed) return wrong(text, fmt::format("\"{}\" is no finite number", value));
    result.value = *parsed;
  } else if (type == "bool") {
    const auto parsed = flag(value);
    if (!parsed) return wrong(text, fmt::format("\"{}\" is neither true nor false", value));
    result.value = *parsed;
  } else {
    return wrong(text, fmt::format("there is no type \"{}\"; expected {}", type, kSyntax));
  }
  return result;
}

Status File::check_override(const Override& wanted) const {
  if (is_of_the_container(wanted.key)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} cannot be overridden: it says how the file is laid out",
                            quote_name(wanted.key)));
  }
  const Value* old = find(wanted.key);
  if (old == nullptr || kind_of(*old) == wanted.value.index()) return {};
  const auto kind = kind_of(*old);
  if (!kind) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is an array in {}, which cannot be overridden",
                            quote_name(wanted.key), path_));
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{} is of type {} in {}; write {}={}:VALUE", quote_name(wanted.key),
                          kKinds[*kind], path_, wanted.key, kKinds[*kind]));
}

void File::set(const Override& wanted) {
  const auto make = [this](ValueType type, const auto& value) {
    const auto* bytes = reinterpret_cast<const char*>(&value);
    return Value::of_bytes(type,
                           std::as_bytes(std::span(owned_.emplace_front(bytes, sizeof value))));
  };
  struct Maker {
    const decltype(make)& scalar;
    File& file;
    Value operator()(int64_t value) const { return scalar(ValueType::kInt64, value); }
    Value operator()(double value) const { return scalar(ValueType::kFloat64, value); }
    Value operator()(bool value) const { return scalar(ValueType::kBool, value); }
    Value operator()(const std::string& value) const {
      return Value::of_text(file.owned_.emplace_front(value));
    }
  };
  const Value value = std::visit(Maker{make, *this}, wanted.value);
  const auto [it, is_new] = key_index_.emplace(wanted.key, metadata_.size());
  if (is_new) {
    metadata_.emplace_back(wanted.key, value);
  } else {
    metadata_[it->second].second = value;
  }
}

Result<std::vector<std::string>> File::override_metadata(std::span<const Override> overrides) {
  std::vector<std::string> added;
  for (size_t i = 0; i < overrides.size(); ++i) {
    CHASQUI_TRY_STATUS(check_override(overrides[i]));
    const auto before = overrides.first(i);
    if (std::ranges::find(before, overrides[i].key, &Override::key) != before.end()) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} is overridden twice", quote_name(overrides[i].key)));
    }
  }
  for (const Override& wanted : overrides) {
    if (find(wanted.key) == nullptr) added.push_back(wanted.key);
    set(wanted);
  }
  return added;
}

}  // namespace chasqui::gguf
