#include "grammar/testing/twins.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "grammar/internal/schema_keywords.h"

namespace json = boost::json;

namespace chasqui::grammar::testing {
namespace {

using Ends = std::set<size_t>;

// Where the node may end when it begins at `start`. `depth` bounds rules that recurse.
class GbnfTwin {
 public:
  GbnfTwin(const GbnfGrammar& grammar, ExprPool& pool, const std::string& text)
      : grammar_(grammar), pool_(pool), text_(text) {}

  Ends ends(size_t at, size_t start, size_t depth) {
    const GbnfNode& node = grammar_.nodes[at];
    if (depth > 3 * text_.size() + 12) return {};
    switch (node.kind) {
      case GbnfNode::Kind::kExpr:
        return expr_ends(node.expr, start);
      case GbnfNode::Kind::kRule:
        return ends(grammar_.rules[node.rule].body, start, depth + 1);
      case GbnfNode::Kind::kChoice: {
        Ends all;
        for (const size_t part : node.parts) all.merge(ends(part, start, depth));
        return all;
      }
      case GbnfNode::Kind::kSequence: {
        Ends now = {start};
        for (const size_t part : node.parts) now = step(part, now, depth);
        return now;
      }
      case GbnfNode::Kind::kRepeat:
        return repeat_ends(node, start, depth);
    }
    return {};
  }

 private:
  Ends expr_ends(ExprId expr, size_t start) {
    Ends found;
    for (size_t end = start; end <= text_.size(); ++end) {
      if (pool_.nullable(expr)) found.insert(end);
      if (end < text_.size()) expr = pool_.derive(expr, static_cast<uint8_t>(text_[end]));
    }
    return found;
  }

  Ends step(size_t part, const Ends& from, size_t depth) {
    Ends to;
    for (const size_t start : from) to.merge(ends(part, start, depth));
    return to;
  }

  Ends repeat_ends(const GbnfNode& node, size_t start, size_t depth) {
    Ends found;
    Ends now = {start};
    const size_t most = std::min<size_t>(node.most, node.least + text_.size() + 1);
    for (size_t turn = 0; turn <= most && !now.empty(); ++turn) {
      if (turn >= node.least) found.insert(now.begin(), now.end());
      now = step(node.parts[0], now, depth);
    }
    return found;
  }

  const GbnfGrammar& grammar_;
  ExprPool& pool_;
  const std::string& text_;
};

bool has_type(const json::value& value, std::string_view type) {
  if (type == "null") return value.is_null();
  if (type == "boolean") return value.is_bool();
  if (type == "integer") return value.is_int64();
  if (type == "number") return value.is_number();
  if (type == "string") return value.is_string();
  if (type == "array") return value.is_array();
  return value.is_object();
}

int64_t count_of(const json::object& schema, std::string_view key, int64_t fallback) {
  const json::value* value = schema.if_contains(key);
  return value != nullptr ? value->get_int64() : fallback;
}

bool valid_array(const json::object& schema, const json::array& array) {
  const auto size = static_cast<int64_t>(array.size());
  if (size < count_of(schema, "minItems", 0) || size > count_of(schema, "maxItems", 99))
    return false;
  const json::value* items = schema.if_contains("items");
  const json::value* prefix = schema.if_contains("prefixItems");
  const size_t fixed = prefix != nullptr ? prefix->get_array().size() : 0;
  for (size_t i = 0; i < array.size(); ++i) {
    if (i < fixed && !naive_valid(prefix->get_array()[i], array[i])) return false;
    if (i >= fixed && items != nullptr && !naive_valid(*items, array[i])) return false;
  }
  const json::value* contains = schema.if_contains("contains");
  return contains == nullptr || std::ranges::any_of(array, [&](const json::value& item) {
           return naive_valid(*contains, item);
         });
}

bool valid_object(const json::object& schema, const json::object& object) {
  const auto size = static_cast<int64_t>(object.size());
  if (size < count_of(schema, "minProperties", 0)) return false;
  if (size > count_of(schema, "maxProperties", 99)) return false;
  if (const json::value* required = schema.if_contains("required")) {
    for (const json::value& key : required->get_array()) {
      if (!object.contains(key.get_string())) return false;
    }
  }
  const json::value* properties = schema.if_contains("properties");
  const json::value* others = schema.if_contains("additionalProperties");
  for (const auto& [key, member] : object) {
    const json::value* own =
        properties != nullptr ? properties->get_object().if_contains(key) : nullptr;
    const json::value* rule = own != nullptr ? own : others;
    if (rule != nullptr && !naive_valid(*rule, member)) return false;
  }
  return true;
}

bool valid_scalar(const json::object& schema, const json::value& value) {
  if (value.is_number()) {
    const auto number = value.to_number<double>();
    if (number < static_cast<double>(count_of(schema, "minimum", -1000))) return false;
    if (number > static_cast<double>(count_of(schema, "maximum", 1000))) return false;
    return std::fmod(number, static_cast<double>(count_of(schema, "multipleOf", 1))) == 0.0 ||
           !schema.contains("multipleOf");
  }
  if (!value.is_string()) return true;
  const auto length = static_cast<int64_t>(value.get_string().size());
  return length >= count_of(schema, "minLength", 0) && length <= count_of(schema, "maxLength", 99);
}

bool valid_combined(const json::object& schema, const json::value& value) {
  const auto count = [&](std::string_view key) {
    const json::array& list = schema.at(key).get_array();
    return std::ranges::count_if(list, [&](const json::value& s) { return naive_valid(s, value); });
  };
  if (schema.contains("allOf") &&
      count("allOf") != static_cast<long>(schema.at("allOf").get_array().size())) {
    return false;
  }
  if (schema.contains("anyOf") && count("anyOf") == 0) return false;
  if (schema.contains("oneOf") && count("oneOf") != 1) return false;
  if (schema.contains("not") && naive_valid(schema.at("not"), value)) return false;
  if (!schema.contains("if")) return true;
  const char* branch = naive_valid(schema.at("if"), value) ? "then" : "else";
  return naive_valid(schema.at(branch), value);
}

json::array some_schemas(Rng& rng, int depth) {
  json::array list;
  for (size_t i = 0; i < 1 + pick(rng, 3); ++i) list.push_back(random_schema(rng, depth - 1));
  return list;
}

constexpr const char* kTypes[] = {"null",   "boolean", "integer", "number",
                                  "string", "array",   "object"};
constexpr const char* kKeys[] = {"a", "b", "ab", "c\"d"};

}  // namespace

TokenTablePtr small_table() {
  std::vector<std::string> pieces;
  for (int byte = 0; byte < 256; ++byte) pieces.emplace_back(1, static_cast<char>(byte));
  for (const char* text :
       {"ab", "\": ", "\", \"", "}}", "]}", "abc\"", "\\u00", "12", "tru", "e,", "{\"a", " \"b\"",
        "\xC3\xA9", "\xE2\x82", "[[", "null", "aa\": 1", "-1"}) {
    pieces.emplace_back(text);
  }
  const auto think = static_cast<int32_t>(pieces.size());
  const int32_t end = think + 2;
  pieces.resize(pieces.size() + 3);
  const TokenTable::Names names = {{"<think>", think}, {"</think>", think + 1}, {"</s>", end}};
  return TokenTable::build(std::move(pieces), {end}, names, names);
}

bool naive_gbnf_accepts(const GbnfGrammar& grammar, ExprPool& pool, const std::string& text) {
  GbnfTwin twin(grammar, pool, text);
  return twin.ends(grammar.rules[grammar.root].body, 0, 0).contains(text.size());
}

bool naive_valid(const json::value& schema, const json::value& value) {
  if (schema.is_bool()) return schema.get_bool();
  const json::object& object = schema.get_object();
  if (const json::value* type = object.if_contains("type")) {
    if (!has_type(value, type->get_string())) return false;
  }
  if (const json::value* list = object.if_contains("enum")) {
    if (std::ranges::find(list->get_array(), value) == list->get_array().end()) return false;
  }
  if (value.is_array() && !valid_array(object, value.get_array())) return false;
  if (value.is_object() && !valid_object(object, value.get_object())) return false;
  return valid_scalar(object, value) && valid_combined(object, value);
}

std::string json_text(const json::value& value) {
  std::string out;
  if (value.is_double()) return number_text(value);
  if (value.is_array()) {
    for (const json::value& item : value.get_array()) {
      out += (out.empty() ? "" : ",") + json_text(item);
    }
    return "[" + out + "]";
  }
  if (!value.is_object()) return json::serialize(value);
  for (const auto& [key, member] : value.get_object()) {
    out += (out.empty() ? "" : ",") + json::serialize(json::string(key)) + ":" + json_text(member);
  }
  return "{" + out + "}";
}

json::value random_value(Rng& rng, int depth) {
  switch (pick(rng, depth > 0 ? 7 : 5)) {
    case 0:
      return nullptr;
    case 1:
      return pick(rng, 2) == 0;
    case 2:
      return static_cast<int64_t>(pick(rng, 30)) - 10;
    case 3:
      return static_cast<double>(pick(rng, 40)) / 4.0 + 0.125;
    case 4:
      return json::string(std::string(pick(rng, 4), pick(rng, 2) == 0 ? 'a' : '\n'));
    case 5: {
      json::array array;
      for (size_t i = pick(rng, 4); i > 0; --i) array.push_back(random_value(rng, depth - 1));
      return array;
    }
    default: {
      json::object object;
      for (size_t i = pick(rng, 4); i > 0; --i) {
        object[kKeys[pick(rng, 4)]] = random_value(rng, depth - 1);
      }
      return object;
    }
  }
}

json::value random_schema(Rng& rng, int depth) {
  if (depth <= 0 || pick(rng, 12) == 0) return pick(rng, 6) != 0;
  json::object schema;
  const auto small = [&] { return static_cast<int64_t>(pick(rng, 4)); };
  if (pick(rng, 2) == 0) schema["type"] = kTypes[pick(rng, 7)];
  for (size_t rules = 1 + pick(rng, 2); rules > 0; --rules) {
    switch (pick(rng, 14)) {
      case 0:
        schema["enum"] = {random_value(rng, 1), random_value(rng, 1), random_value(rng, 1)};
        break;
      case 1:
        for (size_t i = 1 + pick(rng, 3); i > 0; --i) {
          if (!schema.contains("properties")) schema["properties"] = json::object();
          schema["properties"].as_object()[kKeys[pick(rng, 4)]] = random_schema(rng, depth - 1);
        }
        break;
      case 2:
        schema["required"] = {kKeys[pick(rng, 2)], kKeys[2 + pick(rng, 2)]};
        break;
      case 3:
        schema["additionalProperties"] = random_schema(rng, depth - 1);
        break;
      case 4:
        schema["minProperties"] = small();
        schema["maxProperties"] = 1 + small();
        break;
      case 5:
        schema["items"] = random_schema(rng, depth - 1);
        break;
      case 6:
        schema["prefixItems"] = some_schemas(rng, depth);
        break;
      case 7:
        schema["minItems"] = small();
        schema["maxItems"] = 1 + small();
        break;
      case 8:
        schema["contains"] = random_schema(rng, depth - 1);
        break;
      case 9:
        schema["minLength"] = small();
        schema["maxLength"] = 1 + small();
        break;
      case 10:
        schema["minimum"] = small() - 5;
        schema["maximum"] = 2 * small();
        break;
      case 11:
        schema["multipleOf"] = 1 + small();
        break;
      case 12:
        schema["if"] = random_schema(rng, depth - 1);
        schema["then"] = random_schema(rng, depth - 1);
        schema["else"] = random_schema(rng, depth - 1);
        break;
      default: {
        constexpr const char* kCombinators[] = {"allOf", "anyOf", "oneOf", "not"};
        const size_t which = pick(rng, 4);
        schema[kCombinators[which]] =
            which == 3 ? random_schema(rng, depth - 1) : json::value(some_schemas(rng, depth));
      }
    }
  }
  return schema;
}

std::string random_regex(Rng& rng, int depth) {
  constexpr const char* kAtoms[] = {"a", "b", "[ab]", "[^a]", "ab", "."};
  if (depth <= 0) return kAtoms[pick(rng, 6)];
  const std::string one = random_regex(rng, depth - 1);
  switch (pick(rng, 6)) {
    case 0:
      return "(" + one + ")*";
    case 1:
      return "(" + one + "){1,3}";
    case 2:
      return "(" + one + ")?" + random_regex(rng, depth - 1);
    case 3:
      return "(" + one + "|" + random_regex(rng, depth - 1) + ")";
    default:
      return one + random_regex(rng, depth - 1);
  }
}

std::string random_gbnf(Rng& rng) {
  constexpr const char* kItems[] = {"\"a\"", "\"b\"", "[ab]", "x", "y", "(x | \"b\")", "(\"a\" y)"};
  constexpr const char* kMarks[] = {"", "", "", "*", "+", "?", "{2}", "{0,2}", "{1,}"};
  std::string text;
  for (const char* rule : {"root", "x", "y"}) {
    text += std::string(rule) + " ::=";
    for (size_t way = 1 + pick(rng, 3); way > 0; --way) {
      text += " \"" + std::string(1, static_cast<char>('a' + pick(rng, 2))) + "\"";
      for (size_t item = pick(rng, 3); item > 0; --item) {
        text += " " + std::string(kItems[pick(rng, 7)]) + kMarks[pick(rng, 9)];
      }
      if (way > 1) text += " |";
    }
    text += "\n";
  }
  return text;
}

bool accepts(const GrammarPtr& grammar, std::string_view text) {
  Matcher matcher(grammar);
  for (const char byte : text) {
    if (!matcher.accept(static_cast<uint8_t>(byte))) return false;
  }
  return matcher.is_complete();
}

bool accepts_checked(const GrammarPtr& grammar, std::string_view text) {
  Matcher matcher(grammar);
  TokenMask mask;
  for (size_t i = 0; i <= text.size(); ++i) {
    matcher.mask(mask);
    for (int32_t token = 0; token < mask.size(); ++token) {
      Matcher copy = matcher;
      EXPECT_EQ(mask.has(token), copy.accept(token)) << token << " behind " << text.substr(0, i);
    }
    if (i == text.size()) break;
    if (!matcher.accept(static_cast<uint8_t>(text[i]))) return false;
  }
  return matcher.is_complete();
}

bool accepts_tokens(Matcher matcher, const std::vector<int32_t>& tokens) {
  TokenMask mask;
  for (const int32_t token : tokens) {
    matcher.mask(mask);
    const bool is_open = mask.has(token);
    EXPECT_EQ(matcher.accept(token), is_open) << token;
    if (!is_open) return false;
  }
  return matcher.is_complete();
}

}  // namespace chasqui::grammar::testing
