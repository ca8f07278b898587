// What tokens mean that files do not say: end of turn, end of generation, fill in the middle.
// Converters leave most of this out, so it is read from the tokens' well-known spellings.
// Tables of spellings; one function that walks them.
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "text/vocab.h"

namespace chasqui::text {

// The parts of a vocabulary that detection reads and completes.
struct SpecialDetection {
  std::function<std::optional<TokenId>(std::string_view)> find;
  SpecialTokens& special;         // unset roles are filled in
  std::vector<TokenKind>& kinds;  // tokens that act as control tokens are marked so
  std::vector<bool>& is_eog;      // out; REQUIRES: one entry for each token, all false
};

void detect_special_tokens(SpecialDetection& vocab);

}  // namespace chasqui::text
