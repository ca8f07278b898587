// Blocks lie at any address: they are copied in and out (the compiler makes plain loads of it).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace chasqui::quant::internal {

template <typename Block>
Block load_block(const std::byte* from, int64_t index) {
  static_assert(std::is_trivially_copyable_v<Block>);
  Block block;
  std::memcpy(&block, from + index * static_cast<int64_t>(sizeof(Block)), sizeof(Block));
  return block;
}

template <typename Block>
void store_block(const Block& block, std::byte* to, int64_t index) {
  static_assert(std::is_trivially_copyable_v<Block>);
  std::memcpy(to + index * static_cast<int64_t>(sizeof(Block)), &block, sizeof(Block));
}

}  // namespace chasqui::quant::internal
