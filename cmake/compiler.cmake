# Flags that hold for the whole program. ISA flags do not belong here: see isa.cmake.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

find_program(CHASQUI_CCACHE ccache)
if(CHASQUI_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CHASQUI_CCACHE})
endif()

# -ffp-contract: a fused multiply-add that the compiler chooses by itself would make results
# depend on the ISA level and on inlining; kernels ask for FMA explicitly.
# -Wno-missing-field-initializers: fields that a designated initialiser leaves out are meant.
add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wno-missing-field-initializers
                    -ffp-contract=off -fno-math-errno)

if(CHASQUI_SANITIZE)
  add_compile_options(-fsanitize=${CHASQUI_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -O1 -g1)
  add_link_options(-fsanitize=${CHASQUI_SANITIZE})
endif()
