#include <fmt/format.h>

#include <map>

#include "grammar/grammar.h"
#include "grammar/internal/expr_machine.h"
#include "grammar/internal/gbnf_machine.h"
#include "grammar/internal/layout_machine.h"
#include "grammar/internal/regex.h"
#include "grammar/internal/schema_compile.h"
#include "grammar/internal/state_cache.h"

namespace json = boost::json;

namespace chasqui::grammar {
namespace {

Status check_size(size_t bytes) {
  if (bytes <= CompileLimits::kSourceBytes) return {};
  return fail(ErrorCode::kInvalidArgument, fmt::format("has {} bytes; at most {} are allowed",
                                                       bytes, CompileLimits::kSourceBytes));
}

Result<GrammarPtr> make_grammar(StateCache::MakeMachine make, const TokenTablePtr& tokens,
                                size_t source_bytes, std::unique_ptr<Machine> first = nullptr) {
  auto cache =
      std::make_unique<StateCache>(std::move(make), tokens, source_bytes, std::move(first));
  if (!cache->exhausted()) return std::make_shared<CompiledGrammar>(std::move(cache));
  return fail(ErrorCode::kUnsupported, "needs more memory than a grammar may have");
}

// The schemas of a layout, each compiled once however often it stands there.
class LayoutSchemas {
 public:
  explicit LayoutSchemas(Deadline deadline) : deadline_(deadline) {}

  // Compiles what `layout` has and replaces what gives way. Errors have the part's param.
  Status compile(Layout& layout) {
    for (Layout& part : layout.parts) CHASQUI_TRY_STATUS(compile(part));
    if (layout.kind != Layout::Kind::kSchema) return {};
    const Result<std::unique_ptr<Machine>>& compiled = compile(layout.schema, deadline_);
    if (compiled) return {};
    if (layout.may_give_way) {
      layout.schema = any_object_;
      compile(any_object_, Deadline::max());
      return {};
    }
    Error error = compiled.error();
    error.param = layout.text;
    return fail(std::move(error));
  }

  // REQUIRES: it has been compiled and was not taken.
  std::unique_ptr<Machine> take(const SchemaText& schema) {
    return std::move(*compiled_.at(*schema).machine);
  }

  // Of the schemas that are kept.
  size_t bytes() const {
    size_t bytes = 0;
    for (const auto& [text, each] : compiled_) bytes += each.machine ? text.size() : 0;
    return bytes;
  }

 private:
  struct Compiled {
    SchemaText schema;  // the key lies in it
    Result<std::unique_ptr<Machine>> machine;
  };

  const Result<std::unique_ptr<Machine>>& compile(const SchemaText& schema, Deadline deadline) {
    const auto found = compiled_.find(*schema);
    if (found != compiled_.end()) return found->second.machine;
    Compiled compiled = {schema, compile_schema(parse_schema(*schema), deadline)};
    return compiled_.emplace(*schema, std::move(compiled)).first->second.machine;
  }

  const Deadline deadline_;
  const SchemaText any_object_ = schema_text({{"type", "object"}});
  std::map<std::string_view, Compiled> compiled_;
};

// Without its schemas.
size_t bytes_of(const Layout& layout) {
  size_t bytes = sizeof(Layout) + layout.text.size();
  for (const Layout::Mark& mark : layout.marks) bytes += sizeof(mark) + mark.text.size();
  for (const Layout& part : layout.parts) bytes += bytes_of(part);
  return bytes;
}

}  // namespace

Result<GrammarPtr> compile_regex(std::string_view source, const TokenTablePtr& tokens,
                                 Deadline deadline) {
  CHASQUI_TRY_STATUS(check_size(source.size()));
  const auto pool = std::make_shared<ExprPool>(deadline);
  CHASQUI_TRY(const ExprId expr, compile_regex_expr(source, RegexMatch::kWhole, *pool));
  CHASQUI_TRY_STATUS(pool->check_bounds());
  if (!pool->can_match(expr)) {
    return fail(ErrorCode::kInvalidArgument, "the expression matches nothing");
  }
  const auto make = [text = std::string(source)]() -> std::unique_ptr<Machine> {
    auto fresh = std::make_shared<ExprPool>();
    const ExprId start = *compile_regex_expr(text, RegexMatch::kWhole, *fresh);
    return std::make_unique<ExprMachine>(std::move(fresh), start);
  };
  return make_grammar(make, tokens, source.size());
}

Result<GrammarPtr> compile_gbnf(std::string_view source, const TokenTablePtr& tokens,
                                Deadline deadline) {
  CHASQUI_TRY_STATUS(check_size(source.size()));
  ExprPool pool(deadline);
  CHASQUI_TRY(GbnfGrammar grammar, parse_gbnf(source, pool, *tokens));
  CHASQUI_TRY_STATUS(pool.check_bounds());
  CHASQUI_TRY_STATUS(analyse_gbnf(grammar, source, pool));
  const auto make = [text = std::string(source), tokens]() -> std::unique_ptr<Machine> {
    auto fresh = std::make_shared<ExprPool>();
    GbnfGrammar parsed = *parse_gbnf(text, *fresh, *tokens);
    static_cast<void>(analyse_gbnf(parsed, text, *fresh));
    return std::make_unique<GbnfMachine>(std::move(fresh), parsed);
  };
  return make_grammar(make, tokens, source.size());
}

Result<GrammarPtr> compile_choice(std::span<const std::string> choices,
                                  const TokenTablePtr& tokens) {
  if (choices.empty()) return fail(ErrorCode::kInvalidArgument, "has no choice");
  if (choices.size() > CompileLimits::kChoices) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("has {} choices; at most {} are allowed",
                                                         choices.size(), CompileLimits::kChoices));
  }
  size_t bytes = 0;
  for (const std::string& choice : choices) bytes += choice.size();
  CHASQUI_TRY_STATUS(check_size(bytes));
  const auto make = [texts = std::vector<std::string>(choices.begin(), choices.end())]() {
    auto pool = std::make_shared<ExprPool>();
    const ExprId start = pool->words(texts);
    return std::make_unique<ExprMachine>(std::move(pool), start);
  };
  return make_grammar(make, tokens, bytes + choices.size() * sizeof(std::string));
}

Result<GrammarPtr> compile_json_schema(const json::value& schema, const TokenTablePtr& tokens,
                                       Deadline deadline) {
  CHASQUI_TRY(std::unique_ptr<Machine> machine, compile_schema(schema, deadline));
  const SchemaText text = schema_text(schema);
  const auto make = [text] { return recompile_schema(*text); };
  return make_grammar(make, tokens, text->size(), std::move(machine));
}

SchemaText schema_text(const json::value& schema) {
  return std::make_shared<const std::string>(json::serialize(schema));
}

Result<GrammarPtr> compile_layout(Layout layout, const TokenTablePtr& tokens, Deadline deadline) {
  LayoutSchemas schemas(deadline);
  CHASQUI_TRY_STATUS(schemas.compile(layout));
  const size_t bytes = bytes_of(layout) + schemas.bytes();
  auto first = std::make_unique<LayoutMachine>(
      layout, *tokens, [&](const SchemaText& schema) { return schemas.take(schema); });
  const auto make = [layout = std::move(layout), tokens]() -> std::unique_ptr<Machine> {
    return std::make_unique<LayoutMachine>(
        layout, *tokens, [](const SchemaText& schema) { return recompile_schema(*schema); });
  };
  return make_grammar(make, tokens, bytes, std::move(first));
}

GrammarPtr compile_json_object(const TokenTablePtr& tokens) {
  return *compile_json_schema(json::value{{"type", "object"}}, tokens, Deadline::max());
}

}  // namespace chasqui::grammar
