# Debian's cross compiler for the architecture that the preset names, XC_CROSS (arm64 or armhf), with the libraries of that
# architecture as packages (packages.txt, purpose cross; dpkg --add-architecture). Unit tests run under qemu-user.
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES XC_CROSS)  # this file is read again for every check of the compiler
set(CMAKE_SYSTEM_NAME Linux)
if(XC_CROSS STREQUAL "arm64")
  set(CMAKE_SYSTEM_PROCESSOR aarch64)
  set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
elseif(XC_CROSS STREQUAL "armhf")
  set(CMAKE_SYSTEM_PROCESSOR arm)
  set(CMAKE_LIBRARY_ARCHITECTURE arm-linux-gnueabihf)
else()
  message(FATAL_ERROR "XC_CROSS is \"${XC_CROSS}\"; known are arm64 and armhf: cmake --preset arm64")
endif()
set(CMAKE_C_COMPILER ${CMAKE_LIBRARY_ARCHITECTURE}-gcc)
set(CMAKE_CXX_COMPILER ${CMAKE_LIBRARY_ARCHITECTURE}-g++)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-${CMAKE_SYSTEM_PROCESSOR}-static -L /usr/${CMAKE_LIBRARY_ARCHITECTURE})
