// Regular expressions over bytes as hash-consed nodes, matched by derivatives: the derivative of an
// expression by a byte is the expression for what may follow that byte. An expression is thus the
// state of its own automaton, which exists only as far as somebody walks it: `.{0,65535}` is one
// node with two counters and never 65,536 states, and intersection and complement cost nothing
// extra. Equal expressions have equal ids.
//
// Brzozowski, Derivatives of Regular Expressions (1964); Owens, Reppy, Turon, Regular-expression
// derivatives re-examined (2009), for the normal form that keeps the number of states finite.
//
// Not thread-safe. Every node lives as long as the pool.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/result.h"
#include "grammar/internal/byte_partition.h"
#include "grammar/internal/byte_set.h"
#include "grammar/internal/interner.h"

namespace chasqui::grammar {

using ExprId = uint32_t;
inline constexpr ExprId kNever = 0;  // matches nothing
inline constexpr ExprId kEmpty = 1;  // matches ""
inline constexpr uint32_t kUnbounded = 0xFFFFFFFF;

// Inclusive range of code points.
struct CodeRange {
  uint32_t first = 0;
  uint32_t last = 0;
};

class ExprPool {
 public:
  using Deadline = std::chrono::steady_clock::time_point;
  // Beyond the deadline the pool refuses to grow.
  explicit ExprPool(Deadline deadline = Deadline::max());
  ExprPool(const ExprPool&) = delete;
  ExprPool& operator=(const ExprPool&) = delete;

  ExprId bytes(const ByteSet& set);
  // One of `words`, as bytes. Costs the words' memory however many they are.
  ExprId words(std::vector<std::string> words);
  ExprId word(std::string_view text) { return words({std::string(text)}); }
  // That token's literal (token_literal.h), or that of any other token.
  ExprId token(int32_t token);
  ExprId other_token(int32_t token);
  // One code point of the ranges, as UTF-8; surrogates are left out.
  ExprId code_points(std::span<const CodeRange> ranges);
  ExprId any_char() const { return any_char_; }
  ExprId any_text() const { return any_text_; }  // any_char()*
  ExprId concat(ExprId first, ExprId second);
  ExprId any_of(std::vector<ExprId> parts);
  ExprId all_of(std::vector<ExprId> parts);
  ExprId negate(ExprId part);  // over byte strings; intersect with any_text() to stay in UTF-8
  // REQUIRES: least <= most; most may be kUnbounded.
  ExprId repeat(ExprId part, uint32_t least, uint32_t most);

  bool nullable(ExprId id) const { return nodes_[id].nullable; }
  ExprId derive(ExprId id, uint8_t byte);
  ExprId derive(ExprId id, std::string_view text);
  // Bytes of one class have the same derivative.
  BytePartitions::Id byte_classes(ExprId id) const { return nodes_[id].classes; }
  BytePartitions& partitions() { return partitions_; }
  // Whether some text matches. Exact for expressions without all_of() and negate(); for others a
  // bounded search, and true where that gives up.
  bool can_match(ExprId id);

  // Whether, after any text at all, some further text still matches. False where it is not plain
  // to see.
  bool can_match_whatever_comes(ExprId id) const;

  // How many characters of plain text (token_table.h) may follow in any case; kUnbounded when any
  // number. `exactly`: and plain text that is longer may not.
  struct PlainReach {
    uint32_t chars = 0;
    bool exactly = false;
  };
  PlainReach plain_reach(ExprId id) { return plain_reach(id, 8); }

  // The code points of a Unicode category ("L", "Lu", ...); empty when there is none of that name.
  std::vector<CodeRange> unicode_category(std::string_view name);

  // About how much memory the pool holds, and whether it has refused to grow beyond its bounds:
  // from then on derive() may say kNever where it is not.
  size_t bytes_held() const {
    return interner_.bytes_held() + nodes_.size() * sizeof(Node) + derived_.size() * 48 +
           partitions_.bytes_held();
  }
  bool exhausted() const { return exhausted_; }
  // kUnsupported where it has. Looks at the clock now and then: for work that is not the pool's but
  // has the same deadline.
  Status check_bounds();
  // For a pool that has been filled in time, and may grow from now on while it is used.
  void lift_deadline() { deadline_ = Deadline::max(); }

 private:
  enum class Kind : uint32_t {
    kNothing,
    kNoText,
    kBytes,
    kWords,
    kConcat,
    kOr,
    kAnd,
    kNot,
    kRepeat
  };
  struct Node {
    Kind kind = Kind::kNothing;
    bool nullable = false;
    bool simple = true;  // no kAnd and no kNot inside: matches something
    BytePartitions::Id classes = BytePartitions::kWhole;
  };
  // Fields by kind: kBytes {set}, kWords {table, first, last, depth}, kConcat {a, b},
  // kOr and kAnd {parts...}, kNot {a}, kRepeat {a, least, most}.
  std::span<const uint32_t> fields(ExprId id) const { return interner_.get(id).subspan(1); }
  ExprId add(Kind kind, std::span<const uint32_t> fields);
  Node describe(Kind kind, std::span<const uint32_t> fields) const;
  BytePartitions::Id classes_for(Kind kind, std::span<const uint32_t> fields);
  ExprId words_node(uint32_t table, uint32_t first, uint32_t last, uint32_t depth);
  ExprId derive_words(ExprId id, uint8_t byte);
  ExprId derive_concat(ExprId id, uint8_t byte);
  ExprId derive_parts(ExprId id, uint8_t byte);
  ExprId compute(ExprId id, uint8_t byte);
  void flatten(Kind kind, std::vector<ExprId>& parts) const;
  bool search_match(ExprId start);
  PlainReach plain_reach(ExprId id, int depth);
  bool covers_plain(ExprId id);

  Interner interner_;
  std::vector<Node> nodes_;  // by ExprId
  BytePartitions partitions_;
  std::vector<ByteSet> sets_;
  std::vector<std::vector<std::string>> tables_;     // of kWords; sorted, unique
  std::map<std::vector<uint32_t>, ExprId> classes_;  // code_points() of joined ranges
  std::vector<std::vector<CodeRange>> categories_;   // by utf8proc's number; filled when asked for
  size_t class_ranges_ = 0;                          // that classes had, all together
  size_t searched_ = 0;                              // derivatives that can_match() has tried
  std::unordered_map<uint64_t, ExprId> derived_;     // (id << 8 | class) -> derivative
  std::unordered_map<ExprId, bool> matches_;         // can_match() of nodes that are not simple
  std::unordered_map<ExprId, bool> covers_plain_;    // matches every single plain character
  ExprId any_char_ = kNever;
  ExprId any_text_ = kNever;
  bool is_spent();

  Deadline deadline_;
  uint32_t until_clock_ = 1;  // nodes or steps of a search until the clock is looked at
  bool exhausted_ = false;
};

}  // namespace chasqui::grammar
