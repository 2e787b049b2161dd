# A room is a folder of src/: its *.cc files make the library martlet_<room>, its *_test.cc files the test program
# <room>_test. Listing the folder keeps every test registered.
#
#   martlet_room(wire USES base [LINKS fmt::fmt ...] [CORE])
#
# CORE rooms do no I/O and throw nothing: they build with -fno-exceptions.
# Tests may use GoogleTest, GoogleMock and RapidCheck (rapidcheck/gtest.h).
function(martlet_room room)
  cmake_parse_arguments(ROOM "CORE" "" "USES;LINKS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS *.cc)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  list(FILTER sources EXCLUDE REGEX "/main\\.cc$")

  set(uses "")
  foreach(used IN LISTS ROOM_USES)
    list(APPEND uses martlet_${used})
  endforeach()

  if(sources)
    add_library(martlet_${room} STATIC ${sources})
    target_include_directories(martlet_${room} PUBLIC ${CMAKE_SOURCE_DIR}/src)
    target_link_libraries(martlet_${room} PUBLIC ${uses} ${ROOM_LINKS})
    if(ROOM_CORE)
      target_compile_options(martlet_${room} PRIVATE -fno-exceptions)
    endif()
  else()
    add_library(martlet_${room} INTERFACE)
    target_include_directories(martlet_${room} INTERFACE ${CMAKE_SOURCE_DIR}/src)
    target_link_libraries(martlet_${room} INTERFACE ${uses} ${ROOM_LINKS})
  endif()
  set_property(GLOBAL APPEND PROPERTY MARTLET_ROOMS martlet_${room})

  if(MARTLET_TESTS AND tests)
    find_package(GTest REQUIRED)
    find_package(rapidcheck REQUIRED)
    add_executable(${room}_test ${tests})
    target_link_libraries(${room}_test PRIVATE martlet_${room} GTest::gmock GTest::gtest_main rapidcheck_gtest)
    add_test(NAME ${room} COMMAND ${room}_test)
  endif()
endfunction()

# For a source that includes toml++: its errors are values, no exception leaves the parser, and it does not end the
# process where its own assertions do not hold ("[[[[a]]" in a file): it has an error for what they ask.
function(martlet_toml_source source)
  set_source_files_properties(${source} PROPERTIES
    COMPILE_DEFINITIONS TOML_EXCEPTIONS=0 COMPILE_OPTIONS "-UNDEBUG;-DTOML_ASSERT(expression)=static_assert(true)")
endfunction()
