// Feeds arbitrary sources to the compilers of grammars. The first byte chooses: g(BNF), r(egex),
// s(chema) or l(ayout: a line that is a mark in free text, another one, then a schema). What
// compiles is followed for a while by tokens that its own masks offer, which must then be accepted.
#include <boost/json.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "grammar/layout.h"
#include "grammar/matcher.h"

namespace {

using namespace chasqui::grammar;

constexpr int kSteps = 24;

TokenTablePtr table() {
  static const TokenTablePtr shared = [] {
    std::vector<std::string> pieces;
    for (int byte = 0; byte < 256; ++byte) pieces.emplace_back(1, static_cast<char>(byte));
    for (const char* text : {"\", \"", "\": ", "ab", "}}", "\\u00", "12", "\xE2\x82", "", ""}) {
      pieces.emplace_back(text);
    }
    const auto end = static_cast<int32_t>(pieces.size() - 1);
    const TokenTable::Names names = {{"<think>", end - 1}};
    return TokenTable::build(std::move(pieces), {end}, names, names);
  }();
  return shared;
}

chasqui::Result<GrammarPtr> compile(char kind, const std::string& source) {
  if (kind == 'g') return compile_gbnf(source, table());
  if (kind == 'r') return compile_regex(source, table());
  const size_t marks = kind == 'l' ? source.find('\n') : 0;
  const size_t rest = kind == 'l' ? source.find('\n', marks + 1) : 0;
  if (rest == std::string::npos) return chasqui::fail(chasqui::ErrorCode::kInvalidArgument, "");
  boost::json::error_code error;
  const boost::json::value schema = boost::json::parse(source.substr(rest), error);
  if (error) return chasqui::fail(chasqui::ErrorCode::kInvalidArgument, "");
  if (kind != 'l') return compile_json_schema(schema, table());
  const std::string first = source.substr(0, marks);
  const std::string second = source.substr(marks + 1, rest - marks - 1);
  if (first.empty() || second.empty()) return compile_json_object(table());
  return compile_layout(
      Layout::of(Layout::Kind::kMany,
                 {Layout::free({{first}, {second, true}},
                               {Layout::json(schema_text(schema), ""), Layout::marked("<think>" + first)})}),
      table());
}

void follow(const GrammarPtr& grammar) {
  Matcher matcher(grammar);
  TokenMask mask;
  uint32_t at = 7;
  for (int step = 0; step < kSteps; ++step) {
    matcher.mask(mask);
    int32_t chosen = -1;
    for (int32_t i = 0; i < mask.size() && chosen < 0; ++i) {
      const auto token = static_cast<int32_t>((at + static_cast<uint32_t>(i)) % 264);
      if (token < mask.size() && mask.has(token)) chosen = token;
    }
    if (chosen < 0) return;
    if (!matcher.accept(chosen)) std::abort();
    at = at * 1664525u + 1013904223u;
  }
  matcher.roll_back(1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const std::string source(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (const auto grammar = compile(static_cast<char>(data[0]), source)) follow(*grammar);
  return 0;
}
