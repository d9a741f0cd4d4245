/* backends.h: choosing back ends by name, with one clear line where a name is wrong or the machine can't run it. */
#ifndef HARNESS_BACKENDS_H
#define HARNESS_BACKENDS_H

#include "../kernels/idp.h"
#include "error.h"

enum { BACKENDS_MOST = 32 }; /* far above idp_backend_count() */

/* As idp_backend_choose: `name` (NULL where the user gave none), else IDP_BACKEND, else the best usable one. */
bool backend_choose(const char *name, const idp_backend **backend, error *e);

/* "scalar,avx2" into back ends, each usable here. NULL: the one that IDP_BACKEND names, or else every usable one.
 */
bool backend_list(const char *names, const idp_backend *list[BACKENDS_MOST], unsigned *count, error *e);

/* Why the back end can't run here, one clause of English; "" where it can. */
void backend_reason(const idp_backend *backend, char *reason, size_t reason_size);

/* --require-isa: "avx2,avx512f" are back ends that run here, each of them; NULL: nothing is required. */
bool backend_require(const char *names, error *e);

/* Whether the user chose: by --backend (`names`, NULL where not given) or by IDP_BACKEND. */
bool backend_forced(const char *names);

/* Whether every word of IDP_CPU_DISABLE names a feature, of this architecture or another. The library ignores those
 * that do not; a record of what was hidden would be false. */
bool backend_hidden_known(error *e);

/* The instruction set that it was made for, in the words of executed_isa_name: "avx2+fma", "scalar-sse", ... */
const char *backend_isa(const idp_backend *backend);

/* "scalar", "autovec" or "hand": who vectorised it. */
const char *backend_origin(const idp_backend *backend);

#endif
