// The `format` keyword. RFC 3339 dates and times, RFC 3986 URIs, RFC 4122 UUIDs, RFC 1123 names,
// ISO 8601 durations as in RFC 3339 appendix A. Impossible dates (31 April) are out, and so are
// leap seconds.
#include <fmt/format.h>

#include <array>
#include <string>

#include "grammar/internal/regex.h"
#include "grammar/internal/schema_reader.h"

namespace chasqui::grammar {
namespace {

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
    {"PCHAR", R"(([A-Za-z0-9._~!$&'()*+,;=:@-]|{PCT}))"},
    {"TAIL", R"((\?({PCHAR}|[/?])*)?(#({PCHAR}|[/?])*)?)"},
    {"AUTHORITY",
     R"((([A-Za-z0-9._~!$&'()*+,;=:-]|{PCT})*@)?(\[({IPV6}|[vV][0-9a-fA-F]+\.[A-Za-z0-9._~!$&'()*+,;=:-]+)\]|([A-Za-z0-9._~!$&'()*+,;=-]|{PCT})*)(:[0-9]*)?)"},
    {"HIER", R"((//{AUTHORITY}(/{PCHAR}*)*|/({PCHAR}+(/{PCHAR}*)*)?|{PCHAR}+(/{PCHAR}*)*|))"},
    {"NOCOLON", R"(([A-Za-z0-9._~!$&'()*+,;=@-]|{PCT})+)"},
    {"RELATIVE", R"((//{AUTHORITY}(/{PCHAR}*)*|/({PCHAR}+(/{PCHAR}*)*)?|{NOCOLON}(/{PCHAR}*)*|))"},
    {"URI", R"([A-Za-z][A-Za-z0-9+.-]*:{HIER}{TAIL})"},
    {"ATOM", R"([A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)"},
    {"DTIME", R"(([0-9]+H([0-9]+M([0-9]+S)?)?|[0-9]+M([0-9]+S)?|[0-9]+S))"},
    {"DDATE", R"(([0-9]+D|[0-9]+M([0-9]+D)?|[0-9]+Y([0-9]+M([0-9]+D)?)?))"},
};

// An empty pattern: means something, and is not implemented.
constexpr Piece kFormats[] = {
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
    {"uri-reference", "({URI}|{RELATIVE}{TAIL})"},
    {"json-pointer", "(/([^/~]|~[01])*)*"},
    {"relative-json-pointer", "(0|[1-9][0-9]*)(#|(/([^/~]|~[01])*)*)"},
    {"idn-email", ""},
    {"idn-hostname", ""},
    {"iri", ""},
    {"iri-reference", ""},
    {"uri-template", ""},
    {"regex", ""},
};

std::string expand(std::string_view pattern) {
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
    out += "(?:" + expand(found->pattern) + ")";
    i += found->name.size() + 2;
  }
  return out;
}

}  // namespace

Result<std::optional<ExprId>> format_expr(std::string_view format, ExprPool& pool) {
  for (const Piece& known : kFormats) {
    if (known.name != format) continue;
    if (known.pattern.empty()) {
      return fail(ErrorCode::kUnsupported,
                  fmt::format("the format \"{}\" is not supported", format));
    }
    CHASQUI_TRY(const ExprId expr,
                compile_regex_expr(expand(known.pattern), RegexMatch::kWhole, pool));
    return std::optional<ExprId>(expr);
  }
  return std::optional<ExprId>();
}

}  // namespace chasqui::grammar
