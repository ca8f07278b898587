# Every library that is not ours, and the target by which rooms name it.
# docs/dependencies.md says why each is here; ./dev deps installs them.

find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(Boost 1.81 REQUIRED)

find_package(PkgConfig REQUIRED)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)
pkg_check_modules(HWLOC REQUIRED IMPORTED_TARGET hwloc)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)

if(CHASQUI_BUILD_TESTS)
  find_package(GTest REQUIRED)
endif()

# Boost is used through its headers; the parts with bodies are compiled here, once each.
add_library(boost_json STATIC cmake/boost/json.cc)

add_library(boost_asio_beast STATIC cmake/boost/asio_beast.cc)
target_compile_definitions(boost_asio_beast PUBLIC BOOST_ASIO_SEPARATE_COMPILATION
                           BOOST_BEAST_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED)
target_link_libraries(boost_asio_beast PUBLIC OpenSSL::SSL OpenSSL::Crypto Threads::Threads)
target_compile_options(boost_asio_beast PRIVATE -w)

# What tests share: golden data, JSON, base64.
if(CHASQUI_BUILD_TESTS)
  add_library(chasqui_test_support STATIC tests/support/golden.cc tests/support/golden_model.cc
              tests/support/source_dir.cc)
  target_include_directories(chasqui_test_support PUBLIC ${CMAKE_SOURCE_DIR}/tests)
  set_source_files_properties(tests/support/source_dir.cc PROPERTIES COMPILE_DEFINITIONS
                              CHASQUI_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  target_link_libraries(chasqui_test_support PUBLIC boost_json)
  # Small models that the tests make themselves.
  add_library(chasqui_test_models STATIC EXCLUDE_FROM_ALL tests/support/tiny_model.cc)
  target_include_directories(chasqui_test_models PUBLIC ${CMAKE_SOURCE_DIR}/tests)
  target_link_libraries(chasqui_test_models PUBLIC chasqui_gguf chasqui_quant)
endif()
