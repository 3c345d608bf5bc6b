# How this project's targets are made: warnings are errors in our code, never in generated code.

function(chat_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Werror)
endfunction()

# chat_library(NAME): every .cc of the current folder (not of its subfolders) is one static library.
# Arguments after the name are the libraries that it links, public.
function(chat_library name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  add_library(${name} STATIC ${sources})
  target_link_libraries(${name} PUBLIC ${ARGN})
  chat_warnings(${name})
endfunction()

# chat_tool(NAME): every .cc of the current folder is the program NAME in build/PRESET/bin.
function(chat_tool name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE ${ARGN})
  chat_warnings(${name})
endfunction()

# What the thread sanitizer's build needs: every test program labelled `threads`. And every fuzz
# target.
add_custom_target(chat_thread_tests)
add_custom_target(chat_fuzz_targets)

# chat_tests(NAME [LABELS l…] [LIBS lib…]): all *_test.cc below the current folder are one
# GoogleTest program.
function(chat_tests name)
  cmake_parse_arguments(arg "" "" "LABELS;LIBS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE ${arg_LIBS} GTest::gtest GTest::gmock GTest::gtest_main)
  chat_warnings(${name})
  set(properties TIMEOUT 240)
  if(arg_LABELS)
    list(APPEND properties LABELS "${arg_LABELS}")
  endif()
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60 PROPERTIES ${properties})
  if("threads" IN_LIST arg_LABELS)
    add_dependencies(chat_thread_tests ${name})
  endif()
endfunction()
