// The integers that the codes of a format stand for, where these are not the codes themselves up to
// an offset. Plain data, for the kernels and for packing. Where the numbers come from:
// quant/iq4_nl.h, quant/internal/fp4.h and quant/internal/iq_grids.h; the products of every type
// are tested against quant/'s decoders.
#pragma once

#include <stdint.h>

namespace chasqui::backend::cpu {

// Unused codes are 0.
struct Codebook {
  int8_t values[16];
};

// IQ4_NL, IQ4_XS.
constexpr Codebook kIq4Book = {
    {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}};

// Doubled 4-bit floats: MXFP4, NVFP4.
constexpr Codebook kFp4Book = {{0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12}};

// The numbers in the grids of IQ3_XXS, IQ3_S and the IQ2 types, with both signs.
constexpr Codebook kIq3XxsBook = {
    {4, 12, 20, 28, 36, 44, 52, 62, -4, -12, -20, -28, -36, -44, -52, -62}};
constexpr Codebook kIq3SBook = {{-15, -13, -11, -9, -7, -5, -3, -1, 1, 3, 5, 7, 9, 11, 13, 15}};
constexpr Codebook kIq2Book = {{8, 25, 43, 0, -8, -25, -43}};

// Eight times a digit of -1, 0, 1 and a shift of an eighth: IQ1_M, where the shift changes every 8
// values.
constexpr Codebook kIq1MBook = {{-9, -7, -1, 1, 7, 9}};

// Two and three bits around zero: TQ1_0, TQ2_0, Q2_0; Q3_K.
constexpr Codebook kTwoBitBook = {{-1, 0, 1, 2}};
constexpr Codebook kThreeBitBook = {{-4, -3, -2, -1, 0, 1, 2, 3}};

}  // namespace chasqui::backend::cpu
