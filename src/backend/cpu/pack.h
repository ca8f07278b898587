// From the blocks of the model file to the panels of linear_kernels.h. The packed form depends on
// the tensor type and shape only, never on the instruction-set level, so that a cache of it serves
// every machine.
// Thread-safe: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/dtype.h"
#include "tensor/tensor_view.h"

namespace chasqui::backend::cpu {

// Raise when the bytes that pack_panel() writes change: caches of another version are remade.
constexpr uint32_t kPackVersion = 2;

// Where things are in the packed form of one matrix type with a given number of columns.
struct PanelShape {
  bool is_float = false;
  int kind = 0;  // PackKind or FloatKind
  int64_t cols = 0;
  int64_t groups = 0;  // of kGroupValues; 0 for floats
  int64_t scale_at = 0;
  int64_t high_at = 0;
  int64_t quant_at = 0;
  int64_t panel_bytes = 0;  // a multiple of 64
};

// Whether there are kernels for packed weights of `type`; the others compute from decoded values.
bool can_pack(DType type);

// REQUIRES: can_pack(type); cols is a whole number of the type's blocks.
PanelShape panel_shape(DType type, int64_t cols);

// Bytes of `rows` rows, including the padding of the last panel.
int64_t packed_bytes(const PanelShape& shape, int64_t rows);

// Writes the panel of rows [first_row, first_row + 16) of one matrix, whose rows lie one after
// another at `matrix`; rows beyond `rows` become zero. `to`: shape.panel_bytes, 64-byte aligned.
void pack_panel(DType type, const PanelShape& shape, const std::byte* matrix, int64_t rows,
                int64_t first_row, std::byte* to);

}  // namespace chasqui::backend::cpu
