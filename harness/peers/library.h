/* library.h: what the files of the single libraries give to peers.c. */
#ifndef HARNESS_PEERS_LIBRARY_H
#define HARNESS_PEERS_LIBRARY_H

#include "peers.h"

typedef struct peer_table {
    const peer *rows;
    size_t count;
    const char *(*version)(void);
    const char *(*target)(void); /* what it takes this processor for */
} peer_table;

extern const peer_table peers_openblas, peers_onednn, peers_xsmm, peers_blis; /* where they are in the build */

/* Where there is something to do. */
bool peer_serves_any(const peer_job *job);

#endif
