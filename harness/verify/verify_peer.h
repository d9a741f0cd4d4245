/* verify_peer.h: other people's libraries against the oracle, on the cases that our kernels get. */
#ifndef HARNESS_VERIFY_PEER_H
#define HARNESS_VERIFY_PEER_H

#include "../peers/peers.h"
#include "verify.h"

/* As verify_kernel: values within the derived bound, integers bit for bit, special values by class, NaN planted
 * beyond k and m, guard pages and canaries around x, y and the weights. Left out: cases of which m, k or the batch
 * is 0, which nobody hands to a library. What peer->liberties names is excused. */
bool verify_peer(const peer *p, uint64_t seed, uint64_t random_cases, verify_report *report);

/* The one case of that number, as verify_peer with that seed runs it; true without running it where it is left out.
 */
bool verify_peer_case(const peer *p, uint64_t seed, uint64_t number, verify_report *report);

#endif
