#include "text/internal/special_tokens.h"

#include <array>
#include <initializer_list>
#include <span>

namespace chasqui::text {
namespace {

// A role and the spellings that published models give it; the first that exists is taken. (The
// reference takes whichever its hash table yields first, so it may differ where a vocabulary has
// several; all of them end a generation anyway.)
struct Role {
  TokenId SpecialTokens::*id;
  std::array<std::string_view, 12> spellings;  // "" ends the list
};

constexpr Role kRoles[] = {
    {&SpecialTokens::eot,
     {"<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "<|end_of_text|>",
      "<EOT>", "_<EOT>", "[EOT]", "<｜end▁of▁sentence｜>", "<end_of_utterance>"}},
    {&SpecialTokens::eom, {"<|eom_id|>"}},
    {&SpecialTokens::fim_prefix,
     {"<|fim_prefix|>", "<fim-prefix>", "<fim_prefix>", "<｜fim▁begin｜>", "<PRE>", "▁<PRE>",
      "<|code_prefix|>", "<|prefix|>"}},
    {&SpecialTokens::fim_suffix,
     {"<|fim_suffix|>", "<fim-suffix>", "<fim_suffix>", "<｜fim▁hole｜>", "<SUF>", "▁<SUF>",
      "<|code_suffix|>", "<|suffix|>"}},
    {&SpecialTokens::fim_middle,
     {"<|fim_middle|>", "<fim-middle>", "<fim_middle>", "<｜fim▁end｜>", "<MID>", "▁<MID>",
      "<|code_middle|>", "<|middle|>"}},
    {&SpecialTokens::fim_pad, {"<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]"}},
    {&SpecialTokens::fim_repository,
     {"<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>"}},
    {&SpecialTokens::fim_separator, {"<|file_sep|>"}},
};

constexpr std::string_view kEndsGeneration[] = {
    "<|eot_id|>",
    "<|im_end|>",
    "<|end|>",
    "<|return|>",
    "<|call|>",  // harmony (gpt-oss)
    "<|flush|>",
    "<|calls|>",  // Solar Open
    "<end_of_turn>",
    "<|endoftext|>",
    "</s>",
    "<|eom_id|>",
    "<EOT>",
    "_<EOT>",
    "[EOT]",
    "[EOS]",  // Kimi K2
    "<|end_of_text|>",
    "<end_of_utterance>",
    "<eos>",
    "<turn|>",
    "<|tool_response>",  // Gemma 4
    "<｜end▁of▁sentence｜>",
    "[e~[",  // MiniMax M2
};

// Roles that end a generation as well: a model that runs into them has left its answer.
constexpr TokenId SpecialTokens::*kEndingRoles[] = {
    &SpecialTokens::eos,
    &SpecialTokens::eot,
    &SpecialTokens::eom,
    &SpecialTokens::fim_pad,
    &SpecialTokens::fim_repository,
    &SpecialTokens::fim_separator,
};

// The structure of gpt-oss's output, which parsers must see in the text.
constexpr std::string_view kAlwaysVisible[] = {"<|channel|>", "<|message|>", "<|start|>",
                                               "<|constrain|>"};

// A spelling that does not end a generation in vocabularies that have all of `companions`.
struct Exemption {
  std::string_view spelling;
  TokenKind kind;  // what it is there
  std::array<std::string_view, 2> companions;
};

constexpr Exemption kExemptions[] = {
    {"<|end|>", TokenKind::kUserDefined, {"<|return|>", "<|call|>"}},
    {"<|end|>", TokenKind::kUserDefined, {"<|return|>", "<|calls|>"}},
    {"<|end|>", TokenKind::kUserDefined, {"<|call|>", "<|flush|>"}},
    {"<|end|>", TokenKind::kUserDefined, {"<|calls|>", "<|flush|>"}},
    {"</s>", TokenKind::kNormal, {"<|tool_response>", ""}},
};

std::optional<TokenId> find_first(const SpecialDetection& vocab,
                                  std::span<const std::string_view> spellings) {
  for (const std::string_view spelling : spellings) {
    if (spelling.empty()) break;
    if (const auto id = vocab.find(spelling)) return id;
  }
  return std::nullopt;
}

void fill_roles(SpecialDetection& vocab) {
  for (const Role& role : kRoles) {
    TokenId& id = vocab.special.*role.id;
    if (id != kNoToken) continue;
    if (const auto found = find_first(vocab, role.spellings)) {
      id = *found;
      vocab.kinds[static_cast<size_t>(id)] = TokenKind::kControl;
    }
  }
}

void mark_ends(SpecialDetection& vocab) {
  for (const std::string_view spelling : kEndsGeneration) {
    if (const auto id = vocab.find(spelling)) {
      vocab.is_eog[static_cast<size_t>(*id)] = true;
      vocab.kinds[static_cast<size_t>(*id)] = TokenKind::kControl;
    }
  }
  for (const auto role : kEndingRoles) {
    if (const TokenId id = vocab.special.*role; id != kNoToken) {
      vocab.is_eog[static_cast<size_t>(id)] = true;
    }
  }
}

void apply_exemptions(SpecialDetection& vocab) {
  for (const Exemption& exemption : kExemptions) {
    const auto id = vocab.find(exemption.spelling);
    if (!id) continue;
    bool has_all = true;
    for (const std::string_view companion : exemption.companions) {
      has_all = has_all && (companion.empty() || vocab.find(companion));
    }
    if (!has_all) continue;
    vocab.is_eog[static_cast<size_t>(*id)] = false;
    vocab.kinds[static_cast<size_t>(*id)] = exemption.kind;
  }
}

}  // namespace

void detect_special_tokens(SpecialDetection& vocab) {
  fill_roles(vocab);
  mark_ends(vocab);
  for (const std::string_view spelling : kAlwaysVisible) {
    if (const auto id = vocab.find(spelling)) {
      vocab.kinds[static_cast<size_t>(*id)] = TokenKind::kUserDefined;
    }
  }
  apply_exemptions(vocab);
}

}  // namespace chasqui::text
