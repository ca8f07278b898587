// What a template computes with: Python's None, bool, int, float, str, list, tuple and dict, and
// Jinja's undefined. Values are immutable, apart from the objects of a render (namespaces, loops,
// macros), which never leave it; copying one copies a pointer, and any thread may read one.
//
// Strings know who wrote each byte (text.h); numbers know whether a caller gave them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "jinja/text.h"

namespace chasqui::jinja {

class Dict;
class Object;  // internal/object.h
class Value;

// The sequences of Python that a template can tell apart.
enum class ListKind : uint8_t { kList, kTuple, kRange, kKeys, kValues, kItems };

// The order of the alternatives of Value's storage.
enum class Kind : uint8_t {
  kUndefined,
  kNone,
  kBool,
  kInt,
  kFloat,
  kString,
  kList,
  kDict,
  kObject,
};

// Who wrote a value that a caller passes in.
enum class Origin : bool { kCaller = false, kTemplate = true };

struct String {
  Text text;
  bool markup = false;  // made by |safe or |escape: adding other text to it escapes that text
};

// A value that is not there. It knows what was asked for, since errors say it when it is used.
struct Undefined {
  enum class Why : uint8_t { kName, kAttribute, kUnsafe, kHint };
  // The name, or (kHint) the whole sentence; null: nothing to tell.
  std::shared_ptr<const std::string> name;
  Kind owner = Kind::kUndefined;  // kAttribute, kUnsafe: whose attribute it would be
  Why why = Why::kName;
};

struct List {
  std::vector<Value> items;
  ListKind kind = ListKind::kList;
  int depth = 1;  // of containers within each other, at most kMaxDepth
};

class Value {
 public:
  // Containers nest at most this deep, so that code may walk them by recursion.
  static constexpr int kMaxDepth = 128;

  Value() = default;  // undefined
  static Value none() { return Value(Storage(std::monostate())); }
  static Value boolean(bool value) { return Value(Storage(value)); }
  static Value integer(int64_t value, Origin origin = Origin::kTemplate);
  static Value number(double value, Origin origin = Origin::kTemplate);
  // `bytes`: UTF-8; other bytes are kept and count as one character each.
  static Value string(std::string bytes, Origin origin);
  static Value string(Text text, bool markup = false);
  // Lists and dicts that would nest deeper than kMaxDepth become undefined; depth() tells before.
  static Value list(std::vector<Value> items, ListKind kind = ListKind::kList);
  // Entries in order; of equal keys the first keeps its place and the last gives its value.
  static Value dict(std::vector<std::pair<Value, Value>> entries);
  static Value object(Object* object) { return Value(Storage(object)); }
  static Value undefined(Undefined what) { return Value(Storage(std::move(what))); }

  Kind kind() const { return static_cast<Kind>(storage_.index()); }
  bool is(Kind kind) const { return this->kind() == kind; }
  bool is_undefined() const { return is(Kind::kUndefined); }
  bool is_number() const { return is(Kind::kInt) || is(Kind::kFloat) || is(Kind::kBool); }

  // REQUIRES: that kind.
  bool as_bool() const { return *std::get_if<bool>(&storage_); }
  int64_t as_int() const { return *std::get_if<int64_t>(&storage_); }
  double as_float() const { return *std::get_if<double>(&storage_); }
  const String& as_string() const {
    return **std::get_if<std::shared_ptr<const String>>(&storage_);
  }
  const Text& text() const { return as_string().text; }
  std::string_view view() const { return as_string().text.view(); }
  const List& as_list() const { return **std::get_if<std::shared_ptr<const List>>(&storage_); }
  const std::vector<Value>& items() const { return as_list().items; }
  const Dict& as_dict() const { return **std::get_if<std::shared_ptr<const Dict>>(&storage_); }
  Object& as_object() const { return **std::get_if<Object*>(&storage_); }
  const Undefined& as_undefined() const { return *std::get_if<Undefined>(&storage_); }

  // 0 for what contains nothing.
  int depth() const;
  // Of numbers and booleans: false when a caller gave it or it was computed from such a one.
  bool trusted() const { return trusted_; }
  Value with_trust(bool trusted) const;
  // The same list, dict, object or string in memory.
  bool same_as(const Value& other) const;

 private:
  using Storage =
      std::variant<Undefined, std::monostate, bool, int64_t, double, std::shared_ptr<const String>,
                   std::shared_ptr<const List>, std::shared_ptr<const Dict>, Object*>;
  explicit Value(Storage storage) : storage_(std::move(storage)) {}

  Storage storage_;
  bool trusted_ = true;
};

// A dict that keeps the order of its entries.
class Dict {
 public:
  using Entry = std::pair<Value, Value>;
  explicit Dict(std::vector<Entry> entries);

  const std::vector<Entry>& entries() const { return entries_; }
  int depth() const { return depth_; }
  // nullptr when absent.
  const Value* find(std::string_view key) const;
  const Value* find(const Value& key) const;

 private:
  const Value* find_other(const Value& key) const;

  std::vector<Entry> entries_;  // keys differ from each other
  // Places of the string keys, once there are enough of them to pay.
  std::unordered_map<std::string_view, size_t> places_;
  size_t other_keys_ = 0;  // keys that are no strings
  int depth_ = 1;
};

}  // namespace chasqui::jinja
