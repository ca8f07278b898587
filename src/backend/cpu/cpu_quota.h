// How much processor time the cgroup of this process allows. Containers that are limited by quota
// ("--cpus 2", Kubernetes' limits) still see every processor of the host; a thread for each of them
// would be stopped together for most of every period.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

namespace chasqui::backend::cpu {

// "200000 100000" is 2.0 processors; "max 100000" and what cannot be read is nullopt.
std::optional<double> parse_cpu_max(std::string_view text);

// The least quota of the cgroup named by `membership` (the text of /proc/self/cgroup) and those
// above it, in processors; 0 where there is none. cgroup v2 below `root`.
double cpu_quota(const std::filesystem::path& root, std::string_view membership);

// Of this process.
double cpu_quota();

}  // namespace chasqui::backend::cpu
