// Finds the stop string that ends an answer, while the answer is still being written.
//
// What counts: the match that begins earliest in the text; of those that begin there, the
// longest. That is a property of the text alone, however it is cut into pieces, so streams and
// whole answers end alike. A match is therefore acted on only when no earlier or longer one can
// still come ("ab" waits for the next character when "abc" is a stop too). Text that may become
// part of a stop is held back; everything before it is shown at once.
//
// Aho and Corasick's automaton over bytes (CACM 18(6), 1975): time is linear in the text, whatever
// the stops. Stops must be valid UTF-8 and not empty; then no character of valid text is cut.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace chasqui::engine {

// The compiled stops of a request. Immutable; any thread.
class StopSet {
 public:
  explicit StopSet(std::vector<std::string> stops);

  bool empty() const { return stops_.empty(); }
  const std::string& stop(int32_t index) const { return stops_[static_cast<size_t>(index)]; }

  static constexpr int32_t kRoot = 0;
  static constexpr int32_t kNone = -1;
  // A node is a prefix of some stop: the longest one that the text read so far ends with.
  int32_t next(int32_t node, char byte) const;
  int64_t length(int32_t node) const { return at(node).length; }
  bool extendable(int32_t node) const { return !at(node).children.empty(); }
  // Longest stop that the node ends with, or kNone.
  int32_t match(int32_t node) const { return at(node).match; }

 private:
  struct Node {
    std::vector<std::pair<char, int32_t>> children;  // sorted by byte once built
    int32_t fallback = kRoot;  // node of the longest proper suffix that is one
    int32_t match = kNone;
    int64_t length = 0;
  };
  const Node& at(int32_t node) const { return nodes_[static_cast<size_t>(node)]; }
  int32_t child(int32_t node, char byte) const;
  void add(std::string_view stop, int32_t index);
  void link();

  std::vector<std::string> stops_;
  std::vector<Node> nodes_;
};

// The cursor of one answer. Not thread-safe.
class StopMatcher {
 public:
  explicit StopMatcher(std::shared_ptr<const StopSet> stops) : stops_(std::move(stops)) {}

  // Reads more text and appends to `shown` what can no longer become part of a stop. After a stop
  // was found further text is ignored.
  void push(std::string_view text, std::string& shown);

  // The text ends here: decides about what was held back.
  void finish(std::string& shown);

  bool stopped() const { return stopped_; }
  const std::string& stop_text() const { return stops_->stop(best_); }  // REQUIRES: stopped()
  bool holds_text() const { return head_ < held_.size(); }

 private:
  bool read(char byte);  // true when the match in best_ is final
  void show_until(int64_t position, std::string& shown);
  void stop(std::string& shown);

  std::shared_ptr<const StopSet> stops_;
  int32_t node_ = StopSet::kRoot;
  int64_t read_ = 0;  // bytes read
  std::string held_;  // from head_ on: the last held_.size() - head_ bytes read, not yet shown
  size_t head_ = 0;
  int32_t best_ = StopSet::kNone;  // best match so far
  int64_t best_begin_ = 0;
  bool stopped_ = false;
};

}  // namespace chasqui::engine
