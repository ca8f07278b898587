// Where layer code finds a tensor. What a tensor is called in a file is the business of the
// architecture's table (tensor_rules.h): the same name means different things in different models.
#pragma once

namespace chasqui::model {

enum class Slot {
  // Of the whole model.
  kTokenEmbedding,
  kTokenTypes,         // a table; row 0 is added to each embedding
  kPositionEmbedding,  // a table by position, added to each embedding
  kEmbeddingNorm,
  kEmbeddingNormBias,
  kLayerInputEmbedding,  // a table: [layers, layer_input_dim] a token
  kLayerInputModel,      // from the embedding to the same
  kLayerInputModelNorm,
  kOutputNorm,
  kOutputNormBias,
  kOutput,
  kOutputBias,
  kClassifier,  // a ranking: hidden to hidden, activation, norm, then to the outputs
  kClassifierBias,
  kClassifierNorm,
  kClassifierOutput,
  kClassifierOutputBias,
  kDense2,  // of Sentence Transformers: pooled hidden state to embedding
  kDense3,
  kRopeFactors,
  kRopeFactorsLong,
  kRopeFactorsShort,

  // Attention.
  kAttentionNorm,
  kAttentionNormBias,
  kQuery,
  kKey,
  kValue,
  kQkv,  // the three above each other
  kQueryBias,
  kKeyBias,
  kValueBias,
  kQkvBias,
  kQueryNorm,
  kKeyNorm,
  kSinks,
  kAttentionGate,  // its sigmoid multiplies what attention answers
  kAttentionOutput,
  kAttentionOutputBias,
  kPostAttentionNorm,      // of what the block adds
  kAttentionResidualNorm,  // of the residual stream behind the block
  kAttentionResidualNormBias,

  // Latent attention.
  kQueryDown,
  kQueryDownNorm,
  kQueryUp,
  kLatentDown,  // hidden to [latent | rotated part of the key]
  kLatentNorm,
  kLatentKey,    // [heads]: the part of a query that meets the latent vector
  kLatentValue,  // [heads]: from a mix of latent vectors to a head's output

  // Gated delta net and short convolution.
  kDeltaQkv,
  kDeltaGate,       // of the head's result
  kDeltaBeta,       // one a value head
  kDeltaAlpha,      // one a value head
  kDeltaBetaAlpha,  // of each key head first the betas of its value heads, then their alphas
  kDeltaDtBias,
  kDeltaDecay,
  kDeltaNorm,
  kDeltaOutput,
  kConvTaps,     // [taps, columns]
  kShortConvIn,  // two gates and the input, each [hidden]
  kShortConvOut,

  // Dense feed-forward.
  kFfnNorm,
  kFfnNormBias,
  kFfnGate,
  kFfnUp,
  kFfnGateUp,  // gate above up
  kFfnDown,
  kFfnGateBias,
  kFfnUpBias,
  kFfnDownBias,
  kPostFfnNorm,      // of what the block adds
  kFfnResidualNorm,  // of the residual stream behind the block
  kFfnResidualNormBias,

  // Experts.
  kRouter,
  kRouterBias,
  kRouterScale,  // the router reads the residual stream under a norm with these weights
  kSelectionBias,
  kExpertsGate,
  kExpertsUp,
  kExpertsGateUp,
  kExpertsDown,
  kExpertsGateBias,
  kExpertsUpBias,
  kExpertsDownBias,
  kExpertsDownScale,  // one for each expert
  kExpertsNorm,       // experts read the residual stream under a norm of their own
  kPostExpertsNorm,
  kSharedGate,
  kSharedUp,
  kSharedDown,
  kSharedRouter,  // its sigmoid weighs the shared feed-forward
  kPostSharedNorm,

  // What a layer adds from its own token embedding, and the scale of its whole result.
  kLayerInputGate,
  kLayerInputProjection,
  kLayerInputNorm,
  kLayerScale,

  kCount,
};

}  // namespace chasqui::model
