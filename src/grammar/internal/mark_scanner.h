// Finds the first mark in free text, byte by byte: where it is, is the longest end of the text that
// may become a mark. A token's literal counts as the token's spelling, of marks of the vocabulary
// that are no text otherwise; other literals are no part of free text. Immutable.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "grammar/layout.h"
#include "grammar/token_table.h"

namespace chasqui::grammar {

class MarkScanner {
 public:
  using Place = uint32_t;
  static constexpr Place kStart = 0;
  // What a byte leads to: a place, the end of a mark (its index), or neither: the byte may not
  // come.
  struct Read {
    std::optional<Place> place;
    std::optional<size_t> mark;
  };

  // REQUIRES: no mark is empty.
  MarkScanner(std::vector<Layout::Mark> marks, const TokenTable& tokens);

  Read step(Place place, uint8_t byte) const;
  // Where the text is behind `before`. REQUIRES: no mark is in that.
  Place behind(std::string_view before) const { return push_all(kStart, before).place.value(); }
  // The text may end here: it is not within a literal.
  bool may_end(Place place) const { return place < texts_.size(); }

 private:
  // A place outside of literals.
  struct Text {
    std::string held;      // what may become a mark
    bool is_first = true;  // there was nothing but white space before
    auto operator<=>(const Text&) const = default;
  };
  using Node = uint32_t;  // of the tree of literals' bytes; 0: none has begun

  void add_literal(int32_t token, std::string_view spelling);
  Read push(const Text& text, uint8_t byte) const;
  Read push_all(Place place, std::string_view bytes) const;
  // Whether some mark that counts there begins with `held`, or is it.
  bool may_become_mark(std::string_view held, bool is_first) const;

  const std::vector<Layout::Mark> marks_;
  std::vector<Text>
      texts_;  // by place; places within literals follow: node * texts_.size() + place
  std::map<Text, Place> places_;
  std::map<std::pair<Node, uint8_t>, Node> literals_;
  std::map<Node, std::string> spellings_;  // of nodes at which a literal is whole
  Node nodes_ = 1;
};

}  // namespace chasqui::grammar
