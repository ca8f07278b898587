// Builds the bytes of a precompiled charsmap from rules, as SentencePiece's compiler does: a double
// array of darts-clone's units, then the replacements. Test code only; slow, for few rules.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace chasqui::text::testing {

class CharsmapBuilder {
 public:
  // REQUIRES: no spelling is empty or has a NUL, no replacement has one.
  explicit CharsmapBuilder(const std::map<std::string, std::string>& rules) {
    for (const auto& [spelling, replacement] : rules) {
      size_t node = 0;
      for (const char c : spelling) {
        const size_t next = nodes_.size();
        const auto [child, is_new] = nodes_[node].children.emplace(static_cast<uint8_t>(c), next);
        node = child->second;
        if (is_new) nodes_.emplace_back();
      }
      nodes_[node].value = static_cast<int64_t>(replacements_.size());
      replacements_ += replacement;
      replacements_.push_back('\0');
    }
    used_ = {true};
    units_.resize(1);
    place(0, 0);
  }

  std::vector<uint8_t> bytes() const {
    std::vector<uint8_t> out;
    put(static_cast<uint32_t>(units_.size() * sizeof(uint32_t)), out);
    for (const uint32_t unit : units_) put(unit, out);
    out.insert(out.end(), replacements_.begin(), replacements_.end());
    return out;
  }

 private:
  struct Node {
    std::map<uint8_t, size_t> children;  // by label
    int64_t value = -1;
  };

  static void put(uint32_t value, std::vector<uint8_t>& out) {
    for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<uint8_t>(value >> shift));
  }

  bool is_free(uint32_t at) const { return at >= used_.size() || !used_[at]; }

  // Two nodes with one base would take each other's children for their own.
  bool fits(const Node& node, uint32_t base) const {
    if (bases_.contains(base)) return false;
    if (node.value >= 0 && !is_free(base)) return false;
    for (const auto& [label, child] : node.children) {
      if (!is_free(base ^ label)) return false;
    }
    return true;
  }

  void take(uint32_t at, uint32_t unit) {
    if (at >= units_.size()) units_.resize(at + 1);
    if (at >= used_.size()) used_.resize(at + 1);
    used_[at] = true;
    units_[at] = unit;
  }

  // Gives the children of `node`, which is unit `at`, their units.
  void place(size_t node, uint32_t at) {
    const Node& here = nodes_[node];
    uint32_t base = 1;
    while (!fits(here, base)) ++base;
    bases_.insert(base);
    const uint32_t offset = at ^ base;  // below 2^21 for few rules
    units_[at] |= offset << 10 | (here.value >= 0 ? 1u << 8 : 0);
    if (here.value >= 0) take(base, static_cast<uint32_t>(here.value) | 1u << 31);
    for (const auto& [label, child] : here.children) take(base ^ label, label);
    for (const auto& [label, child] : here.children) place(child, base ^ label);
  }

  std::vector<Node> nodes_ = std::vector<Node>(1);
  std::string replacements_;
  std::set<uint32_t> bases_;
  std::vector<bool> used_;
  std::vector<uint32_t> units_;
};

}  // namespace chasqui::text::testing
