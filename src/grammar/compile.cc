#include <fmt/format.h>

#include "grammar/grammar.h"
#include "grammar/internal/expr_machine.h"
#include "grammar/internal/gbnf_machine.h"
#include "grammar/internal/layout_machine.h"
#include "grammar/internal/regex.h"
#include "grammar/internal/schema_machine.h"
#include "grammar/internal/schema_reader.h"
#include "grammar/internal/state_cache.h"

namespace json = boost::json;

namespace chasqui::grammar {
namespace {

Status check_size(size_t bytes) {
  if (bytes <= CompileLimits::kSourceBytes) return {};
  return fail(ErrorCode::kInvalidArgument, fmt::format("has {} bytes; at most {} are allowed",
                                                       bytes, CompileLimits::kSourceBytes));
}

Status check_budget(const ExprPool& pool) {
  if (!pool.exhausted()) return {};
  return fail(ErrorCode::kUnsupported,
              fmt::format("needs more memory than a grammar may have, or more than {} s to compile",
                          CompileLimits::kTime.count()));
}

Result<GrammarPtr> make_grammar(StateCache::MakeMachine make, const TokenTablePtr& tokens) {
  auto cache = std::make_unique<StateCache>(std::move(make), tokens);
  if (!cache->exhausted()) return std::make_shared<CompiledGrammar>(std::move(cache));
  return fail(ErrorCode::kUnsupported, "needs more memory than a grammar may have");
}

// Machines are made anew when their caches overflow; what compiled once compiles again.
Result<GrammarPtr> make_schema_grammar(std::shared_ptr<const json::value> schema,
                                       const TokenTablePtr& tokens) {
  const auto make = [schema]() -> std::unique_ptr<Machine> {
    auto pool = std::make_shared<ExprPool>();
    auto graph = std::make_shared<const SchemaGraph>(*read_schema(*schema, *pool));
    return std::make_unique<SchemaMachine>(std::move(pool), std::move(graph));
  };
  return make_grammar(make, tokens);
}

Status check_schema(const json::value& schema) {
  const auto pool = std::make_shared<ExprPool>(CompileLimits::kTime);
  CHASQUI_TRY(SchemaGraph graph, read_schema(schema, *pool));
  CHASQUI_TRY_STATUS(check_budget(*pool));
  const auto shared = std::make_shared<const SchemaGraph>(std::move(graph));
  if (SchemaOutlook(*shared, *pool).of_any(shared->root).can_hold) return {};
  return fail(ErrorCode::kInvalidArgument, "#: no value is accepted by this schema");
}

Status check_schemas(const Layout& layout) {
  if (layout.kind == Layout::Kind::kSchema) {
    Status checked = check_schema(layout.schema);
    if (checked) return {};
    Error error = checked.error();
    error.param = layout.text;
    return fail(std::move(error));
  }
  for (const Layout& part : layout.parts) CHASQUI_TRY_STATUS(check_schemas(part));
  return {};
}

}  // namespace

Result<GrammarPtr> compile_regex(std::string_view source, const TokenTablePtr& tokens) {
  CHASQUI_TRY_STATUS(check_size(source.size()));
  const auto pool = std::make_shared<ExprPool>(CompileLimits::kTime);
  CHASQUI_TRY(const ExprId expr, compile_regex_expr(source, RegexMatch::kWhole, *pool));
  CHASQUI_TRY_STATUS(check_budget(*pool));
  if (!pool->can_match(expr)) {
    return fail(ErrorCode::kInvalidArgument, "the expression matches nothing");
  }
  const auto make = [text = std::string(source)]() -> std::unique_ptr<Machine> {
    auto fresh = std::make_shared<ExprPool>();
    const ExprId start = *compile_regex_expr(text, RegexMatch::kWhole, *fresh);
    return std::make_unique<ExprMachine>(std::move(fresh), start);
  };
  return make_grammar(make, tokens);
}

Result<GrammarPtr> compile_gbnf(std::string_view source, const TokenTablePtr& tokens) {
  CHASQUI_TRY_STATUS(check_size(source.size()));
  ExprPool pool(CompileLimits::kTime);
  CHASQUI_TRY(GbnfGrammar grammar, parse_gbnf(source, pool, *tokens));
  CHASQUI_TRY_STATUS(check_budget(pool));
  CHASQUI_TRY_STATUS(analyse_gbnf(grammar, source, pool));
  const auto make = [text = std::string(source), tokens]() -> std::unique_ptr<Machine> {
    auto fresh = std::make_shared<ExprPool>();
    GbnfGrammar parsed = *parse_gbnf(text, *fresh, *tokens);
    static_cast<void>(analyse_gbnf(parsed, text, *fresh));
    return std::make_unique<GbnfMachine>(std::move(fresh), parsed);
  };
  return make_grammar(make, tokens);
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
  return make_grammar(make, tokens);
}

Result<GrammarPtr> compile_json_schema(const json::value& schema, const TokenTablePtr& tokens) {
  CHASQUI_TRY_STATUS(check_schema(schema));
  return make_schema_grammar(std::make_shared<const json::value>(schema), tokens);
}

Result<GrammarPtr> compile_layout(Layout layout, const TokenTablePtr& tokens) {
  CHASQUI_TRY_STATUS(check_schemas(layout));
  const auto make = [layout = std::move(layout), tokens]() -> std::unique_ptr<Machine> {
    return std::make_unique<LayoutMachine>(layout, *tokens);
  };
  return make_grammar(make, tokens);
}

GrammarPtr compile_json_object(const TokenTablePtr& tokens) {
  return *make_schema_grammar(std::make_shared<const json::value>(json::value{{"type", "object"}}),
                              tokens);
}

}  // namespace chasqui::grammar
