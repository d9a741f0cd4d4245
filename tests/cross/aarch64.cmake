# The aarch64 cross build on an x86-64 machine (preset aarch64): Debian's cross compilers, the libraries that
# tests/cross/sysroot fetched into build/aarch64-sysroot, and QEMU's user mode to run what was built, so that ctest
# just works (with CK_FORK=no, which the preset sets: Check's fork mode hangs under it).
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)

get_filename_component(sysroot ${CMAKE_CURRENT_LIST_DIR}/../../build/aarch64-sysroot ABSOLUTE)
if(NOT EXISTS ${sysroot}/complete)
  message(FATAL_ERROR "no arm64 libraries in ${sysroot}: run tests/cross/sysroot build/aarch64-sysroot first")
endif()
set(libraries ${sysroot}/usr/lib/aarch64-linux-gnu)

# Programs are this machine's; everything else is the sysroot's and never this machine's.
set(CMAKE_FIND_ROOT_PATH ${sysroot} /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${sysroot})
set(ENV{PKG_CONFIG_LIBDIR} ${libraries}/pkgconfig:${sysroot}/usr/share/pkgconfig)
set(ENV{PKG_CONFIG_PATH} "")

# The linker looks for the libraries of libraries there.
set(CMAKE_EXE_LINKER_FLAGS_INIT "-Wl,-rpath-link,${libraries}:${sysroot}/lib/aarch64-linux-gnu")
set(CMAKE_CROSSCOMPILING_EMULATOR ${CMAKE_CURRENT_LIST_DIR}/emulate)
