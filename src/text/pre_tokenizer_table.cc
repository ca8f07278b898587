// The rows. Names are those that converters write into `tokenizer.ggml.pre`; patterns are those
// that the models' own tokenizer files publish, as far as they are public. Where llama.cpp, whose
// regular expressions know no case classes, approximates a published pattern, the row keeps the
// published one: it is what the model was trained with.
//
// What keeps every row linear, whatever the text: each attempt at a position either fails after a
// bounded look, or consumes about as much as it has read. Patterns that would not (`\s+$`, digits
// grouped from the right by lookahead) are written so that they do.
#include <algorithm>

#include "text/internal/pre_tokenizer.h"

namespace chasqui::text {
namespace {

// Building blocks, as macros because they are pasted into string literals.
#define CONTRACTION "'(?:[sStTmMdD]|[rR][eE]|[vV][eE]|[lL][lL])"
#define CONTRACTION_LOWER "'s|'t|'re|'ve|'m|'ll|'d"
#define WORD R"([^\r\n\p{L}\p{N}]?\p{L}+)"
#define SPACES R"(\s*[\r\n]+|\s+(?!\S)|\s+)"
#define PUNCTUATION R"( ?[^\s\p{L}\p{N}]+)"

// GPT-2's pattern; what it leaves out, single spaces before other things, are gaps.
#define GPT2 CONTRACTION_LOWER R"(| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S))"

// cl100k and its descendants: `digits` is the pattern of a number.
#define CL100K(digits) CONTRACTION "|" WORD "|" digits "|" PUNCTUATION R"([\r\n]*|)" SPACES

// o200k: words are cut where case changes from lower to upper.
#define UPPERS R"([\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])"
#define LOWERS R"([\p{Ll}\p{Lm}\p{Lo}\p{M}])"
#define CASED_WORD(uppers, lowers, suffix)                                                        \
  R"([^\r\n\p{L}\p{N}]?)" uppers "*" lowers "+" suffix R"(|[^\r\n\p{L}\p{N}]?)" uppers "+" lowers \
  "*" suffix
#define O200K(suffix, digits) \
  CASED_WORD(UPPERS, LOWERS, suffix) "|" digits "|" PUNCTUATION R"([\r\n/]*|)" SPACES

// Kimi K2: the same classes without Han characters, written as complements because PCRE2 has no
// intersection.
#define UPPERS_NOT_HAN R"([^\p{Ll}\p{N}\p{P}\p{S}\p{Z}\p{C}\p{sc:Han}])"
#define LOWERS_NOT_HAN R"([^\p{Lu}\p{Lt}\p{N}\p{P}\p{S}\p{Z}\p{C}\p{sc:Han}])"

#define CJK_AND_KANA R"([\x{4e00}-\x{9fa5}\x{3040}-\x{309f}\x{30a0}-\x{30ff}]+)"
#define DEEPSEEK3_WORD                                 \
  R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+)" \
  R"(|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+)"
#define DEEPSEEK3 DEEPSEEK3_WORD R"([\r\n]*|)" SPACES
#define DEEPSEEK_CJK R"([\x{4e00}-\x{9fa5}\x{800}-\x{4e00}\x{ac00}-\x{d7ff}]+)"

// The letters with case of DeepSeek LLM's pattern.
#define DEEPSEEK_LETTERS                                                                        \
  R"(A-Za-z\x{b5}\x{c0}-\x{d6}\x{d8}-\x{f6}\x{f8}-\x{1ba}\x{1bc}-\x{1bf}\x{1c4}-\x{293})"       \
  R"(\x{295}-\x{2af}\x{370}-\x{373}\x{376}\x{377}\x{37b}-\x{37d}\x{37f}\x{386}\x{388}-\x{38a})" \
  R"(\x{38c}\x{38e}-\x{3a1}\x{3a3}-\x{3f5}\x{3f7}-\x{481}\x{48a}-\x{52f}\x{531}-\x{556})"       \
  R"(\x{10a0}-\x{10c5}\x{13a0}-\x{13f5}\x{13f8}-\x{13fd}\x{1c90}-\x{1cba}\x{1cbd}-\x{1cbf})"    \
  R"(\x{1d00}-\x{1d2b}\x{1d6b}-\x{1d77}\x{1d79}-\x{1d9a}\x{1e00}-\x{1f15}\x{1f18}-\x{1f1d})"    \
  R"(\x{1f20}-\x{1f45}\x{1f48}-\x{1f4d}\x{1f50}-\x{1f57}\x{1f59}\x{1f5b}\x{1f5d})"              \
  R"(\x{1f5f}-\x{1f7d}\x{1f80}-\x{1fb4}\x{1fb6}-\x{1fbc}\x{1fbe}\x{1fc2}-\x{1fc4})"             \
  R"(\x{1fc6}-\x{1fcc}\x{1fd0}-\x{1fd3}\x{1fd6}-\x{1fdb}\x{1fe0}-\x{1fec}\x{1ff2}-\x{1ff4})"    \
  R"(\x{1ff6}-\x{1ffc}\x{2102}\x{2107}\x{210a}-\x{2113}\x{2115}\x{2119}-\x{211d}\x{2124})"      \
  R"(\x{2126}\x{2128}\x{212a}-\x{212d}\x{212f}-\x{2134}\x{2139}\x{213c}-\x{213f})"              \
  R"(\x{2145}-\x{2149}\x{214e}\x{2183}\x{2184}\x{2c00}-\x{2c7b}\x{2c7e}-\x{2ce4})"              \
  R"(\x{2ceb}-\x{2cee}\x{2cf2}\x{2cf3}\x{a640}-\x{a66d}\x{a680}-\x{a69b}\x{a722}-\x{a76f})"     \
  R"(\x{a771}-\x{a787}\x{a78b}-\x{a78e}\x{ab70}-\x{abbf}\x{fb00}-\x{fb06}\x{fb13}-\x{fb17})"    \
  R"(\x{ff21}-\x{ff3a}\x{ff41}-\x{ff5a}\x{10400}-\x{1044f}\x{104b0}-\x{104d3})"                 \
  R"(\x{104d8}-\x{104fb}\x{10c80}-\x{10cb2}\x{10cc0}-\x{10cf2}\x{118a0}-\x{118df})"             \
  R"(\x{1e900}-\x{1e943})"

#define BLOOM R"( ?[^(\s|.,!?\x{2026}\x{3002}\x{ff0c}\x{3001}\x{964}\x{6d4}\x{60c})]+)"

// Runs of CJK, kana and South-East Asian letters (AFMoE).
#define ASIAN_SCRIPTS                                                                         \
  R"([\x{4e00}-\x{9fff}\x{3400}-\x{4dbf}\x{f900}-\x{faff}\x{3040}-\x{30ff}\x{ff65}-\x{ff9f})" \
  R"(\x{2f00}-\x{2fdf}\x{e40}-\x{eff}\x{1780}-\x{17ff}\x{1000}-\x{109f}\x{aa60}-\x{aa7f})"    \
  R"(\x{a9e0}-\x{a9ff}\x{ac00}-\x{d7af}\x{1100}-\x{11ff}]+)"

// Youtu: Hangul, CJK punctuation, bopomofo, CJK with kana.
#define YOUTU_SCRIPTS                                                                     \
  R"([\x{ac00}-\x{d7a3}\x{3131}-\x{318e}]+)"                                              \
  R"(|[\x{ff01}\x{2026}\x{201c}\x{201d}\x{2018}\x{2019}\x{2014}\x{ff1a}\x{ff1b}\x{ff0c})" \
  R"(\x{3001}-\x{303f}\x{fe30}-\x{fe4f}]+|[\x{3105}-\x{312f}]+|)" CJK_AND_KANA

// JAIS 2 cuts runs of spaces, which the step before has isolated, into powers of two.
#define SPACE_LADDER                           \
  R"((?:\A(?=(?:(?![\r\n])\s)++\z)|\G(?!\A)))" \
  R"((?:\s{512}|\s{256}|\s{128}|\s{64}|\s{32}|\s{16}|\s{8}|\s{4}|\s{1,2}))"

constexpr PreTokenizerFlags kPlain{};
constexpr PreTokenizerFlags kFaithful{.clean_spaces = false};
constexpr PreTokenizerFlags kLlama3{.ignore_merges = true, .add_bos = true};

constexpr PreTokenizerRow kRows[] = {
    {"default",
     {{{R"([\p{P}\$\+<=>\^~\|]+)"}, {GPT2}, {R"(\p{N}+)"}, {R"([0-9][0-9][0-9])"}}},
     kPlain},
    {"llama3 llama-v3 llama-bpe falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano",
     {{{CL100K(R"(\p{N}{1,3})")}}},
     kLlama3},
    {"dbrx smaug-bpe", {{{CL100K(R"(\p{N}{1,3})")}}}, kPlain},
    {"glm4 chatglm-bpe", {{{CL100K(R"(\p{N}{1,3})")}}}, {.no_default_bos = true}},
    {"minicpm5", {{{R"(\p{N}{1,3})"}, {CL100K(R"(\p{N}+)")}}}, {.ignore_merges = true}},
    {"jais-2", {{{CL100K(R"(\p{N}{1,3})")}, {SPACE_LADDER}}}, kPlain},
    {"qwen2 deepseek-r1-qwen kormo f2llmv2 openpangu hunyuan solar-open grok-2",
     {{{CL100K(R"(\p{N})")}}},
     kFaithful},
    {"stablelm2 megrez", {{{CL100K(R"(\p{N})")}}}, kPlain},
    {"qwen35",
     {{{CONTRACTION
        R"(|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|)" SPACES}}},
     kFaithful},
    {"ufakzeka", {{{WORD R"(|\p{N}|)" PUNCTUATION R"([\r\n]*|)" SPACES}}}, kFaithful},
    {"laguna", {{{R"([^\n]+|[\n]+)"}, {CL100K(R"(\p{N})")}}}, kFaithful},
    {"seed-coder",
     {{{CONTRACTION "|" WORD R"(|\p{N}| ?[^\s\p{L}\p{N}\r\n]+|)" SPACES}}},
     kFaithful},
    {"bailingmoe bailingmoe2 llada-moe",
     {{{R"('(?:[sSdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N})"
        R"(| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)"}}},
     kFaithful},
    {"exaone-moe",
     {{{CONTRACTION R"(|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*+(?: \p{L}\p{M}*+)*+)++|\p{N})"
                    R"(| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+)"}}},
     kPlain},
    {"gpt-2 phi-2 jina-es jina-de gigachat jina-v2-es jina-v2-de a.x-4.0 mellum modern-bert mpt "
     "olmo jais exaone4",
     {{{GPT2}}},
     kPlain},
    {"trillion granite-docling", {{{GPT2}}}, kFaithful},
    {"jina-v1-en jina-v2-code roberta-bpe", {{{GPT2}}}, {.add_sep = true}},
    {"starcoder refact codeshell exaone minerva-7b mellum2", {{{R"(\p{N})"}, {GPT2}}}, kPlain},
    {"command-r cohere2_moe smollm", {{{R"(\p{N})"}, {GPT2}}}, kFaithful},
    {"falcon", {{{R"([\p{P}\$\+<=>\^~\|`]+)"}, {GPT2}, {R"([0-9][0-9][0-9])"}}}, kPlain},
    {"deepseek-llm",
     {{{R"([\r\n])"},
       {R"(\s?[)" DEEPSEEK_LETTERS "]+"},
       {R"(\s?[!-/:-~\x{ff01}-\x{ff0f}\x{ff1a}-\x{ff5e}\x{2018}-\x{201f}\x{3000}-\x{3002}]+)"},
       {R"((?<!\s)\s++\z)"},
       {DEEPSEEK_CJK},
       {R"(\p{N}+)"}}},
     kFaithful},
    {"deepseek-coder",
     {{{R"([\r\n])"}, {R"(\s?\p{L}+)"}, {R"(\s?\p{P}+)"}, {DEEPSEEK_CJK}, {R"(\p{N})"}}},
     kFaithful},
    {"deepseek-v3 hunyuan-dense joyai-llm hy_v4",
     {{{R"(\p{N}{1,3})"}, {CJK_AND_KANA}, {DEEPSEEK3}}},
     kFaithful},
    {"spark2_5",
     {{{R"(\p{N}{1,3})"},
       {CJK_AND_KANA},
       {DEEPSEEK3_WORD R"(|[\r\n]|\s+(?!\S)|\s+)"},
       {R"(\p{N})"}}},
     kFaithful},
    {"youtu",
     {{{YOUTU_SCRIPTS}, {O200K("(?:" CONTRACTION ")?", R"(\p{N})")}}},
     {.ignore_merges = true, .clean_spaces = false}},
    {"poro-chat", {{{BLOOM}}}, kFaithful},
    {"bloom gpt3-finnish", {{{BLOOM}}}, kPlain},
    {"viking", {{{BLOOM}, {R"(\p{N})"}}}, kFaithful},
    {"tekken",
     {{{O200K("", R"(\p{N})")}}},
     {.ignore_merges = true, .add_bos = true, .clean_spaces = false}},
    {"gpt-4o llama4 kanana2 talkie minimax-m2",
     {{{O200K("(?:" CONTRACTION ")?", R"(\p{N}{1,3})")}}},
     kFaithful},
    {"granite-embed-multi-97m",
     {{{O200K("(?:" CONTRACTION ")?", R"(\p{N}{1,3})")}}},
     {.ignore_merges = true, .clean_spaces = false}},
    {"tiny_aya cohere2moe",
     // Digits that end at a word border, grouped from the right.
     {{{R"((?<!\d)\d++\b)", true}, {O200K("(?:" CONTRACTION ")?", R"(\p{N}{1,3})")}}},
     kFaithful},
    {"kimi-k2",
     {{{R"(\p{sc:Han}+|)" CASED_WORD(UPPERS_NOT_HAN, LOWERS_NOT_HAN,
                                     "(?:" CONTRACTION ")?") R"(|\p{N}{1,3}|)" PUNCTUATION
                                                             R"([\r\n]*|)" SPACES}}},
     kFaithful},
    {"superbpe", {{{R"(\p{N}+)"}, {R"(\d+)", true}}}, kFaithful},
    {"afmoe", {{{R"(\p{N}+)", true}, {ASIAN_SCRIPTS}, {DEEPSEEK3}}}, kFaithful},
    {"chameleon",
     {{{R"(<sentinel:[0-9]+>)"},
       {R"(IMGIMG[A-I]{1,4}Z)"},
       {R"([\t\n]|    |  )"},
       {R"(\p{N})"},
       {R"([\p{P}!-/:-@\[-`{-~])"},
       {GPT2}}},
     {.add_bos = true, .clean_spaces = false}},
    {"gemma4 granite-embed-multi-311m",
     {{{R"([^\n]+|[\n]+)"}}},
     {.add_bos = true, .raw_characters = true, .needs_bos = true}},
    {"whitespace", {{{R"(\S+)"}}}, {.raw_characters = true, .drops_spaces = true}},
    {"sarvam-moe", {{{R"([^\n]+|[\n]+)"}}}, {.clean_spaces = false, .raw_characters = true}},
};

bool has_name(std::string_view names, std::string_view wanted) {
  while (!names.empty()) {
    const size_t space = std::min(names.find(' '), names.size());
    if (names.substr(0, space) == wanted) return true;
    names.remove_prefix(std::min(space + 1, names.size()));
  }
  return false;
}

}  // namespace

std::span<const PreTokenizerRow> pre_tokenizer_rows() {
  return kRows;
}

const PreTokenizerRow* find_pre_tokenizer(std::string_view name) {
  if (name.empty()) return &kRows[0];
  const auto* row = std::find_if(std::begin(kRows), std::end(kRows), [&](const auto& candidate) {
    return has_name(candidate.names, name);
  });
  return row == std::end(kRows) ? nullptr : row;
}

}  // namespace chasqui::text
