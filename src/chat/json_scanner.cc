#include "chat/internal/json_scanner.h"

#include <string>

namespace chasqui::chat {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

}  // namespace

JsonScanner::Step JsonScanner::push(char c) {
  if (place_ == Place::kString || place_ == Place::kEscape || place_ == Place::kHex) {
    return in_string(c);
  }
  if (place_ == Place::kNumber) return in_number(c);
  if (place_ == Place::kLiteral) {
    if (c != literal_.front()) return Step::kBad;
    literal_.remove_prefix(1);
    return literal_.empty() ? ended() : Step::kMore;
  }
  if (is_space(c)) return Step::kMore;
  switch (place_) {
    case Place::kValueOrClose:
      return c == ']' ? close(false) : begin_value(c);
    case Place::kKeyOrClose:
    case Place::kKey:
      if (c == '}' && place_ == Place::kKeyOrClose) return close(true);
      is_key_ = true;
      place_ = Place::kString;
      return c == '"' ? Step::kMore : Step::kBad;
    case Place::kColon:
      place_ = Place::kValue;
      return c == ':' ? Step::kMore : Step::kBad;
    case Place::kCommaOrClose:
      if (c != ',') return close(c == '}');
      place_ = objects_.back() ? Place::kKey : Place::kValue;
      return Step::kMore;
    default:
      return begin_value(c);
  }
}

JsonScanner::Step JsonScanner::begin_value(char c) {
  if (c == '{' || c == '[') return open(c == '{');
  if (c == '"') {
    is_key_ = false;
    place_ = Place::kString;
    return Step::kMore;
  }
  if (c == '-' || is_digit(c)) {
    number_ = c == '-' ? Number::kSign : (c == '0' ? Number::kZero : Number::kDigits);
    place_ = Place::kNumber;
    return Step::kMore;
  }
  place_ = Place::kLiteral;
  for (const std::string_view word : {"true", "false", "null"}) {
    literal_ = word.substr(1);
    if (c == word.front()) return Step::kMore;
  }
  return Step::kBad;
}

JsonScanner::Step JsonScanner::open(bool is_object) {
  if (objects_.size() == kMaxDepth) return Step::kBad;
  objects_.push_back(is_object);
  place_ = is_object ? Place::kKeyOrClose : Place::kValueOrClose;
  return Step::kMore;
}

// REQUIRES: in a container; `is_object` is what the byte closes where it is no other byte.
JsonScanner::Step JsonScanner::close(bool is_object) {
  if (objects_.back() != is_object) return Step::kBad;
  objects_.pop_back();
  return ended();
}

JsonScanner::Step JsonScanner::ended() {
  place_ = Place::kCommaOrClose;
  return objects_.empty() ? Step::kEnd : Step::kMore;
}

JsonScanner::Step JsonScanner::in_string(char c) {
  if (place_ == Place::kHex) {
    if (!is_hex(c)) return Step::kBad;
    if (--hex_left_ == 0) place_ = Place::kString;
    return Step::kMore;
  }
  if (place_ == Place::kEscape) {
    hex_left_ = 4;
    place_ = c == 'u' ? Place::kHex : Place::kString;
    const bool known = std::string_view("\"\\/bfnrtu").find(c) != std::string_view::npos;
    return known ? Step::kMore : Step::kBad;
  }
  if (static_cast<unsigned char>(c) < 0x20) return Step::kBad;
  if (c == '\\') place_ = Place::kEscape;
  if (c != '"') return Step::kMore;
  if (!is_key_) return ended();
  place_ = Place::kColon;
  return Step::kMore;
}

JsonScanner::Step JsonScanner::in_number(char c) {
  const auto go = [this](Number next) {
    number_ = next;
    return Step::kMore;
  };
  const bool digit = is_digit(c), exponent = c == 'e' || c == 'E';
  switch (number_) {
    case Number::kSign:
      if (digit) return go(c == '0' ? Number::kZero : Number::kDigits);
      return Step::kBad;
    case Number::kPoint:
      return digit ? go(Number::kFraction) : Step::kBad;
    case Number::kExponent:
      if (c == '+' || c == '-') return go(Number::kExponentSign);
      return digit ? go(Number::kPower) : Step::kBad;
    case Number::kExponentSign:
      return digit ? go(Number::kPower) : Step::kBad;
    case Number::kZero:
    case Number::kDigits:
      if (digit && number_ == Number::kDigits) return Step::kMore;
      if (c == '.') return go(Number::kPoint);
      if (exponent) return go(Number::kExponent);
      break;
    case Number::kFraction:
      if (digit) return Step::kMore;
      if (exponent) return go(Number::kExponent);
      break;
    case Number::kPower:
      if (digit) return Step::kMore;
      break;
  }
  if (objects_.empty()) return Step::kEndBefore;
  place_ = Place::kCommaOrClose;
  return push(c);
}

}  // namespace chasqui::chat
