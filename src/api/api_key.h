// The keys of a server that is not open to everybody: requests bring one of them as
// `Authorization: Bearer KEY`, as the replaced server had it.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "http/router.h"

namespace chasqui::api {

// The keys that open. Any thread.
class ApiKeys {
 public:
  using Keys = std::vector<std::string>;
  explicit ApiKeys(Keys keys) : keys_(std::make_shared<const Keys>(std::move(keys))) {}

  // From the next request on.
  void replace(Keys keys);
  // Takes as long for a key that is nearly right as for any other of its length.
  bool open_with(std::string_view key) const;

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Keys> keys_;  // guarded by mutex_
};

// One key a line; blank lines and lines that begin with # are none, and spaces around a key are not
// part of it. kNotFound where the file cannot be read, kInvalidArgument where it holds no key.
Result<std::vector<std::string>> read_key_file(const std::string& path);

// Adds a guard that answers 401 (code invalid_api_key) to every request that comes without a key,
// whether its route exists or not, but for those whose path is one of `open_paths`, or below one
// that ends with '/'. Before the server starts.
void require_key(http::Router& router, std::shared_ptr<const ApiKeys> keys,
                 std::vector<std::string> open_paths);

}  // namespace chasqui::api
