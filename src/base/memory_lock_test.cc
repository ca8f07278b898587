#include "base/memory_lock.h"

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <thread>

namespace chasqui {
namespace {

// The sanitizers replace mlock() by a function that does nothing.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kLocks = false;
#else
constexpr bool kLocks = true;
#endif

size_t page() {
  return static_cast<size_t>(::sysconf(_SC_PAGESIZE));
}

// Anonymous pages, given back at the end.
class Memory {
 public:
  explicit Memory(size_t pages) : bytes_(pages * page()) {
    void* const address =
        ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT_NE(address, MAP_FAILED);
    data_ = static_cast<std::byte*>(address);
  }
  ~Memory() { ::munmap(data_, bytes_); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  std::span<const std::byte> part(size_t begin, size_t size) const { return {data_ + begin, size}; }

 private:
  size_t bytes_;
  std::byte* data_ = nullptr;
};

uint64_t locked_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    uint64_t kib = 0;
    if (word == "VmLck:" && status >> kib) return kib;
  }
  return 0;
}

// Runs `body` on a thread that may not go beyond a limit of `bytes` (root may, by a capability).
template <typename Body>
void with_limit(uint64_t bytes, const Body& body) {
  rlimit before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_MEMLOCK, &before), 0);
  rlimit limit = before;
  limit.rlim_cur = bytes;
  ASSERT_EQ(::setrlimit(RLIMIT_MEMLOCK, &limit), 0);
  std::thread([&] {
    __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, 2> sets = {};
    ASSERT_EQ(::syscall(SYS_capget, &header, sets.data()), 0);
    sets[0].effective &= ~(1u << CAP_IPC_LOCK);
    ASSERT_EQ(::syscall(SYS_capset, &header, sets.data()), 0);
    body();
  }).join();
  ASSERT_EQ(::setrlimit(RLIMIT_MEMLOCK, &before), 0);
}

TEST(MemoryLock, LocksWholePagesOnce) {
  const Memory memory(8);
  const uint64_t before = locked_kib();
  // Two ranges in one page, one over the border to the next, and one far away.
  const std::array ranges = {memory.part(10, 20), memory.part(100, page()),
                             memory.part(6 * page(), 1), memory.part(0, 0)};
  const MemoryLockReport report = lock_memory(ranges);
  EXPECT_EQ(report.reason, "");
  EXPECT_EQ(report.wanted_bytes, 3 * page());
  EXPECT_EQ(report.locked_bytes, 3 * page());
  EXPECT_EQ(report.locked_before, before << 10);
  if (kLocks) EXPECT_EQ(locked_kib() - before, 3 * page() >> 10);
}

TEST(MemoryLock, ALowLimitIsReported) {
  const Memory memory(100);
  const uint64_t before = locked_kib() << 10;
  with_limit(before + 10 * page(), [&] {
    const std::array ranges = {memory.part(0, 4 * page()), memory.part(8 * page(), 60 * page())};
    const MemoryLockReport report = lock_memory(ranges);
    EXPECT_EQ(report.wanted_bytes, 64 * page());
    EXPECT_EQ(report.limit_bytes, before + 10 * page());
    if (!kLocks) return;
    EXPECT_EQ(report.locked_bytes, 4 * page());
    EXPECT_NE(report.reason, "");
  });
}

TEST(MemoryLock, NothingIsNoError) {
  const MemoryLockReport report = lock_memory({});
  EXPECT_EQ(report.wanted_bytes, 0u);
  EXPECT_EQ(report.reason, "");
}

}  // namespace
}  // namespace chasqui
