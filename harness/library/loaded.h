/* loaded.h: what the files of idp_model.h share. */
#ifndef HARNESS_LOADED_H
#define HARNESS_LOADED_H

#include "idp_model.h"
#include "model.h"

struct idp_model {
    model m;
    const idp_backend *backend;
    idp_mlp *network;
};

#endif
