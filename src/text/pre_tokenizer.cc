#include "text/internal/pre_tokenizer.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <string>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace chasqui::text {
namespace {

// Patterns of the table match in a few steps a character; one that needs more than this for one
// match is stopped. PCRE2's own default, about 0.1 s.
constexpr uint32_t kMatchLimit = 10'000'000;
constexpr size_t kJitStackStart = 32 << 10;
constexpr size_t kJitStackMax = 16 << 20;

// Unicode's White_Space property, as the inside of a character class.
constexpr std::string_view kWhiteSpace =
    R"(\t-\r\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})";

struct CodeDeleter {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};
struct MatchDataDeleter {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};
struct ContextDeleter {
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};
struct StackDeleter {
  void operator()(pcre2_jit_stack* stack) const { pcre2_jit_stack_free(stack); }
};

// Replaces \s and \S by explicit classes. REQUIRES: no \S inside a class.
std::string expand_white_space(std::string_view pattern) {
  std::string out;
  bool in_class = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\' && i + 1 < pattern.size()) {
      const char escaped = pattern[++i];
      if (escaped == 's') {
        out += in_class ? std::string(kWhiteSpace) : fmt::format("[{}]", kWhiteSpace);
      } else if (escaped == 'S') {
        out += fmt::format("[^{}]", kWhiteSpace);
      } else {
        out += {c, escaped};
      }
      continue;
    }
    if (c == '[') in_class = true;
    if (c == ']') in_class = false;
    out += c;
  }
  return out;
}

// What one split() needs of PCRE2 besides the patterns; match data cannot be shared by threads.
struct Matching {
  std::unique_ptr<pcre2_match_data, MatchDataDeleter> data{pcre2_match_data_create(1, nullptr)};
  std::unique_ptr<pcre2_match_context, ContextDeleter> context{pcre2_match_context_create(nullptr)};
  std::unique_ptr<pcre2_jit_stack, StackDeleter>
      stack;  // only once the machine stack was too small

  Matching() { pcre2_set_match_limit(context.get(), kMatchLimit); }

  // The next match at or after `from`; false when there is none or PCRE2 gave up.
  bool find(const pcre2_code* code, std::string_view text, size_t from, int* gave_up) {
    int found = run(code, text, from);
    if (found == PCRE2_ERROR_JIT_STACKLIMIT && !stack) {
      stack.reset(pcre2_jit_stack_create(kJitStackStart, kJitStackMax, nullptr));
      pcre2_jit_stack_assign(context.get(), nullptr, stack.get());
      found = run(code, text, from);
    }
    if (found < 0 && found != PCRE2_ERROR_NOMATCH) {
      spdlog::warn(
          "pre-tokeniser: PCRE2 gave up ({}) on a piece of {} bytes; the rest of the piece "
          "is not split",
          found, text.size());
      if (gave_up != nullptr) ++*gave_up;
    }
    return found >= 0;
  }

  size_t begin() const { return pcre2_get_ovector_pointer(data.get())[0]; }
  size_t end() const { return pcre2_get_ovector_pointer(data.get())[1]; }

 private:
  int run(const pcre2_code* code, std::string_view text, size_t from) {
    // Without NO_UTF_CHECK every call would read the whole text: quadratic.
    return pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), from,
                       PCRE2_NO_UTF_CHECK, data.get(), context.get());
  }
};

size_t next_character(std::string_view text, size_t at) {
  ++at;
  while (at < text.size() && (static_cast<uint8_t>(text[at]) & 0xC0) == 0x80) ++at;
  return at;
}

// Appends the ends of groups of three characters of [begin, end), counted from the end.
void append_triples(std::string_view text, size_t begin, size_t end, uint32_t offset,
                    std::vector<uint32_t>& ends) {
  std::vector<size_t> characters;  // where each ends
  for (size_t at = begin; at < end;) characters.push_back(at = next_character(text, at));
  for (size_t i = 0; i < characters.size(); ++i) {
    const size_t left = characters.size() - 1 - i;
    if (left % 3 == 0) ends.push_back(offset + static_cast<uint32_t>(characters[i]));
  }
}

}  // namespace

struct PreTokenizer::Step {
  std::unique_ptr<pcre2_code, CodeDeleter> code;
  bool in_triples = false;

  // Cuts one piece, which starts at `offset` of the whole text.
  void split(std::string_view piece, uint32_t offset, Matching& matching,
             std::vector<uint32_t>& ends, int* gave_up) const {
    size_t cut = 0;
    size_t from = 0;
    while (from < piece.size() && matching.find(code.get(), piece, from, gave_up)) {
      const size_t begin = matching.begin();
      const size_t end = matching.end();
      if (begin > cut) ends.push_back(offset + static_cast<uint32_t>(begin));
      if (end > begin && in_triples) {
        append_triples(piece, begin, end, offset, ends);
      } else if (end > begin) {
        ends.push_back(offset + static_cast<uint32_t>(end));
      }
      cut = end;
      from = end > begin ? end : next_character(piece, end);
    }
    if (cut < piece.size()) ends.push_back(offset + static_cast<uint32_t>(piece.size()));
  }
};

PreTokenizer::PreTokenizer() = default;
PreTokenizer::PreTokenizer(PreTokenizer&&) noexcept = default;
PreTokenizer& PreTokenizer::operator=(PreTokenizer&&) noexcept = default;
PreTokenizer::~PreTokenizer() = default;

Result<PreTokenizer> PreTokenizer::compile(const PreTokenizerRow& row) {
  PreTokenizer result;
  for (const SplitStep& step : row.steps) {
    if (step.pattern == nullptr) break;
    const std::string pattern = expand_white_space(step.pattern);
    int error = 0;
    size_t where = 0;
    std::unique_ptr<pcre2_code, CodeDeleter> code(
        pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                      PCRE2_UTF | PCRE2_UCP | PCRE2_NO_AUTO_CAPTURE, &error, &where, nullptr));
    if (!code) {
      PCRE2_UCHAR message[160] = {};
      pcre2_get_error_message(error, message, sizeof message);
      return fail(ErrorCode::kUnsupported,
                  fmt::format("pre-tokeniser '{}': PCRE2 refuses a pattern at offset {}: {}",
                              row.names, where, reinterpret_cast<const char*>(message)));
    }
    // Where the JIT is missing the interpreter takes over, slower.
    pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);
    result.steps_.push_back({std::move(code), step.in_triples});
  }
  return result;
}

std::vector<uint32_t> PreTokenizer::split(std::string_view text, int* gave_up) const {
  std::vector<uint32_t> ends;
  if (text.empty()) return ends;
  ends.push_back(static_cast<uint32_t>(text.size()));
  Matching matching;
  std::vector<uint32_t> finer;
  for (const Step& step : steps_) {
    finer.clear();
    uint32_t begin = 0;
    for (const uint32_t end : ends) {
      step.split(text.substr(begin, end - begin), begin, matching, finer, gave_up);
      begin = end;
    }
    ends.swap(finer);
  }
  return ends;
}

}  // namespace chasqui::text
