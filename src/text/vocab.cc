#include "text/vocab.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "text/internal/charsmap.h"
#include "text/internal/pre_tokenizer.h"
#include "text/internal/special_tokens.h"
#include "text/internal/vocab_tables.h"

namespace chasqui::text {
namespace {

constexpr const char* kTokensKey = "tokenizer.ggml.tokens";
constexpr const char* kScoresKey = "tokenizer.ggml.scores";
constexpr const char* kTypesKey = "tokenizer.ggml.token_type";
constexpr const char* kMergesKey = "tokenizer.ggml.merges";
constexpr const char* kCharsmapKey = "tokenizer.ggml.precompiled_charsmap";

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return out;
}

bool contains_any(std::string_view text, std::initializer_list<std::string_view> parts) {
  return std::any_of(parts.begin(), parts.end(), [&](std::string_view part) {
    return text.find(part) != std::string_view::npos;
  });
}

}  // namespace

// Fills a Vocab step by step; every step checks what it reads.
class VocabLoader {
 public:
  explicit VocabLoader(const gguf::File& file) : file_(file) {}

  Result<Vocab> load() {
    CHASQUI_TRY_STATUS(read_model());
    CHASQUI_TRY_STATUS(read_tokens());
    CHASQUI_TRY_STATUS(read_scores());
    CHASQUI_TRY_STATUS(read_types());
    if (vocab_.kind_ == VocabKind::kBpe) CHASQUI_TRY_STATUS(read_merges());
    CHASQUI_TRY_STATUS(read_special_ids());
    CHASQUI_TRY_STATUS(read_added_tokens());
    CHASQUI_TRY_STATUS(read_normalizer());
    vocab_.is_eog_.assign(vocab_.texts_.size(), false);
    SpecialDetection detection{[this](std::string_view text) { return vocab_.find(text); },
                               vocab_.special_, vocab_.kinds_, vocab_.is_eog_};
    detect_special_tokens(detection);
    return mark_stripping();
  }

 private:
  tl::unexpected<Error> corrupt(std::string_view key, const std::string& what) const {
    return fail(ErrorCode::kCorrupt, fmt::format("{}: '{}' {}", file_.path(), key, what));
  }

  size_t token_count() const { return vocab_.texts_.size(); }

  Status read_model() {
    CHASQUI_TRY(const auto model, file_.get_string("tokenizer.ggml.model"));
    if (!model) {
      return fail(ErrorCode::kNotFound,
                  fmt::format("{}: 'tokenizer.ggml.model' is missing: the file has no tokenizer",
                              file_.path()));
    }
    const auto* row =
        std::find_if(std::begin(kModels), std::end(kModels),
                     [&](const ModelRow& candidate) { return candidate.name == *model; });
    if (row == std::end(kModels)) {
      std::string known;
      for (const ModelRow& each : kModels) known += fmt::format(" {}", each.name);
      return fail(ErrorCode::kUnsupported,
                  fmt::format("{}: tokenizer model '{}' ('tokenizer.ggml.model') is not supported; "
                              "supported are:{}",
                              file_.path(), *model, known));
    }
    CHASQUI_TRY(const auto pre, file_.get_string("tokenizer.ggml.pre"));
    vocab_.kind_ = row->kind;
    vocab_.special_ = row->defaults;
    vocab_.pre_ = row->pre != nullptr ? row->pre : std::string(pre.value_or(""));
    if (vocab_.kind_ == VocabKind::kBpe) apply_pre_tokenizer();
    return {};
  }

  void apply_pre_tokenizer() {
    const PreTokenizerRow* row = find_pre_tokenizer(vocab_.pre_);
    if (vocab_.pre_.empty()) {
      spdlog::warn(
          "{}: 'tokenizer.ggml.pre' is missing; text is split by the default rules, which "
          "may differ from the model's",
          file_.path());
    } else if (row == nullptr) {
      spdlog::warn(
          "{}: unknown pre-tokeniser '{}' ('tokenizer.ggml.pre'); text is split by the "
          "default rules, which may differ from the model's",
          file_.path(), vocab_.pre_);
    }
    pre_flags_ = (row != nullptr ? *row : pre_tokenizer_rows().front()).flags;
    vocab_.special_.add_bos = pre_flags_.add_bos;
    vocab_.special_.add_sep = pre_flags_.add_sep;
    vocab_.special_.clean_spaces = pre_flags_.clean_spaces;
    if (pre_flags_.no_default_bos) vocab_.special_.bos = kNoToken;
  }

  // The array under `key`, nullptr when absent; an error when it is none or has another length.
  Result<const gguf::Value*> find_array(const char* key, std::optional<size_t> length) const {
    const gguf::Value* value = file_.find(key);
    if (value == nullptr) return nullptr;
    if (value->type() != gguf::ValueType::kArray) {
      return corrupt(key, fmt::format("is {}, not an array", value_type_name(value->type())));
    }
    if (length && value->array_size() != *length) {
      return corrupt(key, fmt::format("has {} entries, but '{}' has {}", value->array_size(),
                                      kTokensKey, *length));
    }
    return value;
  }

  Status read_tokens() {
    CHASQUI_TRY(const gguf::Value* tokens, find_array(kTokensKey, std::nullopt));
    if (tokens == nullptr) {
      return fail(
          ErrorCode::kNotFound,
          fmt::format("{}: '{}' is missing: the file has no vocabulary", file_.path(), kTokensKey));
    }
    const size_t count = tokens->array_size();
    if (count == 0 || count > static_cast<size_t>(std::numeric_limits<TokenId>::max())) {
      return corrupt(kTokensKey, fmt::format("has {} entries; expected 1 to {}", count,
                                             std::numeric_limits<TokenId>::max()));
    }
    vocab_.texts_.reserve(count);
    for (size_t i = 0; i < count; ++i) {
      const auto text = tokens->string_at(i);
      if (!text) return corrupt(kTokensKey, "is not an array of strings");
      // An empty text would match everywhere.
      vocab_.texts_.push_back(text->empty() ? fmt::format("[EMPTY_{}]", i) : std::string(*text));
      vocab_.longest_text_ = std::max(vocab_.longest_text_, vocab_.texts_.back().size());
    }
    index_tokens();
    return {};
  }

  void index_tokens() {
    vocab_.index_.reserve(token_count());
    size_t duplicates = 0;
    for (size_t i = 0; i < token_count(); ++i) {
      if (!vocab_.index_.emplace(vocab_.texts_[i], static_cast<TokenId>(i)).second) ++duplicates;
    }
    if (duplicates > 0) {
      spdlog::warn("{}: '{}' repeats {} texts; the first of each is used for encoding",
                   file_.path(), kTokensKey, duplicates);
    }
  }

  Status read_scores() {
    CHASQUI_TRY(const gguf::Value* scores, find_array(kScoresKey, token_count()));
    if (scores == nullptr) return {};
    vocab_.scores_.reserve(token_count());
    for (size_t i = 0; i < token_count(); ++i) {
      const auto score = scores->double_at(i);
      if (!score || std::isnan(*score)) {
        return corrupt(kScoresKey, fmt::format("holds no number at index {}", i));
      }
      vocab_.scores_.push_back(static_cast<float>(*score));
    }
    return {};
  }

  Status read_types() {
    vocab_.kinds_.assign(token_count(), TokenKind::kNormal);
    CHASQUI_TRY(const gguf::Value* types, find_array(kTypesKey, token_count()));
    if (types == nullptr) return {};
    for (size_t i = 0; i < token_count(); ++i) {
      const auto code = types->int_at(i);
      if (!code || *code < 0 || *code > static_cast<int64_t>(TokenKind::kByte)) {
        return corrupt(kTypesKey, fmt::format("holds no token type (0 to 6) at index {}", i));
      }
      // 0 is "undefined": such a token has no text, as an unused one.
      vocab_.kinds_[i] = *code == 0 ? TokenKind::kUnused : static_cast<TokenKind>(*code);
    }
    return {};
  }

  Status read_merges() {
    CHASQUI_TRY(const gguf::Value* merges, find_array(kMergesKey, std::nullopt));
    if (merges == nullptr) {
      return fail(ErrorCode::kNotFound,
                  fmt::format("{}: '{}' is missing, which a byte-level BPE vocabulary needs",
                              file_.path(), kMergesKey));
    }
    const size_t count = merges->array_size();
    std::vector<std::pair<size_t, size_t>> cuts;  // where each merge starts and its space stands
    cuts.reserve(count);
    for (size_t i = 0; i < count; ++i) {
      const auto merge = merges->string_at(i);
      // The left side may itself start with a space, so the search starts behind its first byte.
      const size_t space = merge ? merge->find(' ', 1) : std::string_view::npos;
      if (space == std::string_view::npos || space + 1 == merge->size()) {
        return corrupt(kMergesKey,
                       fmt::format("holds no pair of texts with a space between at index {}", i));
      }
      cuts.emplace_back(vocab_.merge_text_.size(), vocab_.merge_text_.size() + space);
      vocab_.merge_text_.insert(vocab_.merge_text_.end(), merge->begin(), merge->end());
    }
    vocab_.merges_.reserve(count);
    const std::string_view all(vocab_.merge_text_.data(), vocab_.merge_text_.size());
    for (size_t i = 0; i < count; ++i) {
      const auto [begin, space] = cuts[i];
      const size_t end = i + 1 < count ? cuts[i + 1].first : all.size();
      vocab_.merges_.emplace_back(all.substr(begin, space - begin),
                                  all.substr(space + 1, end - space - 1));
    }
    return {};
  }

  Status read_special_ids() {
    const auto limit = static_cast<int64_t>(token_count());
    for (const IdKey& row : kIdKeys) {
      TokenId& id = vocab_.special_.*row.id;
      if (id >= limit) id = kNoToken;  // a default that this vocabulary is too small for
      const gguf::Value* value = file_.find(row.key);
      if (value == nullptr) continue;
      const auto given = value->as_int();
      // Converters write "none" as -1, in 32 bits with or without sign.
      if (given && (*given == -1 || *given == std::numeric_limits<uint32_t>::max())) {
        id = kNoToken;
        continue;
      }
      if (!given) {
        return corrupt(row.key, fmt::format("is {}; expected a token id from 0 to {}",
                                            value_type_name(value->type()), limit - 1));
      }
      if (*given >= 0 && *given < limit) {
        id = static_cast<TokenId>(*given);
        continue;
      }
      // Published files have such ids; the models run without them.
      spdlog::warn("{}: '{}' is {}; expected a token id from 0 to {}; {} is used", file_.path(),
                   row.key, *given, limit - 1, id == kNoToken ? "none" : std::to_string(id));
    }
    return {};
  }

  Status read_added_tokens() {
    SpecialTokens& special = vocab_.special_;
    for (const AddKey& row : kAddKeys) {
      CHASQUI_TRY(const auto given, file_.get_bool(row.key));
      if (given) special.*row.flag = *given;
      if (!(special.*row.flag) || special.*row.id != kNoToken) continue;
      if (given)
        return corrupt(row.key, fmt::format("is true, but '{}' names no token", row.id_key));
      special.*row.flag = false;
    }
    if (pre_flags_.needs_bos && special.bos != kNoToken) special.add_bos = true;

    CHASQUI_TRY(const auto space, file_.get_bool("tokenizer.ggml.add_space_prefix"));
    if (space) special.add_space_prefix = *space;
    return {};
  }

  Status read_normalizer() {
    CHASQUI_TRY(const auto lowercase, file_.get_bool("tokenizer.ggml.normalizer.lowercase"));
    vocab_.lowercase_ = lowercase.value_or(vocab_.kind_ == VocabKind::kWordPiece);
    CHASQUI_TRY(const auto strip, file_.get_bool("tokenizer.ggml.normalizer.strip_accents"));
    vocab_.strip_accents_ = strip.value_or(vocab_.lowercase_);
    CHASQUI_TRY(const auto merges, file_.get_bool("tokenizer.ggml.remove_extra_whitespaces"));
    vocab_.merges_spaces_ = merges.value_or(false);
    return vocab_.kind_ == VocabKind::kUnigram ? read_charsmap() : Status();
  }

  Status read_charsmap() {
    CHASQUI_TRY(const gguf::Value* value, find_array(kCharsmapKey, std::nullopt));
    if (value == nullptr) return {};
    const gguf::ValueType type = value->element_type();
    if (type != gguf::ValueType::kInt8 && type != gguf::ValueType::kUint8) {
      return corrupt(kCharsmapKey,
                     fmt::format("is an array of {}; expected bytes", value_type_name(type)));
    }
    auto charsmap = Charsmap::read(value->raw());
    if (!charsmap) return corrupt(kCharsmapKey, charsmap.error().message);
    vocab_.charsmap_ = std::make_shared<const Charsmap>(std::move(*charsmap));
    return {};
  }

  void set_strip(std::string_view text, uint8_t side, bool on) {
    const auto id = vocab_.find(text);
    if (!id) return;
    uint8_t& strip = vocab_.strips_[static_cast<size_t>(*id)];
    strip = static_cast<uint8_t>(on ? strip | side : strip & ~side);
  }

  // Files do not say which special tokens swallow white space; the model's name does.
  Result<Vocab> mark_stripping() {
    CHASQUI_TRY(const auto given_name, file_.get_string("general.name"));
    CHASQUI_TRY(const auto arch, file_.get_string("general.architecture"));
    const std::string name = lower_case(given_name.value_or(""));
    vocab_.strips_.assign(token_count(), 0);
    if (contains_any(vocab_.pre_, {"jina-v2-de", "jina-v2-es", "jina-v2-code"}) ||
        contains_any(arch.value_or(""), {"nomic-bert-moe", "jina-bert-v3"})) {
      set_strip("<mask>", Vocab::kStripLeft, true);
    } else if (contains_any(name, {"phi-3", "phi3"})) {
      for (size_t i = 0; i < token_count(); ++i) {
        const TokenKind kind = vocab_.kinds_[i];
        const bool special = kind == TokenKind::kControl || kind == TokenKind::kUserDefined ||
                             kind == TokenKind::kUnknown;
        if (special) vocab_.strips_[i] = Vocab::kStripRight;
      }
      for (const char* text : {"<unk>", "<s>", "<|endoftext|>"}) {
        set_strip(text, Vocab::kStripRight, false);
      }
    } else if (contains_any(name, {"modern-bert"})) {
      set_strip("[MASK]", Vocab::kStripLeft, true);
    } else {
      vocab_.strips_.clear();
    }
    return std::move(vocab_);
  }

  const gguf::File& file_;
  Vocab vocab_;
  PreTokenizerFlags pre_flags_;
};

Result<Vocab> Vocab::load(const gguf::File& file) {
  return VocabLoader(file).load();
}

std::optional<TokenId> Vocab::find(std::string_view text) const {
  const auto found = index_.find(text);
  if (found == index_.end()) return std::nullopt;
  return found->second;
}

}  // namespace chasqui::text
