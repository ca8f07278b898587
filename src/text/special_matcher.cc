#include "text/internal/special_matcher.h"

namespace chasqui::text {

SpecialMatcher::SpecialMatcher(const Vocab& vocab) : nodes_(1) {
  for (TokenId id = 0; id < vocab.size(); ++id) {
    const TokenKind kind = vocab.kind(id);
    const bool is_user = kind == TokenKind::kUserDefined;
    if (is_user || kind == TokenKind::kControl || kind == TokenKind::kUnknown) {
      add(vocab.text(id), id, is_user);
    }
  }
}

void SpecialMatcher::add(std::string_view spelling, TokenId id, bool is_user) {
  uint64_t node = 0;
  for (const char c : spelling) {
    const uint64_t key = node << 8 | static_cast<uint8_t>(c);
    if (children_.insert(key, {static_cast<uint32_t>(nodes_.size()), 0})) nodes_.emplace_back();
    node = children_.find(key)->first;
  }
  (is_user ? nodes_[node].user : nodes_[node].control) = id;
  starts_[static_cast<uint8_t>(spelling[0])] |= is_user ? kUserStarts : kControlStarts;
}

SpecialMatcher::Match SpecialMatcher::longest_at(std::string_view text, size_t at,
                                                 bool parse_special) const {
  Match best;
  uint64_t node = 0;
  for (size_t i = at; i < text.size(); ++i) {
    const auto* child = children_.find(node << 8 | static_cast<uint8_t>(text[i]));
    if (child == nullptr) break;
    node = child->first;
    const Node& here = nodes_[node];
    const TokenId id = here.user != kNoToken || !parse_special ? here.user : here.control;
    if (id != kNoToken) best = {id, at, i + 1};
  }
  return best;
}

std::optional<SpecialMatcher::Match> SpecialMatcher::find(std::string_view text, size_t from,
                                                          bool parse_special) const {
  const uint8_t wanted = parse_special ? kUserStarts | kControlStarts : kUserStarts;
  for (size_t at = from; at < text.size(); ++at) {
    if ((starts_[static_cast<uint8_t>(text[at])] & wanted) == 0) continue;
    const Match match = longest_at(text, at, parse_special);
    if (match.id != kNoToken) return match;
  }
  return std::nullopt;
}

}  // namespace chasqui::text
