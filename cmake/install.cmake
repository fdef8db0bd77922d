# What is installed, in components: programs; how podman and LXC are told to call them, each apart, because to install
# that is to switch it on; libvchan-socket (cmake/vchan.cmake). Manual pages and completions: installed.cmake.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)  # who packs has built, and decides what
set(XC_SHARE share/xconnect)
string(REGEX REPLACE "^/(usr/(local/)?)?" "" XC_LIBEXEC ${XC_LIBEXECDIR})  # below whatever prefix is named
set(XC_FILES ${CMAKE_BINARY_DIR}/files)
file(GLOB XC_TEMPLATES CONFIGURE_DEPENDS packaging/files/*.in)
foreach(template IN LISTS XC_TEMPLATES)
  get_filename_component(name ${template} NAME)
  string(REGEX REPLACE "\\.in$" "" name ${name})
  configure_file(${template} ${XC_FILES}/${name} @ONLY)
endforeach()

install(TARGETS xc-hook xc-precreate xc-shim RUNTIME DESTINATION ${XC_LIBEXEC} COMPONENT programs)
foreach(program xc-inject vchan-cat)
  install(TARGETS ${program} RUNTIME DESTINATION bin COMPONENT programs)
endforeach()
file(GLOB XC_SCHEMAS CONFIGURE_DEPENDS schemas/*.schema.json)
install(FILES ${XC_SCHEMAS} DESTINATION ${XC_SHARE}/schemas COMPONENT programs)
install(FILES README.md DESTINATION share/doc/xconnect COMPONENT programs)
install(FILES ${XC_FILES}/args.json DESTINATION share/doc/xconnect/examples/pantavisor COMPONENT programs)
install(FILES ${XC_FILES}/config-hooks.json DESTINATION share/doc/xconnect/examples/oci COMPONENT programs)
install(FILES ${XC_FILES}/50-xconnect.json ${XC_FILES}/50-xconnect-end.json ${XC_FILES}/50-xconnect-variables.json
  DESTINATION share/doc/xconnect/examples/hooks.d COMPONENT programs)
install(FILES ${XC_FILES}/50-xconnect.conf DESTINATION share/doc/xconnect/examples/lxc COMPONENT programs)

install(FILES ${XC_FILES}/50-xconnect.json ${XC_FILES}/50-xconnect-end.json ${XC_FILES}/50-xconnect-variables.json
  DESTINATION share/containers/oci/hooks.d COMPONENT podman EXCLUDE_FROM_ALL)
install(FILES ${XC_FILES}/50-xconnect.json ${XC_FILES}/50-xconnect-end.json
  DESTINATION share/containers/oci/hooks.d COMPONENT crio EXCLUDE_FROM_ALL)
install(FILES ${XC_FILES}/50-xconnect.conf DESTINATION share/lxc/config/common.conf.d COMPONENT lxc EXCLUDE_FROM_ALL)
