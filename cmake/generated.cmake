# Tables made at build time from reviewed data files.
set(XC_GENERATED_DIR ${CMAKE_BINARY_DIR}/generated)
file(MAKE_DIRECTORY ${XC_GENERATED_DIR})
add_custom_target(xc_generated)
