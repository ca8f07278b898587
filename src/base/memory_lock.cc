#include "base/memory_lock.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace chasqui {
namespace {

struct Pages {
  uintptr_t begin;
  uintptr_t end;
};

// Sorted, whole, without overlap or touching neighbours.
std::vector<Pages> merge(std::span<const std::span<const std::byte>> ranges) {
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  std::vector<Pages> all;
  for (const auto& range : ranges) {
    if (range.empty()) continue;
    const auto begin = reinterpret_cast<uintptr_t>(range.data());
    all.push_back({begin / page * page, (begin + range.size() + page - 1) / page * page});
  }
  std::ranges::sort(all, {}, &Pages::begin);
  std::vector<Pages> merged;
  for (const Pages& pages : all) {
    if (!merged.empty() && pages.begin <= merged.back().end) {
      merged.back().end = std::max(merged.back().end, pages.end);
    } else {
      merged.push_back(pages);
    }
  }
  return merged;
}

uint64_t memory_limit() {
  rlimit limit = {};
  if (::getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
    return UINT64_MAX;
  }
  return limit.rlim_cur;
}

// The line "VmLck:   12 kB" of /proc/self/status.
uint64_t locked_now() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    uint64_t kib = 0;
    if (word == "VmLck:" && status >> kib) return kib << 10;
  }
  return 0;
}

}  // namespace

MemoryLockReport lock_memory(std::span<const std::span<const std::byte>> ranges) {
  MemoryLockReport report;
  report.locked_before = locked_now();
  report.limit_bytes = memory_limit();
  const std::vector<Pages> merged = merge(ranges);
  for (const Pages& pages : merged) report.wanted_bytes += pages.end - pages.begin;
  for (const Pages& pages : merged) {
    const size_t bytes = pages.end - pages.begin;
    if (::mlock(reinterpret_cast<const void*>(pages.begin), bytes) != 0) {
      report.reason = std::strerror(errno);
      break;
    }
    report.locked_bytes += bytes;
  }
  return report;
}

}  // namespace chasqui
