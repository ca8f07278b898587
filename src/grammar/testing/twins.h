// Slow and obviously right: what the fast code is compared with.
#pragma once

#include <boost/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/rng.h"
#include "grammar/internal/gbnf.h"
#include "grammar/matcher.h"

namespace chasqui::grammar::testing {

// A vocabulary for tests: single bytes, some longer tokens, the control tokens <think>, </think>
// and one end of generation, </s> (the last).
TokenTablePtr small_table();

// Whether the whole text is in the grammar: by trying every way. Exponential.
bool naive_gbnf_accepts(const GbnfGrammar& grammar, ExprPool& pool, const std::string& text);

// Whether the value is valid. Keywords: those that random_schema() writes.
bool naive_valid(const boost::json::value& schema, const boost::json::value& value);

// A number from 0 to count - 1.
inline size_t pick(Rng& rng, size_t count) {
  return static_cast<size_t>(rng.next() % count);
}
// Compact JSON, with numbers as number_text() writes them.
std::string json_text(const boost::json::value& value);
boost::json::value random_value(Rng& rng, int depth);
boost::json::value random_schema(Rng& rng, int depth);
std::string random_gbnf(Rng& rng);
std::string random_regex(Rng& rng, int depth);

// Follows the text byte by byte, and checks at each step that the mask has exactly the tokens that
// a copy of the matcher accepts. Whether the text is accepted as a whole.
bool accepts_checked(const GrammarPtr& grammar, std::string_view text);
// Tokens instead of bytes; that each is in the mask before it.
bool accepts_tokens(Matcher matcher, const std::vector<int32_t>& tokens);
// Only the verdict.
bool accepts(const GrammarPtr& grammar, std::string_view text);

}  // namespace chasqui::grammar::testing
