/* cmd_inspect.c: `idp inspect`: what a model file holds. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "model/model.h"

static const char help[] =
    "Usage: idp inspect MODEL.safetensors\n"
    "\n"
    "Checks a model file and prints its facts: recipe, profiles, layers, settings, and the FLOPs\n"
    "of one sample at every tenth of the range.\n";

static void print_head(const model *m) {
    char label[256];
    model_label(m, label, sizeof label);
    printf("Model      %s\n", label);
    printf("Data       %s\n", m->data_name);
    printf("Seed       %llu\n", (unsigned long long)m->seed);
    printf("Network    ");
    for (size_t h = 0; h <= m->layers; h++)
        printf("%s%zu%s", h > 0 ? "-" : "", m->width[h], m->incomplete[h] ? "*" : "");
    printf("   (* follows the percentage)\n");
    printf("Settings  ");
    for (size_t i = 0; i < m->settings; i++) printf(" %s=%s", m->setting[i].key, m->setting[i].value);
    printf("\n");
}

/* Whether layer l of profile p belongs to other profiles too. */
static bool is_shared(const model *m, size_t p, size_t l) {
    for (size_t other = 0; other < m->profiles; other++)
        if (other != p && m->profile[other].layer[l] == m->profile[p].layer[l]) return true;
    return false;
}

static void print_profiles(const model *m) {
    size_t parameters = 0;
    for (size_t i = 0; i < m->owned_count; i++) parameters += m->owned[i]->out * (m->owned[i]->in + 1);
    printf("Parameters %zu in %zu layers\n", parameters, m->owned_count);
    for (size_t p = 0; p < m->profiles; p++) {
        printf("Profile %zu  %g-%g %%; layers:", p, m->profile[p].from_percent, m->profile[p].to_percent);
        for (size_t l = 0; l < m->layers; l++) printf(" %zu %s", l + 1, is_shared(m, p, l) ? "shared" : "own");
        printf("; gamma:");
        bool any = false;
        for (size_t h = 1; h < m->layers; h++) {
            const float *gamma = m->profile[p].gamma[h];
            if (gamma == NULL) continue;
            size_t used = m->width[h];
            while (used > 0 && gamma[used - 1] == 0) used--;
            printf("%s hidden %zu, %g to %g over %zu channels", any ? "," : "", h, (double)gamma[0],
                   used > 0 ? (double)gamma[used - 1] : 0, used);
            any = true;
        }
        printf("%s\n", any ? "" : " all one");
    }
}

static void print_flops(const model *m) {
    printf("\n%9s %15s %15s\n", "percent", "nominal FLOPs", "useful FLOPs");
    for (int percent = 10; percent <= 100; percent += 10)
        printf("%9d %15.0f %15.0f\n", percent, model_nominal_flops(m, percent), model_useful_flops(m, percent));
}

int cmd_inspect(int argc, char **argv, error *e) {
    static const struct option options_table[] = {{"help", no_argument, NULL, 'h'}, {0}};
    optind = 1;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":h", options_table, NULL)) != -1;) {
        if (c != 'h') return option_error(argc, argv, c, e);
        fputs(help, stdout);
        return 0;
    }
    if (argc - optind != 1) {
        fail(e, optind == argc ? "which model file? idp inspect MODEL.safetensors" : "one model file at a time");
        return EXIT_ERROR;
    }
    model m = {0};
    if (!model_read(&m, argv[optind], e)) return EXIT_ERROR;
    print_head(&m);
    print_profiles(&m);
    print_flops(&m);
    model_free(&m);
    return 0;
}
