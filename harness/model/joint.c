/* joint.c: training all profiles of a model together: the recipe `best`; docs/best.md tells why. */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "matrix.h"
#include "train_parts.h"

/* Every channel learns from the weighted mean of the widths that use it: its own part's counts 1, each wider one
 * wider_share times the one before. So the last channels, which one width uses, learn as fast as the first, which
 * all use, and a narrow profile has the greater say in its own channels. */
static void fill_mix(joint *j, size_t n, double wider_share) {
    for (size_t i = 0; i < n; i++) {
        double weight[MODEL_MAX_PROFILES] = {0}, next = 1, sum = 0;
        for (size_t p = 0; p < j->profiles; p++) {
            if (i >= j->k[p]) continue;
            sum += weight[p] = next;
            next *= wider_share;
        }
        for (size_t p = 0; p < j->profiles && sum > 0; p++) j->mix[p * n + i] = (float)(weight[p] / sum);
    }
}

bool joint_create(joint *j, const model *m, double wider_share) {
    const size_t n = m->width[1], in = m->width[m->layers - 1], out = m->width[m->layers];
    *j = (joint){.profiles = m->profiles, .mix = floats_new(m->profiles * n)};
    bool allocated = j->mix != NULL;
    for (size_t p = 0; p < j->profiles && allocated; p++) {
        j->k[p] = idp_prefix(n, m->profile[p].to_percent);
        j->own[p] = (gradient_own){.last = m->profile[p].layer[m->layers - 1], .gamma = m->profile[p].gamma[1]};
        allocated = (j->own[p].dw = floats_new(out * in)) && (j->own[p].db = floats_new(out)) &&
                    (j->own[p].dgamma = floats_new(n)) && (j->velocity_w[p] = floats_new(out * in)) &&
                    (j->velocity_b[p] = floats_new(out)) && (j->velocity_gamma[p] = floats_new(n));
    }
    if (allocated) fill_mix(j, n, wider_share);
    return allocated;
}

void joint_free(joint *j) {
    for (size_t p = 0; p < j->profiles; p++) {
        free(j->own[p].dw);
        free(j->own[p].db);
        free(j->own[p].dgamma);
        free(j->velocity_w[p]);
        free(j->velocity_b[p]);
        free(j->velocity_gamma[p]);
    }
    free(j->mix);
    *j = (joint){0};
}

/* What is minimised is the sum of the square roots of the profiles' losses, scaled to leave the first profile's
 * gradient as it is: wide profiles, whose losses are soon a tenth of a narrow one's, go on being heard. */
void joint_weigh(const double *recent_loss, size_t profiles, float *weight) {
    for (size_t p = 0; p < profiles; p++) weight[p] = (float)sqrt(recent_loss[0] / fmax(recent_loss[p], DBL_MIN));
}

void joint_follow(const double *loss, size_t profiles, double *recent_loss) {
    static const double latest = 0.02; /* so it remembers about 50 steps */
    for (size_t p = 0; p < profiles; p++) recent_loss[p] += latest * (loss[p] - recent_loss[p]);
}

/* As the kernel that moves the shared weights: see idp_train_weights for the velocities that become 0. */
static void move(size_t count, float momentum, float lr, float decay, const float *g, float *v, float *w) {
    for (size_t i = 0; i < count; i++) {
        const float next = momentum * v[i] - lr * (g[i] + decay * w[i]);
        v[i] = fabsf(next) < FLT_MIN ? 0 : next;
        w[i] += v[i];
    }
}

void joint_update(const joint *j, model *m, float momentum, float lr, float decay) {
    for (size_t p = 0; p < j->profiles; p++) {
        const gradient_own *own = &j->own[p];
        model_layer *last = m->profile[p].layer[m->layers - 1];
        move(last->out * last->in, momentum, lr, decay, own->dw, j->velocity_w[p], last->w);
        move(last->out, momentum, lr, 0, own->db, j->velocity_b[p], last->b);
        move(m->width[1], momentum, lr, 0, own->dgamma, j->velocity_gamma[p], m->profile[p].gamma[1]);
    }
}
