// About how much memory schemas take, with what their containers have on the heap.
#include "grammar/internal/schema_closure.h"

namespace chasqui::grammar {
namespace {

template <typename Value>
size_t bytes_of(const std::vector<Value>& values) {
  return values.capacity() * sizeof(Value);
}

size_t bytes_of(const std::string& text) {
  constexpr size_t kInside = 15;  // of the object
  return text.capacity() > kInside ? text.capacity() + 1 : 0;
}

size_t bytes_of(const std::vector<std::string>& texts) {
  size_t bytes = texts.capacity() * sizeof(std::string);
  for (const std::string& text : texts) bytes += bytes_of(text);
  return bytes;
}

template <typename Value>
size_t bytes_of(const std::vector<std::vector<Value>>& lists) {
  size_t bytes = lists.capacity() * sizeof(lists[0]);
  for (const auto& list : lists) bytes += bytes_of(list);
  return bytes;
}

template <typename Value>
size_t bytes_of(const std::vector<std::pair<std::string, Value>>& members) {
  size_t bytes = members.capacity() * sizeof(members[0]);
  for (const auto& [name, value] : members) bytes += bytes_of(name);
  return bytes;
}

size_t bytes_of(const ObjectRules& rules) {
  size_t bytes = bytes_of(rules.properties) + bytes_of(rules.patterns) + bytes_of(rules.required) +
                 bytes_of(rules.needs);
  for (const auto& [name, needed] : rules.needs) bytes += bytes_of(needed);
  return bytes;
}

size_t bytes_of(const SchemaNode& node) {
  size_t bytes = bytes_of(node.all_of) + bytes_of(node.any_of) + bytes_of(node.one_of) +
                 bytes_of(node.when_present);
  if (node.object) bytes += bytes_of(*node.object);
  if (node.array) bytes += bytes_of(node.array->prefix);
  return bytes;
}

}  // namespace

size_t SchemaGraph::bytes_held() const {
  size_t bytes = bytes_of(nodes) + bytes_of(order) + bytes_of(texts);
  for (const SchemaNode& node : nodes) bytes += bytes_of(node);
  return bytes;
}

size_t Closure::bytes_held() const {
  constexpr size_t kSlotBytes = 48;  // of a node of the hash table
  size_t bytes = sizeof(Closure) + bytes_of(nodes) + slots.size() * kSlotBytes +
                 bytes_of(root_slots) + bytes_of(keys) + bytes_of(key_plans) + bytes_of(key_exprs) +
                 bytes_of(required);
  for (const MemberPlan& plan : key_plans) bytes += bytes_of(plan.wants) + bytes_of(plan.fails);
  return bytes;
}

}  // namespace chasqui::grammar
