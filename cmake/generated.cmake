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
foreach(filter worker reader agent)
  set(list ${CMAKE_SOURCE_DIR}/lib/sys/filters/${filter}.list)
  add_custom_command(OUTPUT ${XC_GENERATED_DIR}/${filter}_filter.inc DEPENDS ${generator} ${list}
    COMMAND ${generator} ${filter} ${list} ${XC_SECCOMP_ARCH} > ${XC_GENERATED_DIR}/${filter}_filter.inc VERBATIM)
  list(APPEND XC_GENERATED ${XC_GENERATED_DIR}/${filter}_filter.inc)
endforeach()

# Wayland: every protocol file that is installed, and the reviewed list of roles (lib/mediate/wl_roles.list). What no file
# defines can never be shown to a client.
set(XC_WAYLAND_XML "" CACHE STRING "more protocol files, or directories of them: a site's own, newer ones")
find_package(PkgConfig REQUIRED)
pkg_get_variable(core_protocol wayland-scanner pkgdatadir)
pkg_get_variable(protocols wayland-protocols pkgdatadir)
file(GLOB_RECURSE XC_PROTOCOLS CONFIGURE_DEPENDS ${core_protocol}/wayland.xml ${protocols}/*.xml)
file(GLOB_RECURSE more CONFIGURE_DEPENDS /usr/share/plasma-wayland-protocols/*.xml  # KDE's
     /usr/share/cargo/registry/wayland-protocols-*/*.xml)                           # those of wlroots
list(APPEND XC_PROTOCOLS ${more})
foreach(place IN LISTS XC_WAYLAND_XML)
  if(IS_DIRECTORY ${place})
    file(GLOB_RECURSE place CONFIGURE_DEPENDS ${place}/*.xml)
  endif()
  list(APPEND XC_PROTOCOLS ${place})
endforeach()
list(APPEND XC_PROTOCOLS ${CMAKE_SOURCE_DIR}/schemas/security-context-v1.xml)  # the last: an installed one counts
set(generator ${CMAKE_BINARY_DIR}/gen_wayland)
set(sources ${CMAKE_SOURCE_DIR}/cmake/gen_wayland.cc ${CMAKE_SOURCE_DIR}/cmake/gen_wayland_xml.cc)
add_custom_command(OUTPUT ${generator} DEPENDS ${sources} ${CMAKE_SOURCE_DIR}/cmake/gen_wayland.h
  COMMAND ${XC_HOST_CXX} -std=c++20 -O1 -o ${generator} ${sources} -lexpat VERBATIM)
set(roles ${CMAKE_SOURCE_DIR}/lib/mediate/wl_roles.list)
set(table ${XC_GENERATED_DIR}/wayland_tables.inc)
add_custom_command(OUTPUT ${table} DEPENDS ${generator} ${roles} ${XC_PROTOCOLS}
  COMMAND ${generator} ${roles} ${XC_PROTOCOLS} > ${table} VERBATIM)
list(APPEND XC_GENERATED ${table})
add_custom_target(xc_generated DEPENDS ${XC_GENERATED})
