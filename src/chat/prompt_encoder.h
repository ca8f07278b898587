// A rendered prompt to token ids. Control tokens are taken from trusted parts only; between two of
// them the text of all parts is encoded as one piece, so that a border between our words and a
// user's changes no token. Immutable; any thread may call it.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "chat/chat_format.h"
#include "text/tokenizer.h"

namespace chasqui::chat {

class PromptEncoder {
 public:
  explicit PromptEncoder(std::shared_ptr<const text::Tokenizer> tokenizer);

  // The ids of `parts`. A BOS that the model's metadata asks for stands first exactly once,
  // whether or not the parts spell it. Never fails; O(length) but for the tokenizer's own cost.
  std::vector<text::TokenId> encode(std::span<const PromptPart> parts) const;

 private:
  // A token that a template may use as a marker. Control tokens always are; user-defined ones are
  // when they look like one ("<tool_call>", "[/INST]"): some files list ChatML's markers so.
  struct Marker {
    std::string_view text;  // into the vocabulary
    text::TokenId id = text::kNoToken;
    bool control = false;
  };

  // The longest marker that `text` starts with, or nullptr.
  const Marker* marker_at(std::string_view text) const;
  std::vector<const Marker*> markers_of(std::span<const PromptPart> parts) const;
  void add_trusted(std::string_view text, std::string& run, std::vector<text::TokenId>& out) const;
  void add_untrusted(std::string_view text, std::span<const Marker* const> used, std::string& run,
                     std::vector<text::TokenId>& out) const;
  // Encodes what `run` gathered, and empties it.
  void flush(std::string& run, std::vector<text::TokenId>& out) const;
  void put_one_bos(std::vector<text::TokenId>& ids) const;

  const std::shared_ptr<const text::Tokenizer> tokenizer_;
  std::unordered_map<std::string_view, Marker> markers_;
  // Lengths that the markers beginning with a byte have, longest first. Some vocabularies hold
  // thousands of markers but few lengths, so that finding one stays cheap for any text.
  std::array<std::vector<size_t>, 256> lengths_;
};

}  // namespace chasqui::chat
