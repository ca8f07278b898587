// The architectures that there are: one definition in <name>.cc, one line here, one in
// architectures.cc. Constants without initialisers at run time.
#pragma once

#include "model/arch/architecture.h"

namespace chasqui::model {

extern const Architecture kAfmoe;
extern const Architecture kArcee;
extern const Architecture kBaichuan;
extern const Architecture kBailingMoe2;
extern const Architecture kBailingMoe;
extern const Architecture kBert;
extern const Architecture kChatglm;
extern const Architecture kCodeshell;
extern const Architecture kCohere2;
extern const Architecture kCommandR;
extern const Architecture kDeepseek;
extern const Architecture kDeepseek2;
extern const Architecture kDots1;
extern const Architecture kErnie45;
extern const Architecture kErnie45Moe;
extern const Architecture kExaone;
extern const Architecture kExaone4;
extern const Architecture kExaoneMoe;
extern const Architecture kFalcon;
extern const Architecture kGemma;
extern const Architecture kGemma2;
extern const Architecture kGemma3;
extern const Architecture kGemma4;
extern const Architecture kGemmaEmbedding;
extern const Architecture kGlm4;
extern const Architecture kGlm4Moe;
extern const Architecture kGpt2;
extern const Architecture kGptNeox;
extern const Architecture kGptOss;
extern const Architecture kGranite;
extern const Architecture kGraniteMoe;
extern const Architecture kHunyuanDense;
extern const Architecture kHunyuanMoe;
extern const Architecture kInternlm2;
extern const Architecture kLfm2;
extern const Architecture kLlama;
extern const Architecture kLlama4;
extern const Architecture kMaincoder;
extern const Architecture kMellum;
extern const Architecture kMinicpm;
extern const Architecture kMinicpm3;
extern const Architecture kMinimaxM2;
extern const Architecture kMistral3;
extern const Architecture kMistral4;
extern const Architecture kModernBert;
extern const Architecture kNemotron;
extern const Architecture kNomicBert;
extern const Architecture kOlmo2;
extern const Architecture kOlmoe;
extern const Architecture kOrion;
extern const Architecture kPangu;
extern const Architecture kPhi2;
extern const Architecture kPhi3;
extern const Architecture kPhiMoe;
extern const Architecture kQwen;
extern const Architecture kQwen2;
extern const Architecture kQwen2Moe;
extern const Architecture kQwen2Vl;
extern const Architecture kQwen3;
extern const Architecture kQwen35;
extern const Architecture kQwen35Moe;
extern const Architecture kQwen3Moe;
extern const Architecture kQwen3Next;
extern const Architecture kQwen3Vl;
extern const Architecture kQwen3VlMoe;
extern const Architecture kSeedOss;
extern const Architecture kSmallthinker;
extern const Architecture kSmollm3;
extern const Architecture kStablelm;
extern const Architecture kStarcoder;
extern const Architecture kStarcoder2;
extern const Architecture kXverse;

}  // namespace chasqui::model
