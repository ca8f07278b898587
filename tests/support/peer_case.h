// Tiny random models of any architecture, described by a file of tests/peer/cases and made anew
// from its seed, and what a peer computed with them (tests/peer/expected). Only for tests: errors
// throw.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace chasqui::testing {

struct PeerCase {
  std::string name;            // of its file
  boost::json::object model;   // tests/peer/cases/<name>.json
  std::filesystem::path path;  // of that file
};

// Ordered by name.
std::vector<PeerCase> peer_cases();
PeerCase read_peer_case(const std::filesystem::path& path);

// tests/peer/expected/<name>.json, as best_logits() (golden_model.h) reads it, with the case's
// `tolerance` where it has one.
boost::json::object peer_results(const PeerCase& described);

// Writes the model. It has every tensor that the architecture's table requires and those optional
// ones that the case names. A tensor's values depend on the case's seed and the tensor's name only,
// so neither the order of a table nor further rules change them: matrices that keep the scale of
// what goes through them, norms about 1, biases about 0, factors of 1 and more.
void write_peer_model(const PeerCase& described, const std::string& path);

}  // namespace chasqui::testing
