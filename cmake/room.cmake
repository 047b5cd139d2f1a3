# A room is one folder of the house: one static library, and the tests beside its sources.
#
#   sluice_room(wire SOURCES a.cc b.cc LINKS sluice_base TESTS a_test.cc)
#
# makes the library `sluice_wire` and, where tests are built, the program `wire_tests`. LINKS are the
# only rooms that it may use; `tests/house.py` holds the includes against the same table. ASIO:
# it speaks Asio. PRECOMPILED: another list of headers than the usual one. COLD: it is never in a hurry.

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

# Flags of a target in which no time is spent when it runs: half of the optimisation is compiled in
# half of the time.
function(sluice_cold_flags target)
  sluice_flags(${target})
  target_compile_options(${target} PRIVATE $<$<CONFIG:RelWithDebInfo>:-O1>)
endfunction()

# Headers that many files read are parsed once for all targets that name the same list:
#
#   sluice_precompiled(echo_server asio)    cmake/precompiled/asio.h
#
# What the headers of a list come with, and the lists of cold targets.
set(SLUICE_PRECOMPILED_standard fmt::fmt)
set(SLUICE_PRECOMPILED_service fmt::fmt nlohmann_json::nlohmann_json)
set(SLUICE_PRECOMPILED_command_line fmt::fmt CLI11::CLI11 nlohmann_json::nlohmann_json)
set(SLUICE_PRECOMPILED_tests GTest::gmock_main)
set(SLUICE_PRECOMPILED_COLD command_line tests)
function(sluice_precompiled target list)
  if(NOT TARGET precompiled_${list})
    add_library(precompiled_${list} OBJECT ${PROJECT_SOURCE_DIR}/cmake/precompiled/empty.cc)
    target_precompile_headers(precompiled_${list} PRIVATE ${PROJECT_SOURCE_DIR}/cmake/precompiled/${list}.h)
    target_link_libraries(precompiled_${list} PRIVATE ${SLUICE_PRECOMPILED_${list}})
    if(list IN_LIST SLUICE_PRECOMPILED_COLD)
      sluice_cold_flags(precompiled_${list})
    else()
      sluice_flags(precompiled_${list})
    endif()
  endif()
  target_precompile_headers(${target} REUSE_FROM precompiled_${list})
endfunction()

function(sluice_asio target)
  target_link_libraries(${target} PUBLIC Boost::headers Threads::Threads)
  sluice_precompiled(${target} asio)
endfunction()

# A program of unit tests that was added: its flags, and its cases for ctest.
function(sluice_tests target prefix)
  target_link_libraries(${target} PRIVATE GTest::gmock_main)
  sluice_cold_flags(${target})
  sluice_precompiled(${target} tests)
  gtest_discover_tests(${target} TEST_PREFIX ${prefix}. DISCOVERY_MODE PRE_TEST)
endfunction()

function(sluice_room name)
  cmake_parse_arguments(ROOM "ASIO;COLD" "PRECOMPILED" "SOURCES;LINKS;TESTS;TEST_LINKS" ${ARGN})
  add_library(sluice_${name} STATIC ${ROOM_SOURCES})
  target_include_directories(sluice_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(sluice_${name} PUBLIC ${ROOM_LINKS})
  if(ROOM_COLD)
    sluice_cold_flags(sluice_${name})
  else()
    sluice_flags(sluice_${name})
  endif()
  if(NOT ROOM_PRECOMPILED AND ROOM_ASIO)
    set(ROOM_PRECOMPILED asio)
  elseif(NOT ROOM_PRECOMPILED)
    set(ROOM_PRECOMPILED standard)
  endif()
  sluice_precompiled(sluice_${name} ${ROOM_PRECOMPILED})
  if(ROOM_ASIO)
    target_link_libraries(sluice_${name} PUBLIC Boost::headers Threads::Threads)
  endif()
  if(SLUICE_TESTS AND ROOM_TESTS)
    add_executable(${name}_tests ${ROOM_TESTS})
    target_link_libraries(${name}_tests PRIVATE sluice_${name} ${ROOM_TEST_LINKS})
    sluice_tests(${name}_tests ${name})
  endif()
endfunction()
