# Tables made at build time from reviewed data files, by programs that run on the build machine.
set(XC_GENERATED_DIR ${CMAKE_BINARY_DIR}/generated)
file(MAKE_DIRECTORY ${XC_GENERATED_DIR})
set(XC_HOST_CXX "g++" CACHE STRING "compiler for programs that run during the build")

if(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64")
  set(XC_SECCOMP_ARCH aarch64)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^arm")
  set(XC_SECCOMP_ARCH arm)
else()
  set(XC_SECCOMP_ARCH x86_64)
endif()

# System call filters (lib/sys/filters/*.list).
set(generator ${CMAKE_BINARY_DIR}/gen_seccomp)
add_custom_command(OUTPUT ${generator} DEPENDS cmake/gen_seccomp.cc
  COMMAND ${XC_HOST_CXX} -std=c++20 -O1 -o ${generator} ${CMAKE_SOURCE_DIR}/cmake/gen_seccomp.cc -lseccomp VERBATIM)
foreach(filter worker reader)
  set(list ${CMAKE_SOURCE_DIR}/lib/sys/filters/${filter}.list)
  add_custom_command(OUTPUT ${XC_GENERATED_DIR}/${filter}_filter.inc DEPENDS ${generator} ${list}
    COMMAND ${generator} ${filter} ${list} ${XC_SECCOMP_ARCH} > ${XC_GENERATED_DIR}/${filter}_filter.inc VERBATIM)
  list(APPEND XC_GENERATED ${XC_GENERATED_DIR}/${filter}_filter.inc)
endforeach()
add_custom_target(xc_generated DEPENDS ${XC_GENERATED})
