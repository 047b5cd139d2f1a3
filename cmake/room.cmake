# A room is one folder of the house: one static library, and the tests beside its sources.
#
#   sluice_room(wire SOURCES a.cc b.cc LINKS sluice_base TESTS a_test.cc)
#
# makes the library `sluice_wire` and, where tests are built, the program `wire_tests`. LINKS are the
# only rooms that it may use; `tests/house_test.py` holds the includes against the same table.

set(SLUICE_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast
    -Wcast-qual -Wimplicit-fallthrough -Woverloaded-virtual)

# Flags that every target of ours has.
function(sluice_flags target)
  target_compile_options(${target} PRIVATE ${SLUICE_WARNINGS})
  target_compile_definitions(${target} PRIVATE _FILE_OFFSET_BITS=64)
  if(SLUICE_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${SLUICE_SANITIZE}
                           -fno-sanitize-recover=all -fno-omit-frame-pointer
                           # SOCI does not tell the types that its templates need for it.
                           -fno-sanitize=vptr)
    target_link_options(${target} PRIVATE -fsanitize=${SLUICE_SANITIZE})
  endif()
endfunction()

# Asio is most of what a translation unit compiles: its headers are parsed once a target.
function(sluice_asio target)
  target_link_libraries(${target} PUBLIC Boost::headers Threads::Threads)
  target_precompile_headers(${target} PRIVATE ${PROJECT_SOURCE_DIR}/cmake/asio_pch.h)
endfunction()

function(sluice_room name)
  cmake_parse_arguments(ROOM "ASIO" "" "SOURCES;LINKS;TESTS;TEST_LINKS" ${ARGN})
  add_library(sluice_${name} STATIC ${ROOM_SOURCES})
  target_include_directories(sluice_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(sluice_${name} PUBLIC ${ROOM_LINKS})
  sluice_flags(sluice_${name})
  if(ROOM_ASIO)
    sluice_asio(sluice_${name})
  endif()
  if(SLUICE_TESTS AND ROOM_TESTS)
    add_executable(${name}_tests ${ROOM_TESTS})
    target_link_libraries(${name}_tests PRIVATE sluice_${name} ${ROOM_TEST_LINKS} GTest::gmock_main)
    sluice_flags(${name}_tests)
    if(ROOM_ASIO)
      sluice_asio(${name}_tests)
    endif()
    gtest_discover_tests(${name}_tests TEST_PREFIX ${name}. DISCOVERY_MODE PRE_TEST)
  endif()
endfunction()
