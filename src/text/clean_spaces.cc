#include "text/internal/clean_spaces.h"

#include <string_view>

namespace chasqui::text {
namespace {

// Each pass looks at its input only, so a space that an earlier character needed does not
// vanish under a later one. The first character never goes.

std::string drop_before_punctuation(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool closes = i > 0 && std::string_view("?!.,").find(text[i]) != std::string_view::npos;
    if (closes && text[i - 1] == ' ') out.pop_back();
    out.push_back(text[i]);
  }
  return out;
}

std::string drop_around_apostrophe(std::string_view text) {
  std::string out;
  bool space_before = false;  // the character before is a space that is still there
  for (size_t i = 0; i < text.size(); ++i) {
    const bool lone =
        i > 0 && text[i] == '\'' && space_before && i + 1 < text.size() && text[i + 1] == ' ';
    if (lone) out.pop_back();
    out.push_back(text[i]);
    space_before = !lone && text[i] == ' ';
    if (lone) ++i;  // the space behind goes too
  }
  return out;
}

std::string drop_before_contraction(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i > 0 && text[i] == '\'' && text[i - 1] == ' ') {
      const std::string_view rest = text.substr(i + 1);
      const bool contracts = rest.starts_with('s') || rest.starts_with('m') ||
                             rest.starts_with("re") || rest.starts_with("ve");
      if (contracts) out.pop_back();
    }
    out.push_back(text[i]);
  }
  return out;
}

}  // namespace

std::string clean_spaces(std::string text) {
  return drop_before_contraction(drop_around_apostrophe(drop_before_punctuation(text)));
}

}  // namespace chasqui::text
