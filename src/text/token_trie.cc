#include "text/internal/token_trie.h"

#include <algorithm>
#include <cstring>

namespace chasqui::text {
namespace {

// Entries [begin, end) share their first `depth` bytes, which lead to one node.
struct Group {
  size_t begin;
  size_t end;
  size_t depth;
};

}  // namespace

TokenTrie::TokenTrie(Entries entries) {
  std::erase_if(entries, [](const auto& entry) {
    return entry.first.empty() || entry.first.size() > kLongestMatched;
  });
  std::stable_sort(entries.begin(), entries.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });

  std::vector<Group> groups = {{0, entries.size(), 0}};  // by node
  labels_ = {'\0'};
  for (size_t node = 0; node < groups.size(); ++node) {
    auto [at, end, depth] = groups[node];
    first_child_.push_back(static_cast<uint32_t>(groups.size()));
    tokens_.push_back(kNoToken);
    // Texts that end here sort before those that go on.
    if (at < end && entries[at].first.size() == depth) tokens_.back() = entries[at].second;
    while (at < end && entries[at].first.size() == depth) ++at;
    while (at < end) {
      const char label = entries[at].first[depth];
      const size_t begin = at;
      while (at < end && entries[at].first[depth] == label) ++at;
      groups.push_back({begin, at, depth + 1});
      labels_.push_back(label);
    }
  }
  first_child_.push_back(static_cast<uint32_t>(groups.size()));
}

TokenTrie::Node TokenTrie::child(Node node, char byte) const {
  const uint32_t first = first_child_[node];
  const char* labels = labels_.data() + first;
  const void* found = std::memchr(labels, byte, first_child_[node + 1] - first);
  if (found == nullptr) return kNone;
  return first + static_cast<Node>(static_cast<const char*>(found) - labels);
}

TokenTrie::Match TokenTrie::longest(std::string_view text) const {
  Match best;
  Node node = kRoot;
  for (size_t i = 0; i < text.size(); ++i) {
    node = child(node, text[i]);
    if (node == kNone) break;
    if (tokens_[node] != kNoToken) best = {tokens_[node], i + 1};
  }
  return best;
}

}  // namespace chasqui::text
