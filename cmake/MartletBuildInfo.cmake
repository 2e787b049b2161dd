# The library martlet_build_info: version, commit and compiler for `martlet --version`. The commit is asked for at each
# build; its source is rewritten, and one small file compiled, only when the answer changed.
set(build_info_source ${CMAKE_BINARY_DIR}/generated/build_info.cc)

add_custom_target(martlet_build_info_source
  COMMAND ${CMAKE_COMMAND}
    -DSOURCE_DIR=${CMAKE_SOURCE_DIR}
    -DOUTPUT=${build_info_source}
    -DVERSION=${PROJECT_VERSION}
    "-DCOMPILER=${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}"
    -P ${CMAKE_SOURCE_DIR}/cmake/build_info/generate.cmake
  BYPRODUCTS ${build_info_source}
  COMMENT "Asking git for the commit"
  VERBATIM)

add_library(martlet_build_info STATIC ${build_info_source})
target_include_directories(martlet_build_info PUBLIC ${CMAKE_SOURCE_DIR}/cmake/build_info)
add_dependencies(martlet_build_info martlet_build_info_source)
