# chasqui_room(<name> SOURCES ... [DEPS ...] [TESTS ...] [TEST_DEPS ...])
#
# Declares one room: a static library chasqui_<name> whose include root is src/,
# and, when it has tests, one test program chasqui_<name>_test made of the
# *_test.cc files that stand beside the sources. File lists are explicit.
function(chasqui_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;DEPS;TESTS;TEST_DEPS" ${ARGN})
  if(NOT ROOM_SOURCES)
    return()  # a room whose headers stand but whose body is still to come
  endif()
  add_library(chasqui_${name} STATIC ${ROOM_SOURCES})
  target_include_directories(chasqui_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(chasqui_${name} PUBLIC ${ROOM_DEPS})
  if(CHASQUI_BUILD_TESTS AND ROOM_TESTS)
    add_executable(chasqui_${name}_test ${ROOM_TESTS})
    target_link_libraries(chasqui_${name}_test PRIVATE chasqui_${name} chasqui_test_support
                          ${ROOM_TEST_DEPS} GTest::gmock_main)
    add_test(NAME ${name} COMMAND chasqui_${name}_test)
  endif()
endfunction()
