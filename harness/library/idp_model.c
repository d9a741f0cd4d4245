/* idp_model.c: a model file, read and packed. */
#include "idp_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loaded.h"

static idp_status load(const char *path, const char *backend, idp_model *loaded, error *e) {
    idp_status status = idp_backend_choose(backend, &loaded->backend);
    if (status != IDP_OK) {
        fail(e, "back end %s: %s", backend != NULL ? backend : "of IDP_BACKEND", idp_status_text(status));
        return status;
    }
    if (!model_read_any(&loaded->m, path, e)) return IDP_BAD_FILE;
    status = model_pack(&loaded->m, loaded->backend, &loaded->network);
    if (status != IDP_OK) fail(e, "%s: %s", path, idp_status_text(status));
    return status;
}

idp_status idp_model_load(const char *path, const char *backend, idp_model **out, char *why, size_t why_size) {
    if (path == NULL || out == NULL) return IDP_BAD_ARGUMENT;
    idp_model *loaded = calloc(1, sizeof *loaded);
    error e = {""};
    const idp_status status = loaded != NULL ? load(path, backend, loaded, &e) : IDP_NO_MEMORY;
    if (status == IDP_OK) {
        *out = loaded;
        return IDP_OK;
    }
    if (why != NULL) snprintf(why, why_size, "%s", loaded != NULL ? e.text : idp_status_text(status));
    idp_model_free(loaded);
    return status;
}

void idp_model_free(idp_model *loaded) {
    if (loaded == NULL) return;
    idp_mlp_destroy(loaded->network);
    model_free(&loaded->m);
    free(loaded);
}

size_t idp_model_inputs(const idp_model *loaded) { return loaded->m.width[0]; }

size_t idp_model_outputs(const idp_model *loaded) { return loaded->m.width[loaded->m.layers]; }

size_t idp_model_profiles(const idp_model *loaded) { return loaded->m.profiles; }

size_t idp_model_profile_at(const idp_model *loaded, double percent) {
    return model_profile_at(&loaded->m, percent);
}

const idp_backend *idp_model_backend(const idp_model *loaded) { return loaded->backend; }

const idp_mlp *idp_model_network(const idp_model *loaded) { return loaded->network; }
