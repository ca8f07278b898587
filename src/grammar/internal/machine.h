// What a compiled constraint is to the code that builds masks: an automaton over bytes whose states
// are made when somebody first walks into them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "grammar/internal/byte_partition.h"

namespace chasqui::grammar {

using StateId = uint32_t;
inline constexpr StateId kDead = 0;

class Machine {
 public:
  // What is known of a state without walking the vocabulary.
  struct Shortcut {
    // So many characters of plain text may follow; `exactly`: and no plain text that is longer.
    uint32_t plain_chars = 0;
    bool exactly = false;
    // Inside a JSON string in which everything is allowed; a quote leads to `after_quote` (which
    // may be kDead). With `quote_varies` it is not one state for all texts before the quote.
    bool in_any_string = false;
    bool quote_varies = false;
    StateId after_quote = kDead;
  };

  virtual ~Machine() = default;
  virtual StateId start() = 0;
  // kDead when nothing that begins with what was read and `byte` is in the language. States from
  // which only some texts lead on are allowed; those from which none does should not be.
  virtual StateId step(StateId state, uint8_t byte) = 0;
  virtual bool accepting(StateId state) = 0;
  // The state in which either of two is. Only grammars with token literals come to that.
  virtual StateId join(StateId a, StateId) { return a; }
  virtual Shortcut shortcut(StateId state) = 0;
  // Bytes of one class lead to the same state; null where nothing is known of that. Valid as long
  // as the machine.
  virtual const ByteClasses* byte_classes(StateId) { return nullptr; }
  virtual size_t bytes_held() const = 0;
  // A bound was hit: answers since then may be kDead where they should not.
  virtual bool exhausted() const = 0;
};

}  // namespace chasqui::grammar
