#include "epoch_torch.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "epoch_torch_script.h"

enum { ROUNDS = 6 /* the range of six holds the median with 96.9 % */, ANSWER = 128 };

/* The script's process and its two pipes. */
typedef struct child {
    pid_t pid;
    FILE *to, *from;
} child;

static void child_end(child *c) {
    if (c->to != NULL) fclose(c->to);
    if (c->from != NULL) fclose(c->from);
    if (c->pid > 0) waitpid(c->pid, NULL, 0);
}

static bool child_start(child *c, size_t count, size_t inputs) {
    int in[2], out[2];
    char images_text[32], inputs_text[32];
    snprintf(images_text, sizeof images_text, "%zu", count);
    snprintf(inputs_text, sizeof inputs_text, "%zu", inputs);
    *c = (child){0};
    if (pipe(in) != 0) return false;
    if (pipe(out) != 0) {
        close(in[0]);
        close(in[1]);
        return false;
    }
    fflush(NULL);
    c->pid = fork();
    if (c->pid == 0) {
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        close(in[0]);
        close(in[1]);
        close(out[0]);
        close(out[1]);
        execl("/usr/bin/python3", "python3", "-c", epoch_torch_script, images_text, inputs_text, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    c->to = fdopen(in[1], "w");
    c->from = fdopen(out[0], "r");
    return c->pid > 0 && c->to != NULL && c->from != NULL;
}

static bool rounds(child *c, const epoch_loop *against, const images *train, uint64_t seed, double *theirs,
                   double *ours) {
    char answer[ANSWER];
    if (fgets(answer, sizeof answer, c->from) == NULL) return false;
    for (size_t r = 0; r <= ROUNDS; r++) { /* round 0 warms up */
        if (interrupted() || fputs("\n", c->to) < 0 || fflush(c->to) != 0 ||
            fgets(answer, sizeof answer, c->from) == NULL)
            return false;
        const size_t at = r > 0 ? r - 1 : 0;
        theirs[at] = strtod(answer, NULL);
        if (!(theirs[at] > 0) || !epoch_once(against, train, seed + r, &ours[at])) return false;
    }
    return true;
}

bool epoch_torch(const epoch_loop *against, const images *train, size_t classes, uint64_t seed, double peak_gflops,
                 epoch_time *time, char *reason, size_t reason_size) {
    if (system("/usr/bin/python3 -c 'import torch' 2>/dev/null") != 0) {
        snprintf(reason, reason_size, "not installed (Debian: python3-torch)");
        return false;
    }
    child c;
    double theirs[ROUNDS], ours[ROUNDS], scratch[ROUNDS];
    void (*pipe_handler)(int) = signal(SIGPIPE, SIG_IGN); /* a script that dies is an answer, not our end */
    const size_t inputs = train->rows * train->columns;
    const bool done = child_start(&c, train->count, inputs) && rounds(&c, against, train, seed, theirs, ours);
    child_end(&c);
    signal(SIGPIPE, pipe_handler);
    if (!done) {
        snprintf(reason, reason_size, "the script for PyTorch failed");
        return false;
    }
    *time = (epoch_time){.loss = NAN};
    stats_ratio_interval(theirs, ours, ROUNDS, 0.95, scratch, &time->ratio);
    stats_sort(theirs, ROUNDS);
    stats_median_interval(theirs, ROUNDS, 0.95, &time->seconds);
    const double flops = (double)train->count * epoch_flops_per_sample(inputs, classes, 1);
    time->multiplied = 1;
    time->roof_percent = 100e-9 * flops / (time->seconds.median * peak_gflops);
    return true;
}
