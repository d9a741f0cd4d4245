/* libraries.c: what a library does not tell itself comes from CMake, as a definition of this one file. */
#include "libraries.h"

#include <stdio.h>
#include <zlib.h>
#ifdef LIBRARIES_CPUID
#include <libcpuid/libcpuid.h>
#endif
#ifdef LIBRARIES_ZYDIS
#include <Zydis/Zydis.h>
#endif
#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif

#include "../peers/peers.h"

static void add(json_t *object, const char *name, const char *version) {
    if (version[0] != '\0') json_object_set_new(object, name, json_string(version));
}

json_t *libraries_json(void) {
    json_t *object = json_object();
    add(object, "jansson", jansson_version_str());
    add(object, "zlib", zlibVersion());
    add(object, "benchmark", LIBRARIES_BENCHMARK);
    add(object, "libmd", LIBRARIES_LIBMD);
#ifdef LIBRARIES_CPUID
    add(object, "libcpuid", cpuid_lib_version());
#endif
#ifdef LIBRARIES_ZYDIS
    char zydis[32];
    const ZyanU64 version = ZydisGetVersion();
    snprintf(zydis, sizeof zydis, "%u.%u.%u", (unsigned)ZYDIS_VERSION_MAJOR(version),
             (unsigned)ZYDIS_VERSION_MINOR(version), (unsigned)ZYDIS_VERSION_PATCH(version));
    add(object, "zydis", zydis);
#endif
    for (size_t l = 0; l < peer_library_count(); l++) {
        const peer_library *library = peer_library_at(l);
        add(object, library->id, peer_library_version(library->name));
    }
#ifdef __GLIBC__
    add(object, "glibc", gnu_get_libc_version());
#endif
    return object;
}
