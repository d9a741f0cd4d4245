/* example.c: a trained model within a time. Usage: example MODEL.safetensors; the same source is C and C++. */
#include <idp_model.h>
#include <stdio.h>
#include <stdlib.h>

static int complain(const char *why) {
    fprintf(stderr, "example: %s\n", why);
    return 1;
}

int main(int argc, char **argv) {
    char why[256];
    idp_model *model;
    idp_session *session;
    idp_budget *budget;
    idp_calibration calibration;
    idp_choice choice;
    if (argc != 2) return complain("which model file?");
    if (idp_model_load(argv[1], NULL, &model, why, sizeof why) != IDP_OK) return complain(why);
    float *x = (float *)calloc(idp_model_inputs(model), sizeof *x);
    float *y = (float *)calloc(idp_model_outputs(model), sizeof *y);
    if (x == NULL || y == NULL || idp_session_create(model, 1, &session) != IDP_OK) return complain("no memory");

    /* A percentage for each call; a rough answer first, and the better one for the price of the difference. */
    idp_session_start(session, 20, 1, x, y);
    idp_session_refine(session, 60, x, y);

    /* Or a time: what the full network takes, once with room and once not even for a third of it. */
    if (idp_session_calibrate(session, 1, 0.2, &calibration) != IDP_OK) return complain("cannot calibrate");
    if (idp_budget_create(&calibration, &budget) != IDP_OK) return complain("no memory");
    const double full_ns = calibration.level[calibration.levels - 1].median_ns;
    for (int tenths = 12; tenths > 0; tenths -= 9) {
        idp_session_run_within(session, budget, full_ns * tenths / 10, x, y, &choice);
        printf("%4.0f ns: %3g %% of the channels, profile %d\n", full_ns * tenths / 10, choice.percent,
               (int)choice.profile);
    }

    idp_budget_destroy(budget), idp_session_destroy(session), idp_model_free(model), free(x), free(y);
    return 0;
}
