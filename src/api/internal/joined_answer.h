// Requests with tools and their answers, streamed ones put together, for this room's tests. Not
// part of the room.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/internal/test_server.h"

namespace chasqui::api::testing {

struct Joined {
  std::string content, finish;
  std::vector<std::pair<std::string, std::string>> calls;  // name, arguments
  std::set<std::string> ids;                               // of the calls

  bool operator==(const Joined&) const = default;
};

// A chat with the tools "weather" (a city of six letters at most, days 1 or 2) and "clock" (without
// parameters), and with the members of the JSON objects `basic` and `more`.
boost::json::object request_with_tools(std::string_view basic, std::string_view more);

// What the chunks of a stream say, choice by choice. Fails the test where arguments come for
// another call than the last one, or a call begins without id and type.
std::vector<Joined> join(const Reply& reply, size_t choices);

// The same of a whole answer's choice.
Joined whole(const boost::json::value& choice);

}  // namespace chasqui::api::testing
