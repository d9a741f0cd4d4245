/* cmd_roof.c: `idp roof`: what this core can do at most. */
#include <getopt.h>
#include <stdio.h>

#include "commands.h"
#include "measure/roof.h"
#include "progress.h"
#include "results/results.h"

static const char help[] =
    "Usage: idp roof [OPTION]...\n"
    "\n"
    "Measures what one core of this machine can do at most, all in interleaved rounds: fused\n"
    "multiply-adds on registers of each width, loads from each cache level and from DRAM with the\n"
    "best prefetching, the core's clock, a call through a pointer, a fenced reading of the time.\n"
    "idp matrix shows the kernels beside such roofs. docs/measuring.md tells more.\n"
    "\n"
    "  --quick      two seconds instead of ten\n"
    "  --json FILE  write the records\n"
    "  --quiet      no progress\n";

static json_t *record(const roof_result *r, const roof_figure *f) {
    json_t *made =
        json_pack("{s:s, s:s, s:f, s:s, s:{s:f, s:f, s:f}, s:I, s:I, s:I}", "kind", "roof", "resource", f->resource,
                  "value", f->value.median, "unit", f->unit, "interval", "median", f->value.median, "low",
                  f->value.low, "high", f->value.high, "rounds", (json_int_t)r->rounds, "discarded",
                  (json_int_t)r->discarded, "disturbed", (json_int_t)r->disturbed);
    if (made == NULL || f->bytes == 0) return made;
    json_object_set_new(made, "bytes", json_integer((json_int_t)f->bytes));
    json_object_set_new(made, "prefetch_bytes", json_integer((json_int_t)f->way.ahead_bytes));
    json_object_set_new(made, "streams", json_integer((json_int_t)f->way.together));
    return made;
}

static void print(const roof_result *r) {
    for (unsigned i = 0; i < r->figures; i++) {
        const roof_figure *f = &r->figure[i];
        printf("%-10s %9.4g %-8s [%.4g, %.4g]", f->resource, f->value.median, f->unit, f->value.low, f->value.high);
        if (f->bytes > 0) printf("  %.0f KiB", f->bytes / 1024);
        if (f->bytes > 0 && f->way.together > 1) printf(", %zu places in turns", f->way.together);
        if (f->bytes > 0 && f->way.ahead_bytes > 0) printf(", prefetched %zu bytes ahead", f->way.ahead_bytes);
        printf("\n");
    }
    printf("%zu rounds, %zu more discarded because the processor was taken away", r->rounds, r->discarded);
    printf(r->disturbed > 0 ? "; %zu such rounds count, for want of others\n" : "\n", r->disturbed);
}

int cmd_roof(int argc, char **argv, error *e) {
    static const struct option options[] = {{"quick", no_argument, NULL, 'q'},
                                            {"json", required_argument, NULL, 'j'},
                                            {"quiet", no_argument, NULL, 'Q'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    char typed[4096];
    const char *json = NULL;
    bool quick = false, quiet = false;
    option_typed(argc, argv, typed, sizeof typed);
    opterr = 0;
    optind = 1;
    for (int c; (c = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
        switch (c) {
        case 'q': quick = true; break;
        case 'j': json = optarg; break;
        case 'Q': quiet = true; break;
        case 'h': fputs(help, stdout); return 0;
        default: return option_error(argc, argv, c, e);
        }
    }
    if (optind < argc) {
        fail(e, "'%s' is not an option; idp roof --help lists them", argv[optind]);
        return EXIT_ERROR;
    }
    results to = {0};
    progress bar;
    roof_result result;
    progress_quiet(quiet);
    roof_options o = roof_defaults(quick);
    if (!results_writable(json, e) || !results_new(&to, typed, o.seed, e)) return EXIT_ERROR;
    progress_start(&bar, "roof", 1);
    o.bar = &bar;
    bool ok = roof_measure(&o, &result, e);
    if (ok) {
        progress_end(&bar, NULL);
        print(&result);
        for (unsigned i = 0; i < result.figures; i++) results_add(&to, record(&result, &result.figure[i]));
        ok = results_write(&to, json, e);
    }
    results_free(&to);
    return ok ? 0 : EXIT_ERROR;
}
