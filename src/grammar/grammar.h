// Constraints on generated text: a GBNF grammar, a JSON schema, a regular expression or a choice
// becomes a CompiledGrammar once, and each sequence follows it with a Matcher (matcher.h).
//
// What is honoured and what is refused is in docs/contracts/grammar.md. Time and memory of a
// compilation are bounded whatever the source is; compile on a thread that may take some
// milliseconds, never on the engine's.
#pragma once

#include <boost/json.hpp>
#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "grammar/token_table.h"

namespace chasqui::grammar {

class StateCache;

// Immutable to its users. Inside is a cache of states and masks that fills as sequences follow the
// grammar, behind a mutex: any thread.
class CompiledGrammar {
 public:
  explicit CompiledGrammar(std::unique_ptr<StateCache> cache);
  ~CompiledGrammar();
  CompiledGrammar(const CompiledGrammar&) = delete;
  CompiledGrammar& operator=(const CompiledGrammar&) = delete;

  const TokenTable& tokens() const;
  // About how much memory it holds now, caches included.
  size_t bytes_held() const;

 private:
  friend class Matcher;
  std::unique_ptr<StateCache> cache_;
};

using GrammarPtr = std::shared_ptr<const CompiledGrammar>;
using TokenTablePtr = std::shared_ptr<const TokenTable>;

struct CompileLimits {
  static constexpr size_t kSourceBytes = 1 << 20;
  static constexpr size_t kChoices = 100'000;
  static constexpr std::chrono::seconds kTime{2};
  static constexpr size_t kDepth = 200;  // nesting of groups, of schemas and of their instances
};

// When a compilation has to be done. What one request has compiled shares a deadline; the parts
// that come too late are refused.
using Deadline = std::chrono::steady_clock::time_point;
inline Deadline compile_deadline() {
  return std::chrono::steady_clock::now() + CompileLimits::kTime;
}

// All errors are kInvalidArgument (the source is wrong: where, and why) or kUnsupported (it is
// well formed, but cannot be honoured exactly), without a `param`.

// The replaced server's format and what llama.cpp added since: https://github.com/ggml-org/
// llama.cpp/blob/master/grammars/README.md. Errors begin with "line 3, column 7: ".
Result<GrammarPtr> compile_gbnf(std::string_view source, const TokenTablePtr& tokens,
                                Deadline deadline = compile_deadline());
// The whole text must match. Syntax of ECMA-262 without what needs backtracking.
Result<GrammarPtr> compile_regex(std::string_view source, const TokenTablePtr& tokens,
                                 Deadline deadline = compile_deadline());
// One of the texts, exactly.
Result<GrammarPtr> compile_choice(std::span<const std::string> choices,
                                  const TokenTablePtr& tokens);
// JSON text that the schema accepts. Errors begin with the JSON pointer of the place.
Result<GrammarPtr> compile_json_schema(const boost::json::value& schema,
                                       const TokenTablePtr& tokens,
                                       Deadline deadline = compile_deadline());
// Any JSON object.
GrammarPtr compile_json_object(const TokenTablePtr& tokens);

}  // namespace chasqui::grammar
