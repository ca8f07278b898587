#include "gguf/split_name.h"

#include <fmt/format.h>

#include <algorithm>

namespace chasqui::gguf {
namespace {

constexpr std::string_view kShape = "-#####-of-#####.gguf";  // # stands for a digit
constexpr size_t kPartAt = 1;
constexpr size_t kCountAt = 10;
constexpr size_t kDigits = 5;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

int number_at(std::string_view text, size_t at) {
  int value = 0;
  for (const char c : text.substr(at, kDigits)) value = value * 10 + (c - '0');
  return value;
}

}  // namespace

std::optional<SplitName> parse_split_name(std::string_view path) {
  if (path.size() < kShape.size()) return std::nullopt;
  const std::string_view end = path.substr(path.size() - kShape.size());
  const bool fits = std::ranges::equal(
      end, kShape, [](char c, char shape) { return shape == '#' ? is_digit(c) : c == shape; });
  if (!fits) return std::nullopt;
  const int part = number_at(end, kPartAt);
  const int count = number_at(end, kCountAt);
  if (part < 1 || part > count) return std::nullopt;
  return SplitName{std::string(path.substr(0, path.size() - kShape.size())), part - 1, count};
}

std::string split_path(const SplitName& name, int part) {
  return fmt::format("{}-{:05}-of-{:05}.gguf", name.prefix, part + 1, name.count);
}

}  // namespace chasqui::gguf
