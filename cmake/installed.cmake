# Manual pages and completions, made from the programs themselves; the rest of what is installed: install.cmake.
include(GNUInstallDirs)

set(XC_MAN_DIR ${CMAKE_BINARY_DIR}/man)
set(XC_COMPLETION_DIR ${CMAKE_BINARY_DIR}/completions)
file(MAKE_DIRECTORY ${XC_MAN_DIR} ${XC_COMPLETION_DIR})
set(XC_MADE "")
file(GLOB XC_SCHEMAS CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/schemas/*.schema.json)

# xc_page(NAME SECTION [ARGUMENT...]): a manual page that `xc-inject man` says.
function(xc_page name section)
  set(page ${XC_MAN_DIR}/${name}.${section})
  add_custom_command(OUTPUT ${page} COMMAND xc-inject man ${name} ${ARGN} > ${page}
                     DEPENDS xc-inject ${XC_SCHEMAS} COMMENT "manual page ${name}(${section})" VERBATIM)
  install(FILES ${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section} COMPONENT programs OPTIONAL)
  set(XC_MADE ${XC_MADE} ${page} PARENT_SCOPE)
endfunction()

# xc_completion(SHELL FILE DIRECTORY)
function(xc_completion shell file directory)
  set(script ${XC_COMPLETION_DIR}/${file})
  add_custom_command(OUTPUT ${script} COMMAND xc-inject completion ${shell} > ${script}
                     DEPENDS xc-inject COMMENT "completion for ${shell}" VERBATIM)
  install(FILES ${script} DESTINATION ${CMAKE_INSTALL_DATADIR}/${directory} COMPONENT programs OPTIONAL)
  set(XC_MADE ${XC_MADE} ${script} PARENT_SCOPE)
endfunction()

xc_page(xc-inject 1)
xc_page(xc-hook 8)
xc_page(xc-shim 8)
xc_page(xconnect 7)
foreach(document run services args policy rules)
  xc_page(xconnect-${document} 5 --schema ${CMAKE_SOURCE_DIR}/schemas/${document}.schema.json)
endforeach()
xc_completion(bash xc-inject bash-completion/completions)
xc_completion(zsh _xc-inject zsh/site-functions)
xc_completion(fish xc-inject.fish fish/vendor_completions.d)
add_custom_target(xc_documents ALL DEPENDS ${XC_MADE})
