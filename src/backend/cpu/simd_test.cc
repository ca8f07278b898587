// Every vector function, on every level that this machine has, against the scalar level: bit for
// bit, over random lanes and the values where hardware and C++ like to differ.
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/isa_levels.h"
#include "backend/cpu/simd_probe.h"
#include "base/rng.h"

namespace chasqui::backend::cpu {

#define CHASQUI_ISA_LEVEL(name, description, supported) \
  namespace name {                                      \
  SimdProbes simd_probes();                             \
  }
#include "isa_list.inc"
#undef CHASQUI_ISA_LEVEL

namespace {

struct LevelProbes {
  std::string name;
  std::span<const SimdProbe> probes;
};

std::vector<LevelProbes> supported_levels() {
  std::vector<LevelProbes> levels;
  const auto add = [&](const char* name, bool supported, SimdProbes p) {
    if (supported) levels.push_back({name, {p.begin, static_cast<size_t>(p.count)}});
  };
#define CHASQUI_ISA_LEVEL(name, description, supported) add(#name, supported, name::simd_probes());
#include "isa_list.inc"
#undef CHASQUI_ISA_LEVEL
  return levels;
}

using Bytes = std::array<uint8_t, 64>;

// Lanes that make a difference: zeros of both signs, subnormals, limits, ties, infinities.
const std::vector<float>& odd_floats() {
  static const std::vector<float> values = {0.0f,
                                            -0.0f,
                                            1.0f,
                                            -1.0f,
                                            0.5f,
                                            1.5f,
                                            2.5f,
                                            -2.5f,
                                            1e-40f,
                                            -1e-45f,
                                            65504,
                                            65519,
                                            65520,
                                            6e-8f,
                                            2.98e-8f,
                                            2.9802322e-8f,
                                            3e-8f,
                                            6.1e-5f,
                                            88.7f,
                                            88.73f,
                                            -87.3f,
                                            -87.34f,
                                            -103.0f,
                                            1e30f,
                                            -1e30f,
                                            3e9f,
                                            0.62f,
                                            -0.63f,
                                            1e-3f,
                                            3.4e38f,
                                            std::numeric_limits<float>::infinity(),
                                            -std::numeric_limits<float>::infinity()};
  return values;
}

Bytes random_input(Rng& rng, int round) {
  Bytes bytes;
  if (round % 3 == 0) {  // any bits
    for (uint8_t& b : bytes) b = static_cast<uint8_t>(rng.next());
    return bytes;
  }
  for (size_t lane = 0; lane < 16; ++lane) {
    const auto& odd = odd_floats();
    const float value =
        round % 3 == 1 ? static_cast<float>(rng.normal() * 20.0) : odd[rng.below(odd.size())];
    std::memcpy(bytes.data() + lane * 4, &value, 4);
  }
  return bytes;
}

// x86 makes -127 the least activation byte (the quantiser's range), and dot4_wide relies on it.
void forbid_minus_128(Bytes& bytes) {
  for (uint8_t& b : bytes) b = b == 0x80 ? 0x81 : b;
}

// Any NaN equals any NaN: which payload survives is not part of the contract.
bool same_lanes(const Bytes& a, const Bytes& b, bool floats) {
  for (size_t lane = 0; lane < 16; ++lane) {
    float x, y;
    std::memcpy(&x, a.data() + lane * 4, 4);
    std::memcpy(&y, b.data() + lane * 4, 4);
    if (floats && std::isnan(x) && std::isnan(y)) continue;
    if (std::memcmp(a.data() + lane * 4, b.data() + lane * 4, 4) != 0) return false;
  }
  return true;
}

TEST(Simd, EveryLevelGivesTheBitsOfTheScalarLevel) {
  const auto levels = supported_levels();
  ASSERT_EQ(levels[0].name, "scalar");
  for (size_t p = 0; p < levels[0].probes.size(); ++p) {
    const std::string name = levels[0].probes[p].name;
    const bool halves_out = name.starts_with("store_") && name.find("f16") != std::string::npos;
    Rng rng(p);
    for (int round = 0; round < 600; ++round) {
      Bytes a = random_input(rng, round), b = random_input(rng, round),
            c = random_input(rng, round);
      if (name.starts_with("dot4")) {
        forbid_minus_128(b);
        c.fill(static_cast<uint8_t>(round));
        for (size_t i = 0; i < 64; i += 4) c[i + 3] = 0;  // far from overflow
      }
      const int n = static_cast<int>(rng.below(17));
      Bytes want;
      want.fill(0xcd);  // stores must leave the other lanes alone
      levels[0].probes[p].run(a.data(), b.data(), c.data(), n, want.data());
      for (const LevelProbes& level : levels) {
        ASSERT_EQ(level.probes[p].name, name);
        Bytes got;
        got.fill(0xcd);
        level.probes[p].run(a.data(), b.data(), c.data(), n, got.data());
        ASSERT_TRUE(same_lanes(got, want, !halves_out))
            << name << " on " << level.name << ", round " << round << ", n " << n;
      }
    }
  }
}

const SimdProbe& probe(const LevelProbes& level, const std::string& name) {
  for (const SimdProbe& p : level.probes) {
    if (p.name == name) return p;
  }
  ADD_FAILURE() << "no probe " << name;
  return level.probes[0];
}

// Largest error of a function over [from, to] in units of the last place of the true result.
double worst_ulp(const SimdProbe& p, double (*truth)(double), float from, float to) {
  double worst = 0;
  for (int step = 0; step < 20000; ++step) {
    std::array<float, 16> in, out;
    for (int i = 0; i < 16; ++i) {
      in[static_cast<size_t>(i)] =
          from + (to - from) * static_cast<float>(step * 16 + i) / 320000.0f;
    }
    p.run(in.data(), in.data(), in.data(), 16, out.data());
    for (size_t i = 0; i < 16; ++i) {
      const double want = truth(in[i]);
      const float near = static_cast<float>(want);
      const double ulp = std::nextafter(std::fabs(near), INFINITY) - std::fabs(near);
      worst = std::max(worst, std::fabs(out[i] - want) / ulp);
    }
  }
  return worst;
}

TEST(Simd, ElementaryFunctionsAreAccurate) {
  const LevelProbes level = supported_levels().back();
  EXPECT_LT(worst_ulp(probe(level, "exp"), std::exp, -87.3f, 88.7f), 2.0);
  EXPECT_LT(worst_ulp(probe(level, "tanh"), std::tanh, -10.0f, 10.0f), 4.0);
  const auto sigmoid = [](double x) { return 1.0 / (1.0 + std::exp(-x)); };
  EXPECT_LT(worst_ulp(probe(level, "sigmoid"), sigmoid, -80.0f, 80.0f), 4.0);
}

TEST(Simd, ExpAtTheEdges) {
  for (const LevelProbes& level : supported_levels()) {
    const float inf = std::numeric_limits<float>::infinity();
    const std::array<float, 16> in = {
        0, -0.0f, 1, -inf, inf, std::nanf(""), 89, -88, -1000, 1000, -1, 88.7f, -87.3f, 0, 0, 0};
    std::array<float, 16> out;
    probe(level, "exp").run(in.data(), in.data(), in.data(), 16, out.data());
    EXPECT_EQ(out[0], 1.0f);
    EXPECT_EQ(out[1], 1.0f);
    EXPECT_EQ(out[3], 0.0f);
    EXPECT_EQ(out[4], inf);
    EXPECT_TRUE(std::isnan(out[5]));
    EXPECT_EQ(out[6], inf);
    EXPECT_EQ(out[7], 0.0f);
    EXPECT_EQ(out[8], 0.0f);
    EXPECT_EQ(out[9], inf);
  }
}

TEST(IsaLevels, ScalarIsAlwaysThereAndBestIsChosen) {
  const auto levels = isa_levels();
  ASSERT_FALSE(levels.empty());
  EXPECT_EQ(levels[0].name, "scalar");
  EXPECT_TRUE(levels[0].supported);
  std::string_view best;
  for (const IsaLevel& level : levels) {
    if (level.supported) best = level.name;
  }
  EXPECT_EQ(find_kernels("").value().isa, best);
  EXPECT_STREQ(find_kernels("scalar").value().isa, "scalar");
}

TEST(IsaLevels, UnknownLevelIsAnErrorThatListsTheKnownOnes) {
  const auto kernels = find_kernels("sse9");
  ASSERT_FALSE(kernels);
  EXPECT_EQ(kernels.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(kernels.error().message.find("scalar"), std::string::npos);
}

}  // namespace
}  // namespace chasqui::backend::cpu
