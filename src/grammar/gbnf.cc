#include "grammar/grammar.h"

namespace chasqui::grammar {

Result<GrammarPtr> compile_gbnf(std::string_view, const TokenTablePtr&) {
  return fail(ErrorCode::kUnsupported, "not yet");
}

}  // namespace chasqui::grammar
