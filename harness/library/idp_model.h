/* idp_model.h: model files, above libidp: reads a network that `idp train` wrote, runs it at a percentage chosen
 * for each call, refines a result, keeps to a time.
 *
 *     idp_model *model;
 *     idp_session *session;
 *     idp_model_load("digits.safetensors", NULL, &model, NULL, 0);
 *     idp_session_create(model, 1, &session);
 *     idp_session_run(session, 30, 1, x, y);
 *
 * A model is read-only and serves any number of threads at once; each thread has a session of its own. What is
 * called `create` or `load` or `calibrate` allocates; running and refining never do.
 */
#ifndef IDP_MODEL_H
#define IDP_MODEL_H

#include "idp.h"
#include "idp_budget.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- a model ----------------------------------------------------------------------------------------------- */

/* A network, packed for a back end. */
typedef struct idp_model idp_model;

/* Reads and checks a model file and packs it for the back end of that name (NULL: IDP_BACKEND, else the fastest
 * here). On failure, what is wrong goes to `why` as one line, cut to why_size bytes; why may be NULL. */
idp_status idp_model_load(const char *path, const char *backend, idp_model **model, char *why, size_t why_size);

/* Frees it, after its sessions; NULL is fine. */
void idp_model_free(idp_model *model);

/* Floats of one sample that goes in. */
size_t idp_model_inputs(const idp_model *model);

/* Floats of one result: a score for each class, before softmax. */
size_t idp_model_outputs(const idp_model *model);

/* Number of profiles: parts of the range of percentages, each with coefficients of its own. */
size_t idp_model_profiles(const idp_model *model);

/* The profile whose part holds the percentage: what sessions run it with. */
size_t idp_model_profile_at(const idp_model *model, double percent);

/* The back end that it is packed for. */
const idp_backend *idp_model_backend(const idp_model *model);

/* The network, for the functions of idp.h. It lives as long as the model. */
const idp_mlp *idp_model_network(const idp_model *model);

/* ---- a session --------------------------------------------------------------------------------------------- */

/* The memory in which one thread runs a model. */
typedef struct idp_session idp_session;

/* For up to `samples` samples a call, at least 1. The model must outlive it. */
idp_status idp_session_create(const idp_model *model, size_t samples, idp_session **session);

/* Frees it; NULL is fine. */
void idp_session_destroy(idp_session *session);

/* Runs `samples` samples with `percent` of the channels. x: [samples][inputs], y: [samples][outputs]. */
idp_status idp_session_run(idp_session *session, double percent, size_t samples, const float *x, float *y);

/* As idp_session_run, and keeps what idp_session_refine goes on from. */
idp_status idp_session_start(idp_session *session, double percent, size_t samples, const float *x, float *y);

/* The results of what was started at a percentage not below the last one, for the price of what is new. x is the
 * same as then. IDP_BAD_ARGUMENT where nothing was started. */
idp_status idp_session_refine(idp_session *session, double percent, const float *x, float *y);

/* ---- a session within a time ------------------------------------------------------------------------------- */

/* Measures inferences of `samples` samples at 1, 2, ... 100 %, for about `seconds` (0: half a second); where that
 * is too short, at every 2nd, 5th or 10th percent. */
idp_status idp_session_calibrate(idp_session *session, size_t samples, double seconds,
                                 idp_calibration *calibration);

/* As idp_session_calibrate, at these percentages alone: percent[levels], ascending, 0 to 100; levels: 1 to
 * IDP_BUDGET_LEVELS. For a network that is accurate at some percentages only: a budget then chooses among them. */
idp_status idp_session_calibrate_at(idp_session *session, size_t samples, double seconds, const double *percent,
                                    size_t levels, idp_calibration *calibration);

/* Runs with the largest percentage that fits time_ns, and tells the budget how long it took. choice may be NULL. */
idp_status idp_session_run_within(idp_session *session, idp_budget *budget, double time_ns, const float *x,
                                  float *y, idp_choice *choice);

#ifdef __cplusplus
}
#endif
#endif
