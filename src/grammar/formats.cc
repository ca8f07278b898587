// The `format` keyword. RFC 3339 dates and times, RFC 3986 URIs, RFC 3987 IRIs, RFC 6570 templates,
// RFC 4122 UUIDs, RFC 1123 names, ISO 8601 durations as in RFC 3339 appendix A. Impossible dates
// (31 April) are out, and so are leap seconds.
#include <fmt/format.h>

#include <array>
#include <string>

#include "grammar/internal/regex.h"
#include "grammar/internal/schema_reader.h"

namespace chasqui::grammar {
namespace {

constexpr std::string_view kUcs = "UCS";
constexpr std::string_view kPrivate = "PRIVATE";

// Pieces that patterns below are made of, in braces.
struct Piece {
  std::string_view name;
  std::string_view pattern;
};
constexpr Piece kPieces[] = {
    {"YEAR", R"([0-9]{4})"},
    {"LEAP", R"((([0-9]{2}(0[48]|[2468][048]|[13579][26]))|(([02468][048]|[13579][26])00)))"},
    {"MONTHDAY",
     R"(((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8])))"},
    {"DATE", R"(({YEAR}-{MONTHDAY}|{LEAP}-02-29))"},
    {"TIME",
     R"(([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?([zZ]|[+-]([01][0-9]|2[0-3]):[0-5][0-9]))"},
    {"LABEL", R"([a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)"},
    // The same without "--" in the third and fourth place: internationalised labels ("xn--...")
    // have rules of their own. Written out, for a look-ahead would be searched at every letter.
    {"HOSTLABEL",
     R"([a-zA-Z0-9]([a-zA-Z0-9]|[a-zA-Z0-9-][a-zA-Z0-9]|[a-zA-Z0-9-]{2}[a-zA-Z0-9]|[a-zA-Z0-9-]([a-zA-Z0-9][a-zA-Z0-9-]|-[a-zA-Z0-9])[a-zA-Z0-9-]{0,58}[a-zA-Z0-9])?)"},
    {"OCTET", R"((25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9]))"},
    {"IPV4", R"({OCTET}(\.{OCTET}){3})"},
    {"H16", R"([0-9a-fA-F]{1,4})"},
    {"LS32", R"(({H16}:{H16}|{IPV4}))"},
    {"IPV6",
     R"((({H16}:){6}{LS32}|::({H16}:){5}{LS32}|({H16})?::({H16}:){4}{LS32}|(({H16}:){0,1}{H16})?::({H16}:){3}{LS32}|(({H16}:){0,2}{H16})?::({H16}:){2}{LS32}|(({H16}:){0,3}{H16})?::{H16}:{LS32}|(({H16}:){0,4}{H16})?::{LS32}|(({H16}:){0,5}{H16})?::{H16}|(({H16}:){0,6}{H16})?::))"},
    {"PCT", R"(%[0-9a-fA-F]{2})"},
    // What IRIs have and URIs have not; the latter in queries only.
    {kUcs,
     R"([\u{A0}-\u{D7FF}\u{F900}-\u{FDCF}\u{FDF0}-\u{FFEF}\u{10000}-\u{1FFFD}\u{20000}-\u{2FFFD}\u{30000}-\u{3FFFD}\u{40000}-\u{4FFFD}\u{50000}-\u{5FFFD}\u{60000}-\u{6FFFD}\u{70000}-\u{7FFFD}\u{80000}-\u{8FFFD}\u{90000}-\u{9FFFD}\u{A0000}-\u{AFFFD}\u{B0000}-\u{BFFFD}\u{C0000}-\u{CFFFD}\u{D0000}-\u{DFFFD}\u{E1000}-\u{EFFFD}])"},
    {kPrivate, R"([\u{E000}-\u{F8FF}\u{F0000}-\u{FFFFD}\u{100000}-\u{10FFFD}])"},
    {"PCHAR", R"(([A-Za-z0-9._~!$&'()*+,;=:@-]|{UCS}|{PCT}))"},
    {"TAIL", R"((\?({PCHAR}|{PRIVATE}|[/?])*)?(#({PCHAR}|[/?])*)?)"},
    {"AUTHORITY",
     R"((([A-Za-z0-9._~!$&'()*+,;=:-]|{UCS}|{PCT})*@)?(\[({IPV6}|[vV][0-9a-fA-F]+\.[A-Za-z0-9._~!$&'()*+,;=:-]+)\]|([A-Za-z0-9._~!$&'()*+,;=-]|{UCS}|{PCT})*)(:[0-9]*)?)"},
    {"HIER", R"((//{AUTHORITY}(/{PCHAR}*)*|/({PCHAR}+(/{PCHAR}*)*)?|{PCHAR}+(/{PCHAR}*)*|))"},
    {"NOCOLON", R"(([A-Za-z0-9._~!$&'()*+,;=@-]|{UCS}|{PCT})+)"},
    {"RELATIVE", R"((//{AUTHORITY}(/{PCHAR}*)*|/({PCHAR}+(/{PCHAR}*)*)?|{NOCOLON}(/{PCHAR}*)*|))"},
    {"URI", R"([A-Za-z][A-Za-z0-9+.-]*:{HIER}{TAIL})"},
    {"REFERENCE", "({URI}|{RELATIVE}{TAIL})"},
    {"VARIABLE", R"(([A-Za-z0-9_]|{PCT})+(\.([A-Za-z0-9_]|{PCT})+)*(:[1-9][0-9]{0,3}|\*)?)"},
    {"EXPRESSION", R"(\{[+#./;?&=,!@|]?{VARIABLE}(,{VARIABLE})*\})"},
    {"LITERAL", R"(([!#$&(-;=?-\[\]_a-z~]|{UCS}|{PRIVATE}|{PCT}))"},
    {"ATOM", R"([A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)"},
    {"DTIME", R"(([0-9]+H([0-9]+M([0-9]+S)?)?|[0-9]+M([0-9]+S)?|[0-9]+S))"},
    {"DDATE", R"(([0-9]+D|[0-9]+M([0-9]+D)?|[0-9]+Y([0-9]+M([0-9]+D)?)?))"},
};

struct Format {
  std::string_view name;
  std::string_view pattern;       // empty: drafts define it, and schemas with it are refused
  bool is_international = false;  // has UCS and PRIVATE
};
constexpr Format kFormats[] = {
    {"date", "{DATE}"},
    {"time", "{TIME}"},
    {"date-time", "{DATE}[tT]{TIME}"},
    {"duration", "P({DDATE}(T{DTIME})?|T{DTIME}|[0-9]+W)"},
    {"email", R"(({ATOM}(\.{ATOM})*)@({LABEL}(\.{LABEL})*|\[{IPV4}\]|\[IPv6:{IPV6}\]))"},
    {"hostname", R"((?!.{254}){HOSTLABEL}(\.{HOSTLABEL})*)"},
    {"ipv4", "{IPV4}"},
    {"ipv6", "{IPV6}"},
    {"uuid", "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"},
    {"uri", "{URI}"},
    {"uri-reference", "{REFERENCE}"},
    {"json-pointer", "(/([^/~]|~[01])*)*"},
    {"relative-json-pointer", "(0|[1-9][0-9]*)(#|(/([^/~]|~[01])*)*)"},
    {"iri", "{URI}", true},
    {"iri-reference", "{REFERENCE}", true},
    {"uri-template", "({LITERAL}|{EXPRESSION})*", true},
    {"idn-email", ""},
    {"idn-hostname", ""},
    {"regex", ""},
};

std::string expand(std::string_view pattern, bool is_international) {
  std::string out;
  for (size_t i = 0; i < pattern.size();) {
    const Piece* found = nullptr;
    for (const Piece& piece : kPieces) {
      const std::string_view rest = pattern.substr(i);
      const bool is_it = rest.size() > piece.name.size() + 1 && rest[0] == '{' &&
                         rest.substr(1).starts_with(piece.name) &&
                         rest[piece.name.size() + 1] == '}';
      if (is_it) found = &piece;
    }
    if (found == nullptr) {
      out.push_back(pattern[i++]);
      continue;
    }
    const bool is_out = !is_international && (found->name == kUcs || found->name == kPrivate);
    out += "(?:" + (is_out ? "[]" : expand(found->pattern, is_international)) + ")";
    i += found->name.size() + 2;
  }
  return out;
}

}  // namespace

Result<std::optional<ExprId>> format_expr(std::string_view format, ExprPool& pool) {
  for (const Format& known : kFormats) {
    if (known.name != format) continue;
    if (known.pattern.empty()) {
      return fail(ErrorCode::kUnsupported,
                  fmt::format("the format \"{}\" is not supported", format));
    }
    CHASQUI_TRY(const ExprId expr, compile_regex_expr(expand(known.pattern, known.is_international),
                                                      RegexMatch::kWhole, pool));
    return std::optional<ExprId>(expr);
  }
  return std::optional<ExprId>();
}

}  // namespace chasqui::grammar
