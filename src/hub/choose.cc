#include "hub/choose.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>

#include "gguf/split_name.h"
#include "hub/reference.h"

namespace chasqui::hub {
namespace {

// Of a list in an error message.
constexpr size_t kMostListed = 40;

constexpr std::array<std::string_view, 40> kOrder = {
    "Q4_K_M",  "Q4_K_XL", "Q4_K_L", "Q4_K_S",  "Q4_K",    "IQ4_NL", "IQ4_XS",  "Q4_0",
    "Q4_1",    "MXFP4",   "NVFP4",  "Q5_K_M",  "Q5_K_XL", "Q5_K_L", "Q5_K_S",  "Q5_K",
    "Q5_0",    "Q5_1",    "Q6_K",   "Q6_K_XL", "Q6_K_L",  "Q8_0",   "Q8_K_XL", "Q3_K_L",
    "Q3_K_XL", "Q3_K_M",  "IQ3_M",  "IQ3_S",   "Q3_K_S",  "IQ3_XS", "IQ3_XXS", "Q2_K_L",
    "Q2_K_XL", "Q2_K",    "IQ2_M",  "TQ2_0",   "TQ1_0",   "BF16",   "F16",     "F32"};

// Never a default, but names of quantisations all the same.
constexpr std::array<std::string_view, 12> kMoreNames = {"Q2_K_S",  "Q3_K",  "IQ2_S", "IQ2_XS",
                                                         "IQ2_XXS", "IQ1_M", "IQ1_S", "IQ3_K",
                                                         "Q8_1",    "Q1_0",  "FP16",  "FP32"};

// One model: its files in the order of their parts.
struct Candidate {
  std::string name;  // as shown: of its first file
  std::vector<std::string> files;
  int parts = 1;
};

std::string upper(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return out;
}

bool is_gguf(std::string_view path) {
  return upper(path).ends_with(".GGUF");
}

std::string_view base_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

// The path in upper case, without ".gguf" and the number of a part.
std::string stem_of(std::string_view path) {
  if (const auto split = gguf::parse_split_name(path)) return upper(split->prefix);
  return upper(path.substr(0, is_gguf(path) ? path.size() - 5 : path.size()));
}

// Whether `name` (upper case) stands in `stem` as a word of its own.
bool has_word(std::string_view stem, std::string_view name) {
  constexpr std::string_view kBefore = "-./_";
  constexpr std::string_view kAfter = "-./";  // Q4_K must not be found in Q4_K_M
  for (size_t at = stem.find(name); at != stem.npos; at = stem.find(name, at + 1)) {
    const size_t end = at + name.size();
    const bool begins = at == 0 || kBefore.find(stem[at - 1]) != kBefore.npos;
    const bool ends = end == stem.size() || kAfter.find(stem[end]) != kAfter.npos;
    if (begins && ends) return true;
  }
  return false;
}

// What lies in repositories of models and is none.
bool is_helper(std::string_view path) {
  const std::string name = upper(base_name(path));
  if (name.find("MMPROJ") != name.npos) return true;
  return name.find("IMATRIX") != name.npos && quantisation_of(path).empty();
}

std::vector<Candidate> candidates_of(std::span<const std::string> paths) {
  std::map<std::string, Candidate> found;
  for (const std::string& path : paths) {
    const auto split = gguf::parse_split_name(path);
    const std::string key = split ? gguf::split_path(*split, 0) : path;
    Candidate& candidate = found[key];
    candidate.name = key;
    candidate.parts = split ? split->count : 1;
    candidate.files.push_back(path);
  }
  std::vector<Candidate> all;
  for (auto& [key, candidate] : found) {
    std::ranges::sort(candidate.files);
    const auto again = std::ranges::unique(candidate.files);
    candidate.files.erase(again.begin(), again.end());
    all.push_back(std::move(candidate));
  }
  return all;
}

std::string listed(std::vector<std::string> names) {
  std::ranges::sort(names);
  const auto [first, last] = std::ranges::unique(names);
  names.erase(first, last);
  if (names.empty()) return "nothing";
  const size_t more = names.size() > kMostListed ? names.size() - kMostListed : 0;
  names.resize(names.size() - more);
  return fmt::format("{}{}", fmt::join(names, ", "),
                     more > 0 ? fmt::format(" and {} more", more) : "");
}

std::string names_of(const std::vector<Candidate>& candidates) {
  std::vector<std::string> names;
  for (const Candidate& candidate : candidates) names.push_back(candidate.name);
  return listed(std::move(names));
}

// What a user can write behind the colon.
std::string choices_of(const std::vector<Candidate>& candidates) {
  std::vector<std::string> names;
  for (const Candidate& candidate : candidates) {
    const std::string name = quantisation_of(candidate.name);
    names.push_back(name.empty() ? candidate.name : name);
  }
  return listed(std::move(names));
}

Result<std::vector<std::string>> files_of(const Candidate& candidate) {
  if (candidate.files.size() == static_cast<size_t>(candidate.parts)) return candidate.files;
  const auto split = gguf::parse_split_name(candidate.name);
  for (int part = 0; part < candidate.parts; ++part) {
    const std::string path = gguf::split_path(*split, part);
    if (std::ranges::binary_search(candidate.files, path)) continue;
    return fail(ErrorCode::kCorrupt,
                fmt::format("{} is split into {} files, of which {} is not there", candidate.name,
                            candidate.parts, path));
  }
  return candidate.files;
}

tl::unexpected<Error> ambiguous(std::string_view repo, std::string_view what,
                                const std::vector<Candidate>& candidates) {
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{} has several models for {}; name the file: {}", repo, what,
                          names_of(candidates)));
}

Result<std::vector<std::string>> choose_by_pattern(std::span<const std::string> paths,
                                                   std::string_view wanted, std::string_view repo) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    if (path == wanted || fits_pattern(path, wanted)) files.push_back(path);
  }
  std::vector<Candidate> fitting = candidates_of(files);
  if (fitting.empty()) {
    return fail(ErrorCode::kNotFound, fmt::format("{} has no file {}; it has {}", repo, wanted,
                                                  listed({paths.begin(), paths.end()})));
  }
  // "*Q4_K_M*" should not fail because of an image encoder beside the model.
  if (fitting.size() > 1) {
    std::erase_if(fitting, [](const Candidate& c) { return is_helper(c.name); });
  }
  if (fitting.size() != 1) return ambiguous(repo, wanted, fitting);
  // One part brings the others.
  for (const Candidate& candidate : candidates_of(paths)) {
    if (candidate.name == fitting.front().name) return files_of(candidate);
  }
  return files_of(fitting.front());
}

// Those whose name has the quantisation; when some are exactly that, only these.
std::vector<Candidate> with_quantisation(const std::vector<Candidate>& models,
                                         const std::string& name) {
  std::vector<Candidate> having;
  std::ranges::copy_if(models, std::back_inserter(having),
                       [&](const Candidate& c) { return has_word(stem_of(c.name), name); });
  // "Q4_K_XL" and "UD-Q4_K_XL" of the same model: the plain one was meant.
  std::vector<Candidate> plain;
  std::ranges::copy_if(having, std::back_inserter(plain), [&](const Candidate& c) {
    return !has_word(stem_of(c.name), "UD-" + name);
  });
  return plain.size() == 1 ? plain : having;
}

}  // namespace

std::span<const std::string_view> default_order() {
  return kOrder;
}

std::string quantisation_of(std::string_view path) {
  const std::string stem = stem_of(path);
  std::string_view best;
  const auto look = [&](std::string_view name) {
    if (name.size() > best.size() && has_word(stem, name)) best = name;
  };
  std::ranges::for_each(kOrder, look);
  std::ranges::for_each(kMoreNames, look);
  return std::string(best);
}

Result<std::vector<std::string>> choose_files(std::span<const std::string> paths,
                                              std::string_view wanted, std::string_view repo) {
  if (names_a_file(wanted)) return choose_by_pattern(paths, wanted, repo);
  std::vector<std::string> usable;
  std::ranges::copy_if(paths, std::back_inserter(usable),
                       [](const std::string& path) { return is_gguf(path) && !is_helper(path); });
  const std::vector<Candidate> models = candidates_of(usable);
  if (models.empty()) {
    return fail(ErrorCode::kNotFound,
                fmt::format("{} has no GGUF model; it has {}. Repositories with GGUF files often "
                            "have \"GGUF\" in their names",
                            repo, listed({paths.begin(), paths.end()})));
  }
  if (!wanted.empty()) {
    const std::vector<Candidate> fitting = with_quantisation(models, upper(wanted));
    if (fitting.empty()) {
      return fail(ErrorCode::kNotFound,
                  fmt::format("{} has no {}; it has {}", repo, wanted, choices_of(models)));
    }
    if (fitting.size() > 1) return ambiguous(repo, wanted, fitting);
    return files_of(fitting.front());
  }
  if (models.size() == 1) return files_of(models.front());
  for (const std::string_view name : kOrder) {
    const std::vector<Candidate> fitting = with_quantisation(models, std::string(name));
    if (fitting.empty()) continue;
    if (fitting.size() > 1) return ambiguous(repo, name, fitting);
    return files_of(fitting.front());
  }
  return fail(ErrorCode::kNotFound,
              fmt::format("{} has several models, and none by a usual quantisation; name the "
                          "file: {}",
                          repo, names_of(models)));
}

namespace {

// The end of the set that begins at `at` with '[', or npos when it has none.
size_t set_end(std::string_view pattern, size_t at) {
  size_t end = at + 1;
  if (end < pattern.size() && pattern[end] == '!') ++end;
  if (end < pattern.size() && pattern[end] == ']') ++end;  // a first ] is one of the set
  return pattern.find(']', end);
}

bool in_set(char c, std::string_view set) {
  const bool negated = set.starts_with('!');
  if (negated) set.remove_prefix(1);
  bool found = false;
  for (size_t i = 0; i < set.size(); ++i) {
    if (i + 2 < set.size() && set[i + 1] == '-') {
      found = found || (set[i] <= c && c <= set[i + 2]);
      i += 2;
    } else {
      found = found || set[i] == c;
    }
  }
  return found != negated;
}

// How many bytes of the pattern at `at` match the byte `c`: 0 for none.
size_t match_one(std::string_view pattern, size_t at, char c) {
  if (at >= pattern.size() || pattern[at] == '*') return 0;
  if (pattern[at] == '?') return 1;
  const size_t end = pattern[at] == '[' ? set_end(pattern, at) : pattern.npos;
  if (end == pattern.npos) return pattern[at] == c ? 1 : 0;
  return in_set(c, pattern.substr(at + 1, end - at - 1)) ? end - at + 1 : 0;
}

}  // namespace

bool fits_pattern(std::string_view text, std::string_view pattern) {
  size_t at = 0;
  size_t i = 0;
  size_t star = pattern.npos;  // the last * so far, and how far it has been stretched
  size_t stretched = 0;
  while (i < text.size()) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      stretched = i;
    } else if (const size_t matched = match_one(pattern, at, text[i]); matched > 0) {
      at += matched;
      ++i;
    } else if (star != pattern.npos) {
      at = star + 1;
      i = ++stretched;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', at) == pattern.npos;
}

}  // namespace chasqui::hub
