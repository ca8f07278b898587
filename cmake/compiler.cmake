# Flags that hold for the whole program. ISA flags do not belong here: see isa.cmake.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

# ccache, when it is there: with the base directory set, another clone finds the same objects; the
# sloppiness is what precompiled headers need.
find_program(CHASQUI_CCACHE ccache)
if(CHASQUI_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      ${CHASQUI_CCACHE})
endif()

# -ffp-contract: a fused multiply-add that the compiler chooses by itself would make results
# depend on the ISA level and on inlining; kernels ask for FMA explicitly.
# -Wno-missing-field-initializers: fields that a designated initialiser leaves out are meant.
add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wno-missing-field-initializers
                    -ffp-contract=off -fno-math-errno)

# GCC 12 sees overlaps in "text" + std::string that cannot be (its bug 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  add_compile_options(-Wno-restrict)
endif()

if(CHASQUI_SANITIZE)
  add_compile_options(-fsanitize=${CHASQUI_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -O1 -g1)
  add_link_options(-fsanitize=${CHASQUI_SANITIZE})
endif()
