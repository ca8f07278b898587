#include "grammar/internal/expr_pool.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <array>

#include "grammar/grammar.h"
#include "grammar/internal/token_literal.h"
#include "grammar/internal/utf8_ranges.h"
#include "grammar/internal/words.h"

namespace chasqui::grammar {
namespace {

// Nodes beyond which a pool refuses to grow: some 60 MB. Real schemas stay below 20,000.
constexpr size_t kMaxNodes = 600'000;

// Bytes of their fields: alternatives of thousands of parts would make few nodes large.
constexpr size_t kMaxBytes = size_t{64} << 20;

// States that can_match() looks at before it gives up.
constexpr size_t kSearchStates = 1'000;
// Derivatives that all searches of a pool may try together: about a second of work.
constexpr size_t kSearchSteps = 1'000'000;

// Ranges of all classes of a pool together; \p{L} has 650.
constexpr size_t kMaxClassRanges = 1'000'000;

}  // namespace

ExprPool::ExprPool(Deadline deadline) : deadline_(deadline) {
  add(Kind::kNothing, {});
  add(Kind::kNoText, {});
  const CodeRange all = {0, 0x10FFFF};
  any_char_ = code_points({&all, 1});
  any_text_ = repeat(any_char_, 0, kUnbounded);
}

ExprId ExprPool::add(Kind kind, std::span<const uint32_t> fields) {
  const bool is_full = nodes_.size() >= kMaxNodes || interner_.bytes_held() > kMaxBytes;
  if (is_full || is_spent()) {
    exhausted_ = true;
    return kNever;
  }
  std::vector<uint32_t> key = {static_cast<uint32_t>(kind)};
  key.insert(key.end(), fields.begin(), fields.end());
  const Interner::Found found = interner_.put(key);
  if (found.is_new) {
    nodes_.push_back(describe(kind, fields));
    nodes_.back().classes = classes_for(kind, fields);
  }
  return found.id;
}

bool ExprPool::is_spent() {
  if (--until_clock_ > 0) return false;
  until_clock_ = 1'000;
  return std::chrono::steady_clock::now() > deadline_;
}

Status ExprPool::check_bounds() {
  if (is_spent()) exhausted_ = true;
  if (!exhausted_) return {};
  return fail(ErrorCode::kUnsupported,
              fmt::format("needs more memory than a grammar may have, or more than the {} s that "
                          "compiling may take for a request",
                          CompileLimits::kTime.count()));
}

BytePartitions::Id ExprPool::classes_for(Kind kind, std::span<const uint32_t> fields) {
  switch (kind) {
    case Kind::kNothing:
    case Kind::kNoText:
      return BytePartitions::kWhole;
    case Kind::kBytes: {
      ByteSet set;
      for (size_t i = 0; i < 4; ++i) {
        set.words[i] = fields[2 * i] | uint64_t{fields[2 * i + 1]} << 32;
      }
      return partitions_.of_set(set);
    }
    case Kind::kWords:
      return partitions_.of_words(tables_[fields[0]], {fields[1], fields[2]}, fields[3]);
    case Kind::kConcat: {
      const Node& head = nodes_[fields[0]];
      if (!head.nullable) return head.classes;
      return partitions_.refine(head.classes, nodes_[fields[1]].classes);
    }
    case Kind::kOr:
    case Kind::kAnd: {
      BytePartitions::Id all = BytePartitions::kWhole;
      for (const ExprId part : fields) all = partitions_.refine(all, nodes_[part].classes);
      return all;
    }
    case Kind::kNot:
    case Kind::kRepeat:
      return nodes_[fields[0]].classes;
  }
  return BytePartitions::kEachByte;
}

ExprPool::Node ExprPool::describe(Kind kind, std::span<const uint32_t> fields) const {
  const auto is_nullable = [this](ExprId id) { return nodes_[id].nullable; };
  const auto is_simple = [this](ExprId id) { return nodes_[id].simple; };
  switch (kind) {
    case Kind::kNothing:
    case Kind::kBytes:
      return {kind, false, true};
    case Kind::kNoText:
      return {kind, true, true};
    case Kind::kWords:
      return {kind, tables_[fields[0]][fields[1]].size() == fields[3], true};
    case Kind::kConcat:
      return {kind, is_nullable(fields[0]) && is_nullable(fields[1]),
              is_simple(fields[0]) && is_simple(fields[1])};
    case Kind::kOr:
      return {kind, std::ranges::any_of(fields, is_nullable),
              std::ranges::all_of(fields, is_simple)};
    case Kind::kAnd:
      return {kind, std::ranges::all_of(fields, is_nullable), false};
    case Kind::kNot:
      return {kind, !is_nullable(fields[0]), false};
    case Kind::kRepeat:
      return {kind, fields[1] == 0, is_simple(fields[0])};
  }
  return {};
}

ExprId ExprPool::bytes(const ByteSet& set) {
  if (set.empty()) return kNever;
  std::array<uint32_t, 8> key = {};
  for (size_t i = 0; i < 4; ++i) {
    key[2 * i] = static_cast<uint32_t>(set.words[i]);
    key[2 * i + 1] = static_cast<uint32_t>(set.words[i] >> 32);
  }
  return add(Kind::kBytes, key);
}

ExprId ExprPool::words(std::vector<std::string> words) {
  std::ranges::sort(words);
  words.erase(std::unique(words.begin(), words.end()), words.end());
  if (words.empty()) return kNever;
  // A table that is there already is used again, or equal words would be different nodes.
  for (uint32_t table = 0; words.size() == 1 && table < std::min<size_t>(tables_.size(), 256);
       ++table) {
    if (tables_[table] == words) return words_node(table, 0, 1, 0);
  }
  const auto count = static_cast<uint32_t>(words.size());
  tables_.push_back(std::move(words));
  return words_node(static_cast<uint32_t>(tables_.size() - 1), 0, count, 0);
}

ExprId ExprPool::words_node(uint32_t table, uint32_t first, uint32_t last, uint32_t depth) {
  if (first == last) return kNever;
  if (last - first == 1 && tables_[table][first].size() == depth) return kEmpty;
  const std::array<uint32_t, 4> key = {table, first, last, depth};
  return add(Kind::kWords, key);
}

ExprId ExprPool::token(int32_t token) {
  ExprId all = kEmpty;
  const auto literal = token_literal(token);
  for (size_t i = literal.size(); i-- > 0;) {
    ByteSet one;
    one.add(literal[i]);
    all = concat(bytes(one), all);
  }
  return all;
}

// Behind the mark: the numbers that differ in the last byte, in the one before it, in the first.
ExprId ExprPool::other_token(int32_t token) {
  ByteSet any;
  any.add_range(0, 255);
  const auto literal = token_literal(token);
  ExprId others = kNever;
  ExprId rest = kEmpty;  // any bytes that may follow
  for (size_t i = literal.size(); i-- > 0;) {
    ByteSet one;
    one.add(literal[i]);
    if (i == 0) return concat(bytes(one), others);
    ByteSet but;
    for (unsigned byte = 0; byte < 256; ++byte) {
      if (byte != literal[i]) but.add(static_cast<uint8_t>(byte));
    }
    others = any_of({concat(bytes(but), rest), concat(bytes(one), others)});
    rest = concat(bytes(any), rest);
  }
  return kNever;
}

ExprId ExprPool::code_points(std::span<const CodeRange> ranges) {
  class_ranges_ += ranges.size();
  if (class_ranges_ > kMaxClassRanges) {
    exhausted_ = true;
    return kNever;
  }
  std::vector<uint32_t> key;
  for (const CodeRange& range : join_ranges(ranges)) {
    key.insert(key.end(), {range.first, range.last});
  }
  if (const auto known = classes_.find(key); known != classes_.end()) return known->second;
  // Lead bytes with the same continuation share one node.
  std::map<ExprId, ByteSet> by_tail;
  for (const Utf8Sequence& sequence : split_utf8(ranges)) {
    ExprId tail = kEmpty;
    for (int i = sequence.length - 1; i > 0; --i) {
      ByteSet set;
      set.add_range(sequence.bytes[i].first, sequence.bytes[i].last);
      tail = concat(bytes(set), tail);
    }
    by_tail[tail].add_range(sequence.bytes[0].first, sequence.bytes[0].last);
  }
  std::vector<ExprId> parts;
  for (const auto& [tail, lead] : by_tail) parts.push_back(concat(bytes(lead), tail));
  const ExprId id = any_of(std::move(parts));
  if (covers_plain_text(ranges)) covers_plain_[id] = true;
  classes_.emplace(std::move(key), id);
  return id;
}

std::vector<CodeRange> ExprPool::unicode_category(std::string_view name) {
  if (categories_.empty()) {
    for (uint32_t code = 0; code <= 0x10FFFF; ++code) {
      const auto is = static_cast<size_t>(utf8proc_category(static_cast<utf8proc_int32_t>(code)));
      if (is >= categories_.size()) categories_.resize(is + 1);
      std::vector<CodeRange>& ranges = categories_[is];
      if (!ranges.empty() && ranges.back().last + 1 == code) {
        ranges.back().last = code;
      } else {
        ranges.push_back({code, code});
      }
    }
  }
  std::vector<CodeRange> all;
  for (const std::vector<CodeRange>& ranges : categories_) {
    if (ranges.empty() || name.empty()) continue;
    const auto example = static_cast<utf8proc_int32_t>(ranges.front().first);
    if (!std::string_view(utf8proc_category_string(example)).starts_with(name)) continue;
    all.insert(all.end(), ranges.begin(), ranges.end());
  }
  return join_ranges(all);
}

ExprId ExprPool::concat(ExprId first, ExprId second) {
  if (first == kNever || second == kNever) return kNever;
  if (first == kEmpty) return second;
  if (second == kEmpty) return first;
  // Chains lean to the right, so that equal sequences are equal nodes. The left part's own chain
  // is short: it grows by what one derivative adds.
  std::vector<ExprId> chain;
  while (nodes_[first].kind == Kind::kConcat) {
    chain.push_back(fields(first)[0]);
    first = fields(first)[1];
  }
  std::array<uint32_t, 2> key = {first, second};
  ExprId id = add(Kind::kConcat, key);
  for (; !chain.empty(); chain.pop_back()) {
    key = {chain.back(), id};
    id = add(Kind::kConcat, key);
  }
  return id;
}

// Replaces parts of the same kind by their own parts; sorts and removes doubles.
void ExprPool::flatten(Kind kind, std::vector<ExprId>& parts) const {
  std::vector<ExprId> flat;
  for (const ExprId part : parts) {
    if (nodes_[part].kind != kind) {
      flat.push_back(part);
      continue;
    }
    const std::span<const uint32_t> inner = fields(part);
    flat.insert(flat.end(), inner.begin(), inner.end());
  }
  std::ranges::sort(flat);
  flat.erase(std::unique(flat.begin(), flat.end()), flat.end());
  parts = std::move(flat);
}

ExprId ExprPool::any_of(std::vector<ExprId> parts) {
  flatten(Kind::kOr, parts);
  std::erase(parts, kNever);
  if (parts.empty()) return kNever;
  if (std::ranges::find(parts, any_text_) != parts.end() && any_text_ != kNever) {
    // Everything that matters here is UTF-8: any_text() absorbs the rest where it is simple.
    const auto plain = [this](ExprId id) { return nodes_[id].simple; };
    if (std::ranges::all_of(parts, plain)) return any_text_;
  }
  if (parts.size() > 1 && parts.front() == kEmpty) {
    const auto accepts = [this](ExprId id) { return id != kEmpty && nodes_[id].nullable; };
    if (std::ranges::any_of(parts, accepts)) parts.erase(parts.begin());
  }
  if (parts.size() == 1) return parts.front();
  return add(Kind::kOr, parts);
}

ExprId ExprPool::all_of(std::vector<ExprId> parts) {
  flatten(Kind::kAnd, parts);
  if (parts.size() > 1) std::erase(parts, any_text_);
  if (parts.empty()) return any_text_;
  if (parts.front() == kNever) return kNever;
  if (parts.front() == kEmpty) {
    const auto accepts = [this](ExprId id) { return nodes_[id].nullable; };
    return std::ranges::all_of(parts, accepts) ? kEmpty : kNever;
  }
  if (parts.size() == 1) return parts.front();
  return add(Kind::kAnd, parts);
}

ExprId ExprPool::negate(ExprId part) {
  if (nodes_[part].kind == Kind::kNot) return fields(part)[0];
  const std::array<uint32_t, 1> key = {part};
  return add(Kind::kNot, key);
}

ExprId ExprPool::repeat(ExprId part, uint32_t least, uint32_t most) {
  if (most == 0 || part == kEmpty) return kEmpty;
  if (part == kNever) return least == 0 ? kEmpty : kNever;
  if (nodes_[part].nullable) least = 0;  // empty turns fill up what is missing
  if (least == 1 && most == 1) return part;
  const std::array<uint32_t, 3> key = {part, least, most};
  return add(Kind::kRepeat, key);
}

ExprId ExprPool::derive(ExprId id, uint8_t byte) {
  if (id <= kEmpty) return kNever;
  const Kind kind = nodes_[id].kind;
  if (kind == Kind::kBytes) {
    const uint32_t word = fields(id)[byte >> 5];
    return (word >> (byte & 31)) & 1 ? kEmpty : kNever;
  }
  if (kind == Kind::kWords) return derive_words(id, byte);
  const uint64_t key = uint64_t{id} << 8 | partitions_.classes(nodes_[id].classes)[byte];
  if (const auto place = derived_.find(key); place != derived_.end()) return place->second;
  const ExprId result = compute(id, byte);
  derived_.emplace(key, result);
  return result;
}

ExprId ExprPool::derive(ExprId id, std::string_view text) {
  for (const char byte : text) id = derive(id, static_cast<uint8_t>(byte));
  return id;
}

ExprId ExprPool::compute(ExprId id, uint8_t byte) {
  switch (nodes_[id].kind) {
    case Kind::kConcat:
      return derive_concat(id, byte);
    case Kind::kOr:
    case Kind::kAnd:
      return derive_parts(id, byte);
    case Kind::kNot:
      return negate(derive(fields(id)[0], byte));
    case Kind::kRepeat: {
      const ExprId part = fields(id)[0];
      const uint32_t least = fields(id)[1];
      const uint32_t most = fields(id)[2];
      const ExprId begun = derive(part, byte);
      if (begun == kNever) return kNever;
      const ExprId rest =
          repeat(part, least > 0 ? least - 1 : 0, most == kUnbounded ? most : most - 1);
      return concat(begun, rest);
    }
    default:
      return kNever;
  }
}

ExprId ExprPool::derive_words(ExprId id, uint8_t byte) {
  const std::span<const uint32_t> key = fields(id);
  const uint32_t table = key[0];
  const uint32_t depth = key[3];
  const auto [first, last] = words_going_on(tables_[table], {key[1], key[2]}, depth, byte);
  return words_node(table, first, last, depth + 1);
}

ExprId ExprPool::derive_concat(ExprId id, uint8_t byte) {
  std::vector<ExprId> parts;
  while (true) {
    const bool is_chain = nodes_[id].kind == Kind::kConcat;
    const ExprId head = is_chain ? fields(id)[0] : id;
    const ExprId tail = is_chain ? fields(id)[1] : kEmpty;
    parts.push_back(concat(derive(head, byte), tail));
    if (!is_chain || !nodes_[head].nullable) break;
    id = tail;
  }
  return any_of(std::move(parts));
}

ExprId ExprPool::derive_parts(ExprId id, uint8_t byte) {
  const Kind kind = nodes_[id].kind;
  std::vector<ExprId> parts(fields(id).begin(), fields(id).end());
  for (ExprId& part : parts) {
    part = derive(part, byte);
    if (part == kNever && kind == Kind::kAnd) return kNever;
  }
  return kind == Kind::kOr ? any_of(std::move(parts)) : all_of(std::move(parts));
}

bool ExprPool::can_match(ExprId id) {
  if (nodes_[id].simple || nodes_[id].nullable) return id != kNever;
  if (const auto place = matches_.find(id); place != matches_.end()) return place->second;
  return search_match(id);
}

// Everything but some words: any text can still become a longer one.
bool ExprPool::can_match_whatever_comes(ExprId id) const {
  const auto lets_on = [this](ExprId part) {
    if (part == any_text_) return true;
    if (nodes_[part].kind != Kind::kNot) return false;
    const ExprId but = fields(part)[0];
    return but <= kEmpty || nodes_[but].kind == Kind::kWords;
  };
  if (nodes_[id].kind != Kind::kAnd) return lets_on(id);
  return std::ranges::all_of(fields(id), lets_on);
}

// Depth first: a path that ends in a match proves it for everything on the path.
bool ExprPool::search_match(ExprId start) {
  struct Step {
    ExprId id;
    unsigned next_byte;
    ByteSet tried;  // classes
  };
  std::vector<Step> path = {{start, 0, {}}};
  std::unordered_set<ExprId> seen = {start};
  while (!path.empty() && seen.size() < kSearchStates && searched_ < kSearchSteps) {
    if (path.back().next_byte > 255) {
      path.pop_back();
      continue;
    }
    // Letters and digits first: they are what most expressions ask for.
    const auto byte = static_cast<uint8_t>(path.back().next_byte++ + 'a');
    const uint8_t its_class = partitions_.classes(nodes_[path.back().id].classes)[byte];
    if (path.back().tried.has(its_class)) continue;
    path.back().tried.add(its_class);
    ++searched_;
    if (is_spent()) exhausted_ = true;
    if (exhausted_) return true;
    const ExprId next = derive(path.back().id, byte);
    if (next == kNever) continue;
    const auto known = matches_.find(next);
    const bool is_match =
        nodes_[next].nullable || nodes_[next].simple || (known != matches_.end() && known->second);
    if (is_match) {
      for (const Step& step : path) matches_[step.id] = true;
      return true;
    }
    if (known == matches_.end() && seen.insert(next).second) path.push_back({next, 0, {}});
  }
  if (!path.empty()) return matches_[start] = true;  // gave up
  for (const ExprId id : seen) matches_[id] = false;
  return false;
}

// Whether a repeated part takes any plain character: known of classes; of other parts, found by
// trying, with the continuations of longer characters compared as a whole.
bool ExprPool::covers_plain(ExprId id) {
  if (const auto place = covers_plain_.find(id); place != covers_plain_.end()) return place->second;
  bool covers = true;
  for (unsigned byte = 0x20; covers && byte < 0x7F; ++byte) {
    if (byte == '"' || byte == '\\') continue;
    covers = nullable(derive(id, static_cast<uint8_t>(byte)));
  }
  for (unsigned lead = 0xC2; covers && lead <= 0xF4; ++lead) {
    const ExprId rest = derive(any_char_, static_cast<uint8_t>(lead));
    covers = derive(id, static_cast<uint8_t>(lead)) == rest;
  }
  return covers_plain_[id] = covers;
}

ExprPool::PlainReach ExprPool::plain_reach(ExprId id, int depth) {
  if (depth == 0) return {};
  const std::vector<uint32_t> key(fields(id).begin(), fields(id).end());
  switch (nodes_[id].kind) {
    case Kind::kRepeat:
      if (!covers_plain(key[0])) return {};
      return {key[2], true};
    case Kind::kConcat:
      if (!nodes_[key[1]].simple) return {};
      return {plain_reach(key[0], depth - 1).chars, false};
    case Kind::kOr: {
      PlainReach best;
      for (size_t i = 0; i < std::min<size_t>(key.size(), 32); ++i) {
        best.chars = std::max(best.chars, plain_reach(key[i], depth - 1).chars);
      }
      return best;
    }
    default:
      return {};
  }
}

}  // namespace chasqui::grammar
