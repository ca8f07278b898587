#include "engine/internal/stop_matcher.h"

#include <algorithm>

namespace chasqui::engine {

StopSet::StopSet(std::vector<std::string> stops) : stops_(std::move(stops)) {
  nodes_.emplace_back();
  for (size_t i = 0; i < stops_.size(); ++i) add(stops_[i], static_cast<int32_t>(i));
  link();
}

void StopSet::add(std::string_view stop, int32_t index) {
  int32_t node = kRoot;
  for (const char byte : stop) {
    int32_t following = child(node, byte);
    if (following == kNone) {
      following = static_cast<int32_t>(nodes_.size());
      auto& children = nodes_[static_cast<size_t>(node)].children;
      children.insert(std::ranges::upper_bound(children, std::pair(byte, following)),
                      {byte, following});
      nodes_.emplace_back().length = at(node).length + 1;
    }
    node = following;
  }
  // The same stop twice: the first stands for both.
  int32_t& match = nodes_[static_cast<size_t>(node)].match;
  if (match == kNone) match = index;
}

// Breadth first, so that the fallbacks of all shorter prefixes are known.
void StopSet::link() {
  std::vector<int32_t> order{kRoot};
  for (size_t i = 0; i < order.size(); ++i) {
    for (const auto& [byte, node] : at(order[i]).children) {
      Node& linked = nodes_[static_cast<size_t>(node)];
      linked.fallback = order[i] == kRoot ? kRoot : next(at(order[i]).fallback, byte);
      if (linked.match == kNone) linked.match = at(linked.fallback).match;
      order.push_back(node);
    }
  }
}

int32_t StopSet::child(int32_t node, char byte) const {
  const auto& children = at(node).children;
  const auto found = std::ranges::lower_bound(children, byte, {}, &std::pair<char, int32_t>::first);
  return found != children.end() && found->first == byte ? found->second : kNone;
}

int32_t StopSet::next(int32_t node, char byte) const {
  while (true) {
    const int32_t following = child(node, byte);
    if (following != kNone) return following;
    if (node == kRoot) return kRoot;
    node = at(node).fallback;
  }
}

void StopMatcher::push(std::string_view text, std::string& shown) {
  if (stopped_) return;
  if (stops_->empty()) {
    shown += text;
    return;
  }
  for (const char byte : text) {
    held_ += byte;
    if (read(byte)) return stop(shown);
  }
  const int64_t candidate = read_ - stops_->length(node_);
  show_until(best_ == StopSet::kNone ? candidate : std::min(candidate, best_begin_), shown);
}

bool StopMatcher::read(char byte) {
  node_ = stops_->next(node_, byte);
  ++read_;
  if (const int32_t match = stops_->match(node_); match != StopSet::kNone) {
    const int64_t begin = read_ - static_cast<int64_t>(stops_->stop(match).size());
    // Equal begin: this one ends later, so it is longer.
    if (best_ == StopSet::kNone || begin <= best_begin_) {
      best_ = match;
      best_begin_ = begin;
    }
  }
  if (best_ == StopSet::kNone) return false;
  // Whatever may still match begins at `candidate` or later.
  const int64_t candidate = read_ - stops_->length(node_);
  return candidate > best_begin_ || (candidate == best_begin_ && !stops_->extendable(node_));
}

void StopMatcher::finish(std::string& shown) {
  if (stopped_) return;
  if (best_ != StopSet::kNone) return stop(shown);
  show_until(read_, shown);
}

void StopMatcher::show_until(int64_t position, std::string& shown) {
  const int64_t held_begin = read_ - static_cast<int64_t>(held_.size() - head_);
  const auto count = static_cast<size_t>(position - held_begin);
  shown.append(held_, head_, count);
  head_ += count;
  // Dropped when it is most of the buffer: each byte moves at most once on average.
  if (head_ * 2 < held_.size()) return;
  held_.erase(0, head_);
  head_ = 0;
}

void StopMatcher::stop(std::string& shown) {
  show_until(best_begin_, shown);
  held_.clear();
  head_ = 0;
  stopped_ = true;
}

}  // namespace chasqui::engine
