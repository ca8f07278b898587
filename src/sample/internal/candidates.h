// The tokens that may still be drawn, best first, without ever sorting the vocabulary.
//
// Order: logit descending, ties to the lower id. A candidate's weight is
// exp((logit - best logit) / temperature); its probability is weight / total(). Logits that are
// NaN or -infinity are no candidates; +infinity counts as the largest float.
//
// Until it is cut to a number, the set is the whole vocabulary down to some logit, and only as
// many of the best are selected as somebody looks at: block maxima give a threshold that at least n
// logits reach, and only blocks that reach it are searched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace chasqui::sample {

struct Candidate {
  int32_t token = -1;
  float logit = 0.0f;
};

inline bool better(const Candidate& a, const Candidate& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
}

class Candidates {
 public:
  // Starts over with all of `logits`, which must stay as they are while the object is used.
  void reset(std::span<const float> logits);

  bool empty() const { return empty_; }
  // The best candidate. REQUIRES: !empty().
  Candidate front() const { return front_; }

  // The n best in order, or all when there are fewer. Valid until the next non-const call.
  std::span<const Candidate> best(size_t n);
  // All in no particular order. Same validity.
  std::span<const Candidate> unordered();

  float weight(const Candidate& c) const { return weight_of(c.logit); }
  // Sum of all weights.
  double total();

  // Length of the shortest prefix of the order whose weights add up to at least `mass`; 1 at
  // least, and all when rounding keeps the sum below.
  size_t prefix_of_mass(double mass);
  // Number of candidates, in order, whose weight is at least `bound`; 1 at least.
  size_t prefix_of_weight(float bound);

  // Cuts the set to its n best (n >= 1); to those whose weight is at least `bound` or that are
  // as good as the best; or to exactly `kept`, ordered and not empty.
  void keep(size_t n);
  void keep_weight(double bound);
  void replace(std::vector<Candidate> kept);

  // Weights follow logit / temperature from now on. REQUIRES: temperature > 0.
  void set_temperature(float temperature) { inverse_temperature_ = 1.0f / temperature; }

  // The candidate at `fraction` (in [0, 1)) of the total weight: along the order, or along the
  // token ids while nothing but keep_weight() has cut the set. REQUIRES: !empty().
  Candidate at_fraction(double fraction);

 private:
  float weight_of(float logit) const;
  double sum_block(size_t block) const;
  void select(size_t n);
  void gather(float threshold);
  Candidate walk_vocabulary(double target) const;

  std::span<const float> logits_;
  std::vector<float> block_max_;
  std::vector<float> scratch_;
  std::vector<Candidate> found_;     // in order: the set, or its best ones while `whole_`
  std::vector<Candidate> gathered_;  // scratch of select()
  bool whole_ = true;                // the set is all finite logits that reach floor_
  float floor_ = 0.0f;
  bool complete_ = false;  // `whole_` and found_ holds every one of them
  bool empty_ = true;
  Candidate front_;
  float inverse_temperature_ = 1.0f;
};

}  // namespace chasqui::sample
