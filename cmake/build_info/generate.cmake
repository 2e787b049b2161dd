# Run by the build: writes OUTPUT from build_info.cc.in, and leaves it untouched if nothing changed.
execute_process(
  COMMAND git describe --always --dirty --exclude=* --abbrev=12
  WORKING_DIRECTORY ${SOURCE_DIR}
  OUTPUT_VARIABLE COMMIT
  OUTPUT_STRIP_TRAILING_WHITESPACE
  ERROR_QUIET
  RESULT_VARIABLE outcome)
if(NOT outcome EQUAL 0)
  set(COMMIT "unknown")
endif()
string(REPLACE "GNU " "g++ " COMPILER "${COMPILER}")
string(REPLACE "Clang " "clang++ " COMPILER "${COMPILER}")
configure_file(${CMAKE_CURRENT_LIST_DIR}/build_info.cc.in ${OUTPUT} @ONLY)
