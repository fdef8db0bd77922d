# Warnings are errors; hardening is on in every build that is not sanitized.
set(XC_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Wnon-virtual-dtor
    -Woverloaded-virtual -Wswitch-enum -Wcast-align -Wformat=2 -Wno-missing-field-initializers -Werror)
add_compile_options(${XC_WARNINGS})
add_compile_definitions(_GNU_SOURCE XC_LIBEXECDIR="${XC_LIBEXECDIR}" XC_VERSION="${PROJECT_VERSION}")

if(CMAKE_SYSTEM_PROCESSOR MATCHES "^arm")
  add_compile_options(-Wno-psabi)  # no program of ours is linked with what GCC 6 or older compiled
endif()
if(CMAKE_SIZEOF_VOID_P EQUAL 4)
  add_compile_definitions(_FILE_OFFSET_BITS=64 _TIME_BITS=64)  # large inodes and late clocks, as on every other machine
endif()

if(XC_SANITIZE)
  add_compile_options(-fsanitize=${XC_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${XC_SANITIZE})
  add_compile_definitions(XC_SANITIZED)
else()
  add_compile_options(-fstack-protector-strong -ftrivial-auto-var-init=zero -ffunction-sections -fdata-sections)
  if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
    add_compile_definitions(_FORTIFY_SOURCE=3)
  endif()
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|amd64")
    add_compile_options(-fcf-protection=full)
  endif()
endif()

if(XC_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)  # without it libFuzzer sees nothing of the libraries
endif()

set(XC_PROGRAM_LINK -Wl,--gc-sections -Wl,-z,relro,-z,now -Wl,-z,noexecstack)
if(XC_STATIC AND NOT XC_SANITIZE)
  include(CheckLinkerFlag)
  check_linker_flag(CXX -static-pie XC_STATIC_PIE)  # not everywhere: Debian's C library for armhf has no rcrt1.o
  list(APPEND XC_PROGRAM_LINK $<IF:$<BOOL:${XC_STATIC_PIE}>,-static-pie,-static>)
endif()

find_program(XC_CCACHE ccache)
if(XC_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${XC_CCACHE})
endif()
