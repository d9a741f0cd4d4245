/* peers.c: the libraries of this build, found by enumeration. PEERS_<ID>, or PEERS_<ID>_ABSENT with the reason,
 * comes from CMake. */
#include "peers.h"

#include <string.h>

#include "library.h"

static const struct {
    peer_library library;
    const peer_table *table;
} known[] = {
#ifdef PEERS_OPENBLAS
    {{"OpenBLAS", "openblas", "libopenblas-dev", NULL}, &peers_openblas},
#else
    {{"OpenBLAS", "openblas", "libopenblas-dev", PEERS_OPENBLAS_ABSENT}, NULL},
#endif
#ifdef PEERS_ONEDNN
    {{"oneDNN", "onednn", "libdnnl-dev", NULL}, &peers_onednn},
#else
    {{"oneDNN", "onednn", "libdnnl-dev", PEERS_ONEDNN_ABSENT}, NULL},
#endif
#ifdef PEERS_XSMM
    {{"libxsmm", "xsmm", "libxsmm-dev", NULL}, &peers_xsmm},
#else
    {{"libxsmm", "xsmm", "libxsmm-dev", PEERS_XSMM_ABSENT}, NULL},
#endif
#ifdef PEERS_BLIS
    {{"BLIS", "blis", "libblis-dev", NULL}, &peers_blis},
#else
    {{"BLIS", "blis", "libblis-dev", PEERS_BLIS_ABSENT}, NULL},
#endif
};
enum { KNOWN = sizeof known / sizeof known[0] };

size_t peer_count(void) {
    size_t count = 0;
    for (size_t l = 0; l < KNOWN; l++) count += known[l].table != NULL ? known[l].table->count : 0;
    return count;
}

const peer *peer_at(size_t index) {
    for (size_t l = 0; l < KNOWN; l++) {
        if (known[l].table == NULL) continue;
        if (index < known[l].table->count) return &known[l].table->rows[index];
        index -= known[l].table->count;
    }
    return NULL;
}

const peer *peer_find(const char *name) {
    for (size_t i = 0; i < peer_count(); i++)
        if (strcmp(peer_at(i)->name, name) == 0) return peer_at(i);
    return NULL;
}

size_t peer_library_count(void) { return KNOWN; }

const peer_library *peer_library_at(size_t index) { return index < KNOWN ? &known[index].library : NULL; }

static const peer_table *table_of(const char *library) {
    for (size_t l = 0; l < KNOWN; l++)
        if (strcmp(known[l].library.name, library) == 0) return known[l].table;
    return NULL;
}

const char *peer_library_version(const char *library) {
    const peer_table *table = table_of(library);
    return table != NULL ? table->version() : "";
}

const char *peer_library_target(const char *library) {
    const peer_table *table = table_of(library);
    return table != NULL ? table->target() : "";
}

/* BLIS 0.9 wants the number of its arch_t, and takes every word for 0, which is skx; blis.c checks the numbers. It
 * is told one even where it is not held back: see there. */
#define ONE_THREAD "OPENBLAS_NUM_THREADS=1", "OMP_NUM_THREADS=1", "BLIS_NUM_THREADS=1"

const char *const *peer_environment(const char *backend) {
    static const char *const avx2[] = {ONE_THREAD,
                                       "IDP_CPU_DISABLE=avx512f",
                                       "OPENBLAS_CORETYPE=Haswell",
                                       "ONEDNN_MAX_CPU_ISA=AVX2",
                                       "LIBXSMM_TARGET=hsw",
                                       "BLIS_ARCH_TYPE=3",
                                       NULL};
    static const char *const avx512f[] = {ONE_THREAD, "BLIS_ARCH_TYPE=0", NULL};
    static const char *const native[] = {ONE_THREAD, NULL};
    return strcmp(backend, "avx2") == 0 ? avx2 : strcmp(backend, "avx512f") == 0 ? avx512f : native;
}
