#include "kv/internal/store_index.h"

#include <algorithm>
#include <vector>

#include "base/check.h"

namespace chasqui::kv {

StoreIndex::StoreIndex(int64_t capacity, int64_t overhead, int64_t granule)
    : capacity_(capacity), overhead_(overhead), granule_(granule) {
  CHASQUI_CHECK(capacity >= 0 && overhead >= 0 && granule >= 1, "{} bytes, {} and {} a record",
                capacity, overhead, granule);
  stats_.capacity = capacity;
}

int64_t StoreIndex::charge(int64_t bytes) const {
  return (bytes + overhead_ + granule_ - 1) / granule_ * granule_;
}

bool StoreIndex::contains(const Hash128& name) const {
  const std::lock_guard lock(mutex_);
  return nodes_.contains(name);
}

std::optional<StoreIndex::Entry> StoreIndex::find(const Hash128& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = nodes_.find(name);
  if (found == nodes_.end()) return std::nullopt;
  return found->second.entry;
}

bool StoreIndex::insert(const Hash128& name, Entry entry) {
  const std::lock_guard lock(mutex_);
  if (nodes_.contains(name) || name == entry.parent) return false;
  if (entry.used == 0) entry.used = clock_ + 1;
  clock_ = std::max(clock_, entry.used);
  Node node{entry, 0};
  if (const auto waiting = orphans_.find(name); waiting != orphans_.end()) {
    node.children = waiting->second;
    orphans_.erase(waiting);
  }
  nodes_.emplace(name, node);
  if (!node.has_children()) leaves_.insert({entry.used, name});
  add_child(entry.parent);
  stats_.bytes += charge(entry.bytes);
  ++stats_.records;
  return true;
}

uint64_t StoreIndex::touch(const Hash128& name) {
  const std::lock_guard lock(mutex_);
  const auto found = nodes_.find(name);
  if (found == nodes_.end()) return 0;
  Node& node = found->second;
  if (!node.has_children()) leaves_.erase({node.entry.used, name});
  node.entry.used = ++clock_;
  if (!node.has_children()) leaves_.insert({node.entry.used, name});
  return node.entry.used;
}

std::optional<StoreIndex::Entry> StoreIndex::erase(const Hash128& name) {
  const std::lock_guard lock(mutex_);
  return erase_locked(name);
}

std::optional<StoreIndex::Entry> StoreIndex::erase_locked(const Hash128& name) {
  const auto found = nodes_.find(name);
  if (found == nodes_.end()) return std::nullopt;
  const Node node = found->second;
  nodes_.erase(found);
  if (node.has_children()) {
    orphans_.emplace(name, node.children);
  } else {
    leaves_.erase({node.entry.used, name});
  }
  remove_child(node.entry.parent);
  stats_.bytes -= charge(node.entry.bytes);
  --stats_.records;
  return node.entry;
}

void StoreIndex::clear() {
  const std::lock_guard lock(mutex_);
  nodes_.clear();
  orphans_.clear();
  leaves_.clear();
  stats_.bytes = 0;
  stats_.records = 0;
}

// Takes away childless nodes again and again; what is left are the rings.
int64_t StoreIndex::erase_rings() {
  const std::lock_guard lock(mutex_);
  std::unordered_map<Hash128, int64_t, Hash128Hasher> children;
  for (const auto& [name, node] : nodes_) children.emplace(name, node.children);
  std::vector<Hash128> childless;
  for (const auto& [used, name] : leaves_) childless.push_back(name);
  while (!childless.empty()) {
    const Hash128 name = childless.back();
    childless.pop_back();
    children.erase(name);
    const auto parent = children.find(nodes_.at(name).entry.parent);
    if (parent != children.end() && --parent->second == 0) childless.push_back(parent->first);
  }
  for (const auto& [name, count] : children) erase_locked(name);
  return static_cast<int64_t>(children.size());
}

void StoreIndex::add_child(const Hash128& parent) {
  const auto found = nodes_.find(parent);
  if (found == nodes_.end()) {
    ++orphans_[parent];
  } else if (found->second.children++ == 0) {
    leaves_.erase({found->second.entry.used, parent});
  }
}

void StoreIndex::remove_child(const Hash128& parent) {
  if (const auto found = nodes_.find(parent); found != nodes_.end()) {
    if (--found->second.children == 0) leaves_.insert({found->second.entry.used, parent});
  } else if (const auto waiting = orphans_.find(parent); waiting != orphans_.end()) {
    if (--waiting->second == 0) orphans_.erase(waiting);
  }
}

std::optional<Hash128> StoreIndex::next_to_go(int64_t charge, const Hash128& parent,
                                              bool& fits) const {
  const std::lock_guard lock(mutex_);
  fits = stats_.bytes + charge <= capacity_;
  if (fits || charge > capacity_) return std::nullopt;
  // The parent is just being used. A chain that fills the store alone ends here.
  for (const auto& [used, name] : leaves_) {
    if (name == parent) continue;
    fits = true;
    return name;
  }
  return std::nullopt;
}

void StoreIndex::count_evicted() {
  const std::lock_guard lock(mutex_);
  ++stats_.evicted;
}

void StoreIndex::count_failure() {
  const std::lock_guard lock(mutex_);
  ++stats_.failures;
}

StoreStats StoreIndex::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

}  // namespace chasqui::kv
