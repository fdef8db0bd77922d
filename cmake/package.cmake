# Debian packages: `cpack -G DEB` in a build directory of the preset release.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME xconnect)
set(CPACK_PACKAGE_VENDOR xconnect)
set(CPACK_PACKAGE_CONTACT "xconnect maintainers <maintainers@xconnect.invalid>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR}/packages)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_SOURCE_DIR}/packaging/debian/finish.cmake)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_COMPONENTS_ALL programs podman crio lxc vchan)
set(CPACK_STRIP_FILES ON)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64")
  set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE arm64)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^arm")
  set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE armhf)
endif()
set(version "${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}")

# A line of its own for what the package is; the others begin with one blank (deb-control(5)).
function(xc_package component name section summary text)
  string(TOUPPER ${component} key)
  set(CPACK_DEBIAN_${key}_PACKAGE_NAME ${name} PARENT_SCOPE)
  set(CPACK_DEBIAN_${key}_PACKAGE_SECTION ${section} PARENT_SCOPE)
  set(CPACK_DEBIAN_${key}_DESCRIPTION "${summary}\n${text}" PARENT_SCOPE)
endfunction()

xc_package(programs xconnect admin "give containers exactly the services they were granted"
  "Hooks of container engines (runc, crun, podman, LXC, Pantavisor) that plant\nsockets and devices into containers before their first instruction runs, and\nmediate what is said over them: HTTP, D-Bus, Wayland, raw sockets.")
xc_package(podman xconnect-podman admin "xconnect for podman: files of hooks.d"
  "With this package podman calls xconnect for containers that have an\nio.xconnect annotation.")
xc_package(crio xconnect-crio admin "xconnect for CRI-O: files of hooks.d"
  "With this package CRI-O calls xconnect for containers that have an\nio.xconnect annotation. CRI-O does not start with podman's package, which\nregisters a stage that podman alone has.")
xc_package(lxc xconnect-lxc admin "xconnect for LXC: lines of common.conf.d"
  "With this package LXC calls xconnect for containers whose configuration\nincludes common.conf.")
xc_package(vchan libvchan-socket-dev libdevel "vchan over local sockets and shared memory"
  "The vchan interface for two containers or processes of one machine, as a\nshared and a static library.")
# An engine passes over a hook whose program is not there yet, in silence: the program comes first.
foreach(key PODMAN CRIO LXC)
  set(CPACK_DEBIAN_${key}_PACKAGE_PREDEPENDS "xconnect (= ${version})")
  set(CPACK_DEBIAN_${key}_PACKAGE_ARCHITECTURE all)
endforeach()
set(CPACK_DEBIAN_PODMAN_PACKAGE_ENHANCES podman)
set(CPACK_DEBIAN_CRIO_PACKAGE_ENHANCES cri-o)
set(CPACK_DEBIAN_CRIO_PACKAGE_CONFLICTS xconnect-podman)
set(CPACK_DEBIAN_PODMAN_PACKAGE_CONFLICTS "xconnect-crio, cri-o")
set(CPACK_DEBIAN_LXC_PACKAGE_ENHANCES lxc)
set(CPACK_DEBIAN_VCHAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_VCHAN_PACKAGE_CONTROL_EXTRA ${CMAKE_SOURCE_DIR}/packaging/debian/triggers)
include(CPack)
