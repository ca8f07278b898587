// Finds the end of one JSON value byte by byte, and the first byte that makes it none. Keeps no
// text, only where it is.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace chasqui::chat {

class JsonScanner {
 public:
  enum class Step {
    kMore,
    kEnd,        // the byte ended the value
    kEndBefore,  // the value, a number, ended before the byte
    kBad,
  };
  // White space before the value counts as part of it. Not to be called after another answer than
  // kMore.
  Step push(char c);

 private:
  static constexpr size_t kMaxDepth = 256;
  enum class Place {
    kValue,
    kValueOrClose,
    kKey,
    kKeyOrClose,
    kColon,
    kCommaOrClose,
    kString,
    kEscape,
    kHex,
    kLiteral,
    kNumber
  };
  // What a number may go on with: behind the sign, a leading 0, digits, the point, ...
  enum class Number { kSign, kZero, kDigits, kPoint, kFraction, kExponent, kExponentSign, kPower };

  Step begin_value(char c);
  Step open(bool is_object);
  Step close(bool is_object);
  Step ended();
  Step in_string(char c);
  Step in_number(char c);

  std::vector<bool> objects_;  // open containers: object, else list
  Place place_ = Place::kValue;
  bool is_key_ = false;       // of kString
  int hex_left_ = 0;          // of kHex
  std::string_view literal_;  // of kLiteral: what must still come
  Number number_ = Number::kSign;
};

}  // namespace chasqui::chat
