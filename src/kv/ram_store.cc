#include "kv/ram_store.h"

#include <cstring>
#include <new>
#include <optional>

#include "kv/internal/store_index.h"

namespace chasqui::kv {
namespace {

// What the maps take up for each record, about; the allocator rounds to 16.
constexpr int64_t kOverhead = 256;
constexpr int64_t kGranule = 16;

class RamStore final : public BlockStore {
 public:
  RamStore(int64_t capacity, uint64_t secret)
      : secret_(secret), index_(capacity, kOverhead, kGranule) {}

  std::string describe() const override { return "memory"; }
  uint64_t secret() const override { return secret_; }
  bool contains(const Hash128& name) const override { return index_.contains(name); }
  StoreStats stats() const override { return index_.stats(); }

  bool get(const Hash128& name, std::span<std::byte> record) override {
    const auto found = records_.find(name);
    if (found == records_.end() || found->second.size() != record.size()) return false;
    std::memcpy(record.data(), found->second.data(), record.size());
    index_.touch(name);
    return true;
  }

  bool put(const Hash128& name, const Hash128& parent, std::span<const std::byte> record) override {
    const auto bytes = static_cast<int64_t>(record.size());
    index_.touch(parent);
    if (index_.contains(name)) return false;
    bool fits = true;
    while (const std::optional<Hash128> victim =
               index_.next_to_go(index_.charge(bytes), parent, fits)) {
      forget(*victim);
      index_.count_evicted();
    }
    if (!fits) return false;
    bool listed = false;
    try {
      listed = index_.insert(name, {parent, bytes, 0, 0});
      if (!listed) return false;
      records_.emplace(name, std::vector<std::byte>(record.begin(), record.end()));
    } catch (const std::bad_alloc&) {
      if (listed) index_.erase(name);
      index_.count_failure();
      return false;
    }
    return true;
  }

  void forget(const Hash128& name) override {
    index_.erase(name);
    records_.erase(name);
  }

 private:
  const uint64_t secret_;
  StoreIndex index_;
  // INVARIANT: the names of index_.
  std::unordered_map<Hash128, std::vector<std::byte>, Hash128Hasher> records_;
};

}  // namespace

std::unique_ptr<BlockStore> make_ram_store(int64_t capacity, uint64_t secret) {
  return std::make_unique<RamStore>(capacity, secret);
}

}  // namespace chasqui::kv
