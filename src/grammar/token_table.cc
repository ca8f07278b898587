#include "grammar/token_table.h"

#include <algorithm>

#include "base/check.h"
#include "grammar/internal/json_string.h"
#include "grammar/internal/token_literal.h"
#include "text/vocab.h"

namespace chasqui::grammar {
namespace {

constexpr size_t kMaxPiece = 4096;  // bytes; longer tokens take no part

// What a token is to a JSON string that it is put into.
struct StringRole {
  bool fits = false;              // until it closes the string, or to its end
  std::optional<size_t> close;    // index behind the quote
  std::optional<uint32_t> plain;  // its characters, when it is plain text
};

uint32_t last_code_point(std::string_view text) {
  const auto lead = static_cast<uint8_t>(text.front());
  uint32_t code = text.size() == 1 ? lead : lead & (0x7Fu >> text.size());
  for (const char byte : text.substr(1)) code = code << 6 | (static_cast<uint8_t>(byte) & 63);
  return code;
}

StringRole role_of(std::string_view piece) {
  StringRole role;
  StringPlace place;
  std::string text;
  bool is_plain_so_far = true;
  uint32_t chars = 0;
  for (size_t i = 0; i < piece.size(); ++i) {
    const auto byte = static_cast<uint8_t>(piece[i]);
    const StringEvent event = read_string_byte(place, byte, text);
    if (event == StringEvent::kError) return {};
    if (event == StringEvent::kClosed) {
      role.fits = true;
      role.close = i + 1;
      return role;
    }
    if (event == StringEvent::kNone) is_plain_so_far = false;
    if (!is_plain_so_far || !place.is_plain()) continue;
    is_plain_so_far = is_plain(last_code_point(text));
    text.clear();
    ++chars;
  }
  role.fits = true;
  if (is_plain_so_far && place.is_plain()) role.plain = chars;
  return role;
}

}  // namespace

TokenTrie TokenTrie::build(std::vector<Entry> entries) {
  std::ranges::sort(entries);
  TokenTrie trie;
  std::vector<uint32_t> open;  // nodes on the path to the last entry
  const auto close_to = [&](size_t depth) {
    for (; open.size() > depth; open.pop_back()) {
      trie.nodes[open.back()].skip = static_cast<uint32_t>(trie.nodes.size());
    }
  };
  std::string_view previous;
  for (const auto& [bytes, token] : entries) {
    if (bytes.empty()) {
      trie.empty.push_back(token);
      continue;
    }
    const auto differ = std::ranges::mismatch(previous, bytes);
    const auto common = static_cast<size_t>(differ.in1 - previous.begin());
    close_to(common);
    const auto end = static_cast<uint32_t>(trie.tokens.size());
    for (size_t i = common; i < bytes.size(); ++i) {
      open.push_back(static_cast<uint32_t>(trie.nodes.size()));
      trie.nodes.push_back(
          {static_cast<uint8_t>(bytes[i]), static_cast<uint16_t>(i + 1), 0, end, end});
    }
    trie.tokens.push_back(token);
    trie.nodes[open.back()].last_token = end + 1;
    trie.depth = std::max(trie.depth, bytes.size());
    previous = bytes;
  }
  close_to(0);
  return trie;
}

namespace {

bool stands_in(std::string_view text, char open, char close) {
  return text.size() > 2 && text.starts_with(open) && text.ends_with(close);
}

}  // namespace

std::shared_ptr<const TokenTable> TokenTable::build(const text::Tokenizer& tokenizer) {
  const text::Vocab& vocab = tokenizer.vocab();
  std::vector<std::string> pieces(static_cast<size_t>(vocab.size()));
  std::vector<int32_t> ends;
  Names names, marks;
  for (int32_t id = 0; id < vocab.size(); ++id) {
    const std::string spelling(tokenizer.piece(id, true));
    const text::TokenKind kind = vocab.kind(id);
    const bool in_angles = spelling.starts_with('<') && spelling.ends_with('>');
    if (in_angles) names.emplace(spelling, id);
    const bool is_bracketed = stands_in(spelling, '<', '>') || stands_in(spelling, '[', ']');
    const bool is_control = kind == text::TokenKind::kControl && !spelling.empty();
    if (is_control || (kind == text::TokenKind::kUserDefined && is_bracketed)) {
      marks.emplace(spelling, id);
    }
    if (vocab.is_end_of_generation(id)) {
      ends.push_back(id);
      continue;
    }
    const bool takes_part = kind == text::TokenKind::kNormal || kind == text::TokenKind::kByte ||
                            kind == text::TokenKind::kUserDefined;
    if (takes_part) pieces[static_cast<size_t>(id)] = tokenizer.piece(id, false);
  }
  return build(std::move(pieces), std::move(ends), std::move(names), std::move(marks));
}

std::shared_ptr<const TokenTable> TokenTable::build(std::vector<std::string> pieces,
                                                    std::vector<int32_t> ends, Names names,
                                                    Names marks) {
  std::shared_ptr<TokenTable> table(new TokenTable());
  table->pieces_ = std::move(pieces);
  table->names_ = std::move(names);
  table->marks_ = std::move(marks);
  table->ends_ = TokenMask(table->size());
  for (const int32_t id : ends) {
    table->ends_.add(id);
    table->pieces_[static_cast<size_t>(id)].clear();
  }
  for (std::string& piece : table->pieces_) {
    // No text has the byte kTokenMark, and a machine must not take it for a token's literal.
    const bool takes_part = piece.size() <= kMaxPiece && piece.find(kTokenMark) == piece.npos;
    if (!takes_part) piece.clear();
  }
  table->sort_out();
  return table;
}

void TokenTable::sort_out() {
  in_string_ = TokenMask(size());
  plain_.assign(kPlainMasks + 1, TokenMask(size()));
  std::vector<TokenTrie::Entry> all;
  std::vector<TokenTrie::Entry> not_plain;
  std::vector<TokenTrie::Entry> rests;
  std::vector<TokenTrie::Entry> closing;
  for (int32_t id = 0; id < size(); ++id) {
    const std::string_view bytes = piece(id);
    if (bytes.empty()) continue;
    all.emplace_back(bytes, id);
    const StringRole role = role_of(bytes);
    if (role.plain) {
      longest_plain_ = std::max(longest_plain_, *role.plain);
      for (uint32_t n = std::min(*role.plain, kPlainMasks); n <= kPlainMasks; ++n) {
        const bool fits = n == kPlainMasks || n >= *role.plain;
        if (fits) plain_[n].add(id);
      }
    } else {
      not_plain.emplace_back(bytes, id);
    }
    if (role.close) {
      rests.emplace_back(bytes.substr(*role.close), id);
      closing.emplace_back(bytes, id);
    } else if (role.fits) {
      in_string_.add(id);
    }
  }
  all_ = TokenTrie::build(std::move(all));
  not_plain_ = TokenTrie::build(std::move(not_plain));
  closing_rests_ = TokenTrie::build(std::move(rests));
  closing_ = TokenTrie::build(std::move(closing));
}

std::optional<int32_t> TokenTable::named(const std::string& spelling) const {
  const auto place = names_.find(spelling);
  if (place == names_.end()) return std::nullopt;
  return place->second;
}

const TokenMask& TokenTable::plain(uint32_t chars) const {
  CHASQUI_CHECK(chars < kPlainMasks || chars >= longest_plain_, "no mask of that length is kept");
  return plain_[std::min(chars, kPlainMasks)];
}

std::optional<std::vector<int32_t>> TokenTable::split(std::string_view text) const {
  std::vector<int32_t> tokens;
  while (!text.empty()) {
    size_t taken = 0;
    size_t matched = 0;  // bytes of the path so far
    for (size_t i = 0; i < all_.nodes.size();) {
      const TokenTrie::Node& node = all_.nodes[i];
      if (node.depth != matched + 1) break;  // came out of the path
      if (matched >= text.size() || node.byte != static_cast<uint8_t>(text[matched])) {
        i = node.skip;
        continue;
      }
      ++matched;
      if (node.first_token < node.last_token) {
        if (taken > 0) tokens.pop_back();
        tokens.push_back(all_.tokens[node.first_token]);
        taken = matched;
      }
      ++i;
    }
    if (taken == 0) return std::nullopt;
    text.remove_prefix(taken);
  }
  return tokens;
}

}  // namespace chasqui::grammar
