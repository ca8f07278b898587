#include "grammar/internal/mark_scanner.h"

#include <algorithm>

#include "grammar/internal/token_literal.h"

namespace chasqui::grammar {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

}  // namespace

MarkScanner::MarkScanner(std::vector<Layout::Mark> marks, const TokenTable& tokens)
    : marks_(std::move(marks)) {
  const auto add = [this](Text text) {
    if (places_.emplace(text, static_cast<Place>(texts_.size())).second) texts_.push_back(text);
  };
  add({});  // kStart
  for (const bool is_first : {true, false}) {
    add({"", is_first});
    for (const Layout::Mark& mark : marks_) {
      if (mark.only_first && !is_first) continue;
      for (size_t size = 1; size < mark.text.size(); ++size) {
        add({mark.text.substr(0, size), is_first});
      }
    }
  }
  for (const auto& [spelling, token] : tokens.marks()) {
    if (tokens.piece(token).empty() && !tokens.is_end(token)) add_literal(token, spelling);
  }
}

void MarkScanner::add_literal(int32_t token, std::string_view spelling) {
  Node node = 0;
  for (const uint8_t byte : token_literal(token)) {
    const auto [place, is_new] = literals_.emplace(std::pair(node, byte), nodes_);
    if (is_new) ++nodes_;
    node = place->second;
  }
  spellings_.emplace(node, spelling);
}

bool MarkScanner::may_become_mark(std::string_view held, bool is_first) const {
  return held.empty() || std::ranges::any_of(marks_, [&](const Layout::Mark& mark) {
           return (is_first || !mark.only_first) && mark.text.starts_with(held);
         });
}

MarkScanner::Read MarkScanner::push(const Text& text, uint8_t byte) const {
  Text next = text;
  next.held += static_cast<char>(byte);
  while (!may_become_mark(next.held, next.is_first)) {
    next.is_first = next.is_first && is_blank(next.held.front());
    next.held.erase(0, 1);
  }
  const auto mark = std::ranges::find_if(marks_, [&](const Layout::Mark& each) {
    return each.text == next.held && (next.is_first || !each.only_first);
  });
  if (mark != marks_.end()) return {{}, static_cast<size_t>(mark - marks_.begin())};
  return {places_.at(next), {}};
}

// A mark may end only with the last byte.
MarkScanner::Read MarkScanner::push_all(Place place, std::string_view bytes) const {
  Read read = {place, {}};
  for (const char byte : bytes) {
    if (!read.place) return {};
    read = push(texts_[*read.place], static_cast<uint8_t>(byte));
  }
  return read;
}

MarkScanner::Read MarkScanner::step(Place place, uint8_t byte) const {
  const auto size = static_cast<Place>(texts_.size());
  const Node node = place / size;
  const Place text = place % size;
  if (node == 0 && static_cast<char>(byte) != kTokenMark) return push(texts_[text], byte);
  const auto next = literals_.find({node, byte});
  if (next == literals_.end()) return {};
  if (const auto spelling = spellings_.find(next->second); spelling != spellings_.end()) {
    return push_all(text, spelling->second);
  }
  return {next->second * size + text, {}};
}

}  // namespace chasqui::grammar
