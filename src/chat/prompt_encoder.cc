#include "chat/prompt_encoder.h"

#include <algorithm>
#include <functional>
#include <string>

namespace chasqui::chat {
namespace {

size_t first_byte(std::string_view text) {
  return static_cast<unsigned char>(text.front());
}

// Long enough to be meant, and closed like a tag. Runs of spaces or newlines, which some
// vocabularies also list as user-defined, are not markers.
bool looks_like_marker(std::string_view text) {
  return text.size() >= 3 && (text.back() == '>' || text.back() == ']');
}

}  // namespace

PromptEncoder::PromptEncoder(std::shared_ptr<const text::Tokenizer> tokenizer)
    : tokenizer_(std::move(tokenizer)) {
  const text::Vocab& vocab = tokenizer_->vocab();
  for (text::TokenId id = 0; id < vocab.size(); ++id) {
    const std::string_view text = vocab.text(id);
    const bool control = vocab.kind(id) == text::TokenKind::kControl;
    const bool user_defined = vocab.kind(id) == text::TokenKind::kUserDefined;
    if (text.empty() || !(control || (user_defined && looks_like_marker(text)))) continue;
    markers_.emplace(text, Marker{text, id, control});
    std::vector<size_t>& lengths = lengths_[first_byte(text)];
    if (std::find(lengths.begin(), lengths.end(), text.size()) == lengths.end()) {
      lengths.push_back(text.size());
    }
  }
  for (std::vector<size_t>& lengths : lengths_) {
    std::sort(lengths.begin(), lengths.end(), std::greater<>());
  }
}

std::vector<text::TokenId> PromptEncoder::encode(std::span<const PromptPart> parts) const {
  const std::vector<const Marker*> used = markers_of(parts);
  std::vector<text::TokenId> ids;
  std::string run;
  for (const PromptPart& part : parts) {
    if (part.trusted) {
      add_trusted(part.text, run, ids);
    } else {
      add_untrusted(part.text, used, run, ids);
    }
  }
  flush(run, ids);
  put_one_bos(ids);
  return ids;
}

const PromptEncoder::Marker* PromptEncoder::marker_at(std::string_view text) const {
  for (const size_t length : lengths_[first_byte(text)]) {
    if (length > text.size()) continue;
    const auto found = markers_.find(text.substr(0, length));
    if (found != markers_.end()) return &found->second;
  }
  return nullptr;
}

// The user-defined markers that the trusted parts speak with. Control tokens need no such care:
// the tokenizer never sees them in plain text.
std::vector<const PromptEncoder::Marker*> PromptEncoder::markers_of(
    std::span<const PromptPart> parts) const {
  std::vector<const Marker*> used;
  const bool all_trusted =
      std::all_of(parts.begin(), parts.end(), [](const PromptPart& part) { return part.trusted; });
  if (all_trusted) return used;
  for (const PromptPart& part : parts) {
    if (!part.trusted) continue;
    for (size_t at = 0; at < part.text.size(); ++at) {
      const Marker* marker = marker_at(std::string_view(part.text).substr(at));
      if (marker == nullptr) continue;
      at += marker->text.size() - 1;
      if (!marker->control && std::find(used.begin(), used.end(), marker) == used.end()) {
        used.push_back(marker);
      }
    }
  }
  return used;
}

void PromptEncoder::add_trusted(std::string_view text, std::string& run,
                                std::vector<text::TokenId>& out) const {
  size_t plain = 0;  // text[plain, at) belongs to the run
  for (size_t at = 0; at < text.size();) {
    const Marker* marker = marker_at(text.substr(at));
    if (marker == nullptr || !marker->control) {
      ++at;  // the tokenizer itself finds user-defined tokens
      continue;
    }
    run += text.substr(plain, at - plain);
    flush(run, out);
    out.push_back(marker->id);
    plain = at += marker->text.size();
  }
  run += text.substr(plain);
}

// A user who spells a user-defined marker of this prompt gets it encoded in two pieces, so that
// the tokenizer does not see it whole.
void PromptEncoder::add_untrusted(std::string_view text, std::span<const Marker* const> used,
                                  std::string& run, std::vector<text::TokenId>& out) const {
  size_t plain = 0;
  for (size_t at = 0; at < text.size() && !used.empty(); ++at) {
    const bool spelled = std::any_of(used.begin(), used.end(), [&](const Marker* marker) {
      return text.substr(at).starts_with(marker->text);
    });
    if (!spelled) continue;
    run += text.substr(plain, at + 1 - plain);
    flush(run, out);
    plain = at + 1;
  }
  run += text.substr(plain);
}

void PromptEncoder::flush(std::string& run, std::vector<text::TokenId>& out) const {
  if (run.empty()) return;
  const std::vector<text::TokenId> ids =
      tokenizer_->encode(run, {.add_special = false, .parse_special = false});
  out.insert(out.end(), ids.begin(), ids.end());
  run.clear();
}

void PromptEncoder::put_one_bos(std::vector<text::TokenId>& ids) const {
  const text::SpecialTokens& special = tokenizer_->vocab().special();
  if (special.bos == text::kNoToken) return;
  if (special.add_bos && (ids.empty() || ids.front() != special.bos)) {
    ids.insert(ids.begin(), special.bos);
  }
  if (ids.size() > 1 && ids[0] == special.bos && ids[1] == special.bos) ids.erase(ids.begin());
}

}  // namespace chasqui::chat
