// What a request says its answer must look like, as sent, and the grammars that such wishes have
// been compiled to.
#pragma once

#include <boost/json.hpp>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "grammar/grammar.h"
#include "grammar/layout.h"
#include "text/tokenizer.h"

namespace chasqui::api {

struct Constraint {
  enum class Kind { kNone, kGbnf, kRegex, kChoice, kSchema, kJsonObject, kLayout };
  Kind kind = Kind::kNone;
  std::string param;                 // the field that said so, for error messages
  std::string text;                  // kGbnf, kRegex
  std::vector<std::string> choices;  // kChoice
  boost::json::value schema;         // kSchema
  grammar::Layout layout = {};       // kLayout: forced calls of tools
};

// Reads one constraint from a field named `path`. Schemas may come as a text that holds JSON.
Result<Constraint> read_gbnf(const boost::json::value& value, std::string_view path);
Result<Constraint> read_regex(const boost::json::value& value, std::string_view path);
Result<Constraint> read_choice(const boost::json::value& value, std::string_view path);
Result<Constraint> read_schema(const boost::json::value& value, std::string_view path);
// {json, regex, choice, grammar or json_object: ...}: exactly one of them.
Result<Constraint> read_structured_outputs(const boost::json::value& value, std::string_view path);
// {"type": "text", "json_object" or "json_schema", ...}
Result<Constraint> read_response_format(const boost::json::value& value, std::string_view path);

// Grammars by their source, least recently used ones dropped when they hold too much memory. Any
// thread; compiling takes milliseconds, so not an I/O thread.
class GrammarCache {
 public:
  // What all cached grammars may hold together, states and masks included.
  static constexpr size_t kMaxBytes = size_t{256} << 20;
  // A grammar counts as this much at least, so that the number is bounded too.
  static constexpr size_t kLeastBytes = 64 << 10;

  explicit GrammarCache(std::shared_ptr<const text::Tokenizer> tokenizer,
                        size_t most_bytes = kMaxBytes);

  // Null for kNone. Errors have the constraint's param. What is not cached is compiled until
  // `deadline`, one for all constraints of a request.
  Result<grammar::GrammarPtr> get(const Constraint& constraint,
                                  grammar::Deadline deadline = grammar::compile_deadline());

 private:
  struct Entry {
    std::string source;
    grammar::GrammarPtr grammar;
  };
  Result<grammar::GrammarPtr> compile(const Constraint& constraint, grammar::Deadline deadline);
  grammar::TokenTablePtr tokens();
  void add(std::string source, const grammar::GrammarPtr& grammar);

  const std::shared_ptr<const text::Tokenizer> tokenizer_;
  const size_t most_bytes_;
  std::once_flag tokens_once_;
  grammar::TokenTablePtr tokens_;  // built when the first request needs it
  std::mutex mutex_;
  // Guarded by mutex_. by_source_ has every entry's source; the most recent entry comes first.
  std::list<Entry> entries_;
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_source_;
};

}  // namespace chasqui::api
