# Compiler, warnings and the switches that presets turn: everything that holds for the whole tree.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
# No NDEBUG: assertions stay on in what users run. -g1 gives back traces with lines at little size.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g")

option(MARTLET_TESTS "Build the tests" ON)
option(MARTLET_BENCH "Build the benchmarks" OFF)
option(MARTLET_FUZZ "Build the fuzz targets (clang only)" OFF)
set(MARTLET_SANITIZE "" CACHE STRING "Sanitizers: address,undefined or thread")

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

add_compile_options(-Wall -Wextra -Wshadow -Wconversion -Wnon-virtual-dtor -Wold-style-cast -Woverloaded-virtual
                    -fno-plt)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-Werror)
else()
  # clang builds the fuzz targets only; what it warns about fails `./dev check` through clang-tidy instead. Its
  # -Wconversion takes in sign conversions, which g++ leaves out in C++.
  add_compile_options(-Wno-sign-conversion -Wno-unknown-warning-option)
endif()

# A failed assertion names its file from the source root, wherever the tree was built.
add_compile_options(-fmacro-prefix-map=${CMAKE_SOURCE_DIR}/=)
# Bounds of the standard containers are checked too: a broker reads strangers' bytes.
add_compile_definitions(_GLIBCXX_ASSERTIONS)

if(MARTLET_SANITIZE)
  add_compile_options(-fsanitize=${MARTLET_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -g)
  add_link_options(-fsanitize=${MARTLET_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Instrumented code confuses g++ 12's flow analysis; the release build keeps this warning.
    add_compile_options(-Wno-maybe-uninitialized)
  endif()
endif()
if(MARTLET_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "The fuzz targets need clang: use the preset `fuzz` (./dev fuzz).")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM)
  add_link_options(-fuse-ld=mold)
endif()

find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
