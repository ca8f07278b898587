#include "backend/cpu/cpu_quota.h"

#include <charconv>
#include <fstream>
#include <iterator>
#include <string>

namespace chasqui::backend::cpu {
namespace {

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::optional<double> parse_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || value <= 0) return std::nullopt;
  return value;
}

// The path on the line "0::/a/b" of version 2, without the first slash; the root where it is
// missing.
std::filesystem::path group_of(std::string_view membership) {
  constexpr std::string_view kStart = "0::/";
  const size_t at = membership.find(kStart);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = membership.substr(at + kStart.size());
  return rest.substr(0, rest.find('\n'));
}

}  // namespace

std::optional<double> parse_cpu_max(std::string_view text) {
  const size_t space = text.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const auto quota = parse_number(text.substr(0, space));
  const auto period = parse_number(text.substr(space + 1));
  if (!quota || !period) return std::nullopt;
  return *quota / *period;
}

double cpu_quota(const std::filesystem::path& root, std::string_view membership) {
  double least = 0;
  const auto consider = [&](const std::filesystem::path& folder) {
    const auto quota = parse_cpu_max(read_text(folder / "cpu.max"));
    if (quota && (least == 0 || *quota < least)) least = *quota;
  };
  std::filesystem::path folder = root;
  consider(folder);
  for (const auto& part : group_of(membership)) consider(folder /= part);
  return least;
}

double cpu_quota() {
  return cpu_quota("/sys/fs/cgroup", read_text("/proc/self/cgroup"));
}

}  // namespace chasqui::backend::cpu
