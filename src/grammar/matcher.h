// Where one sequence is in a grammar. Not thread-safe; many may follow one grammar at once. Copying
// it is cheap, so a draft of speculative decoding may be tried on a copy or rolled back.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "grammar/grammar.h"

namespace chasqui::grammar {

class Matcher {
 public:
  explicit Matcher(GrammarPtr grammar);

  // Replaces `out` by the tokens that may come next: those that keep the text a beginning of
  // something in the language, and the ends of generation when it is whole.
  void mask(TokenMask& out);
  // Whether mask() has the answer at hand and need not compute it. Does not wait: false while
  // another thread is busy with the grammar.
  bool mask_is_known();
  // False, and nothing changes, when the mask would not have the token.
  bool accept(int32_t token);
  // The text so far is in the language.
  bool is_complete();
  // Nothing but the end may follow, or it has been accepted.
  bool is_finished();
  // The bytes that must come next, as far as there is no choice; at most `most` of them. "" where
  // the end is a choice too, or a token's literal.
  std::string forced(size_t most);
  // Takes the last `count` accepted tokens back. REQUIRES: count <= accepted tokens.
  void roll_back(size_t count);
  // A bound of memory was hit and the masks can no longer be trusted.
  bool exhausted() const;

 private:
  void refresh();

  GrammarPtr grammar_;
  std::vector<int32_t> tokens_;  // accepted, to find the way again when the cache was emptied
  bool ended_ = false;           // an end of generation was accepted; it is the last of them
  uint64_t epoch_ = 0;           // of the cache that state_ belongs to
  uint32_t state_ = 0;
};

}  // namespace chasqui::grammar
