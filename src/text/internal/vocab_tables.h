// What is read from `tokenizer.ggml.*` keys, and what holds where a file is silent: one row for
// each kind of vocabulary, each special token and each token that encoding adds.
#pragma once

#include <string_view>

#include "text/vocab.h"

namespace chasqui::text {

struct ModelRow {
  std::string_view name;  // `tokenizer.ggml.model`
  VocabKind kind;
  SpecialTokens defaults;
  const char* pre;  // rules that this model always has, or nullptr
};

// 11 is the end-of-text token of Falcon, the first byte-level model that was converted; files
// without explicit ids still rely on it.
constexpr ModelRow kModels[] = {
    {"llama",
     VocabKind::kSentencePiece,
     {.bos = 1, .eos = 2, .unk = 0, .add_bos = true, .add_space_prefix = true},
     nullptr},
    {"gpt2", VocabKind::kBpe, {.bos = 11, .eos = 11}, nullptr},
    {"gemma4", VocabKind::kBpe, {}, "gemma4"},
    {"bert",
     VocabKind::kWordPiece,
     {.bos = 101,
      .unk = 100,
      .sep = 102,
      .pad = 0,
      .mask = 103,
      .add_bos = true,
      .add_sep = true,
      .clean_spaces = true},
     nullptr},
    {"t5", VocabKind::kUnigram, {.eos = 1, .unk = 2, .pad = 0, .add_eos = true}, nullptr},
    {"rwkv", VocabKind::kRwkv, {}, nullptr},
    {"plamo2", VocabKind::kPlamo2, {.bos = 1, .eos = 2, .unk = 0, .pad = 3}, nullptr},
    {"whitespace", VocabKind::kBpe, {.bos = 11, .eos = 11}, "whitespace"},
};

struct IdKey {
  const char* key;
  TokenId SpecialTokens::*id;
};

// The spelling "seperator" is the format's. Later rows win.
constexpr IdKey kIdKeys[] = {
    {"tokenizer.ggml.prefix_token_id", &SpecialTokens::fim_prefix},  // deprecated names
    {"tokenizer.ggml.suffix_token_id", &SpecialTokens::fim_suffix},
    {"tokenizer.ggml.middle_token_id", &SpecialTokens::fim_middle},
    {"tokenizer.ggml.bos_token_id", &SpecialTokens::bos},
    {"tokenizer.ggml.eos_token_id", &SpecialTokens::eos},
    {"tokenizer.ggml.eot_token_id", &SpecialTokens::eot},
    {"tokenizer.ggml.eom_token_id", &SpecialTokens::eom},
    {"tokenizer.ggml.unknown_token_id", &SpecialTokens::unk},
    {"tokenizer.ggml.seperator_token_id", &SpecialTokens::sep},
    {"tokenizer.ggml.padding_token_id", &SpecialTokens::pad},
    {"tokenizer.ggml.mask_token_id", &SpecialTokens::mask},
    {"tokenizer.ggml.fim_pre_token_id", &SpecialTokens::fim_prefix},
    {"tokenizer.ggml.fim_suf_token_id", &SpecialTokens::fim_suffix},
    {"tokenizer.ggml.fim_mid_token_id", &SpecialTokens::fim_middle},
    {"tokenizer.ggml.fim_pad_token_id", &SpecialTokens::fim_pad},
    {"tokenizer.ggml.fim_rep_token_id", &SpecialTokens::fim_repository},
    {"tokenizer.ggml.fim_sep_token_id", &SpecialTokens::fim_separator},
};

// A token that encode() is told to add, and where it comes from.
struct AddKey {
  const char* key;
  const char* id_key;
  bool SpecialTokens::*flag;
  TokenId SpecialTokens::*id;
};

constexpr AddKey kAddKeys[] = {
    {"tokenizer.ggml.add_bos_token", "tokenizer.ggml.bos_token_id", &SpecialTokens::add_bos,
     &SpecialTokens::bos},
    {"tokenizer.ggml.add_eos_token", "tokenizer.ggml.eos_token_id", &SpecialTokens::add_eos,
     &SpecialTokens::eos},
    {"tokenizer.ggml.add_sep_token", "tokenizer.ggml.seperator_token_id", &SpecialTokens::add_sep,
     &SpecialTokens::sep},
};

}  // namespace chasqui::text
