// measure_limits(): the yardstick of every speed figure. Several short runs, of which the best
// counts: the machine is shared, and a limit is what it can do, not what it did just then.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>

#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/isa_levels.h"
#include "base/clock.h"
#include "base/thread_team.h"
#include "tensor/buffer.h"

namespace chasqui::backend::cpu {
namespace {

// Far above any last-level cache share that a process gets.
constexpr int64_t kReadBytes = int64_t{512} << 20;
constexpr int64_t kReadPiece = int64_t{4} << 20;
constexpr int64_t kRoundsPerTask = 200'000;  // about 0.4 ms
constexpr int64_t kTasksPerThread = 8;
constexpr int kMaxThreads = 1024;

// Units a nanosecond (billions a second) of the best run of `run`, which does `units` of work.
template <typename Run>
double best_rate(const Clock& clock, double seconds, double units, const Run& run) {
  const Instant begin = clock.now();
  double best = 0;
  do {
    const Instant from = clock.now();
    run();
    best = std::max(best, units / (seconds_between(from, clock.now()) * 1e9));
  } while (seconds_between(begin, clock.now()) < seconds);
  return best;
}

double compute_rate(ThreadTeam& team, double seconds, float (*kernel)(int64_t), int macs) {
  if (kernel == nullptr) return 0;
  const int64_t tasks = team.size() * kTasksPerThread;
  std::atomic<float> sink{0};  // keeps the loops alive
  return best_rate(Clock(), seconds,
                   static_cast<double>(tasks * kRoundsPerTask) * static_cast<double>(macs), [&] {
                     team.run(tasks, [&](int64_t, int) {
                       sink.store(kernel(kRoundsPerTask), std::memory_order_relaxed);
                     });
                   });
}

Result<double> read_rate(ThreadTeam& team, double seconds, const LimitKernels& kernels) {
  CHASQUI_TRY(const Buffer buffer, Buffer::allocate(static_cast<size_t>(kReadBytes)));
  const int64_t pieces = kReadBytes / kReadPiece;
  // Untouched pages would all be the one page of zeros.
  team.run(pieces, [&](int64_t i, int) {
    std::memset(buffer.data() + i * kReadPiece, 1, static_cast<size_t>(kReadPiece));
  });
  std::atomic<float> sink{0};
  return best_rate(Clock(), seconds, static_cast<double>(kReadBytes), [&] {
    team.run(pieces, [&](int64_t i, int) {
      sink.store(kernels.read(buffer.data() + i * kReadPiece, kReadPiece),
                 std::memory_order_relaxed);
    });
  });
}

bool has_bf16_dot() {
#ifdef __x86_64__
  return __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

}  // namespace

Result<MachineLimits> measure_limits(int threads, std::string_view isa, double seconds) {
  if (threads < 0 || threads > kMaxThreads) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("{} threads: 0 (one for each core) to {} are possible", threads, kMaxThreads),
        "threads");
  }
  if (threads == 0) threads = default_threads();
  CHASQUI_TRY(const KernelTable table, find_kernels(isa));
  const LimitKernels& kernels = table.limits;
  ThreadTeam team(threads);
  MachineLimits limits;
  CHASQUI_TRY(limits.read_gb_per_s, read_rate(team, seconds, kernels));
  limits.int8_gmac_per_s = compute_rate(team, seconds, kernels.int8, kernels.int8_macs);
  limits.f32_gmac_per_s = compute_rate(team, seconds, kernels.f32, kernels.f32_macs);
  limits.bf16_gmac_per_s =
      compute_rate(team, seconds, has_bf16_dot() ? kernels.bf16 : nullptr, kernels.bf16_macs);
  return limits;
}

}  // namespace chasqui::backend::cpu
