/* cmd_list.c: `idp list`: every kernel of every back end that this build has, or every recipe. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "backends.h"
#include "commands.h"
#include "model/recipe.h"
#include "peers/peers.h"

static const char help[] =
    "Usage: idp list [--backend NAME] [--layout panel|batch|row|sample]\n"
    "       idp list --recipes\n"
    "\n"
    "Every kernel: its layout, the register tile (samples x outputs; row: outputs x channels),\n"
    "the floats of one vector register, its back end, and whether it can run here. A back end\n"
    "uses the first kernel of a layout, marked *, unless told otherwise. Then, where neither back end\n"
    "nor layout is asked for, the peers: every way to call another library that idp measures.\n"
    "--recipes: what `idp train --recipe` takes, with the settings that each starts with.\n";

static bool layout_parse(const char *name, int *layout, error *e) {
    for (int l = IDP_LAYOUT_PANEL; l < IDP_LAYOUTS; l++) {
        if (strcmp(name, idp_layout_name((idp_layout)l)) != 0) continue;
        *layout = l;
        return true;
    }
    return fail(e, "--layout '%s': it is panel, batch, row or sample", name);
}

/* layout -1: all. */
static void print_kernels(const idp_backend *backend, int layout) {
    const char *usable = idp_backend_status(backend) == IDP_OK ? "yes" : "no";
    for (size_t i = 0; i < backend->kernel_count; i++) {
        const idp_kernel *kernel = &backend->kernels[i];
        if (layout >= 0 && kernel->layout != (idp_layout)layout) continue;
        char tile[32];
        snprintf(tile, sizeof tile, "%ux%u", kernel->tile_batch, kernel->tile_out);
        printf("%c %-38s %-6s %7s %5u  %-17s %s\n",
               idp_backend_kernel(backend, kernel->layout) == kernel ? '*' : ' ', kernel->name,
               idp_layout_name(kernel->layout), tile, kernel->lanes, backend->name, usable);
    }
}

static void print_peers(void) {
    static const char *const takes[] = {
        [PEER_SINGLE] = "one sample", [PEER_FEATURE] = "[channel][sample]", [PEER_SAMPLE] = "[sample][channel]"};
    printf("\n  %-38s %-18s %-7s %s\n", "peer", "takes", "form", "library");
    for (size_t i = 0; i < peer_count(); i++) {
        const peer *p = peer_at(i);
        printf("  %-38s %-18s %-7s %s %s\n", p->name, takes[p->form], p->naive ? "naive" : "best", p->library,
               peer_library_version(p->library));
    }
    for (size_t l = 0; l < peer_library_count(); l++) {
        const peer_library *library = peer_library_at(l);
        if (library->absent != NULL)
            printf("  no %s: %s\n", library->name, library->absent);
        else
            printf("  %s takes this processor for: %s\n", library->name, peer_library_target(library->name));
    }
}

static void print_recipes(void) {
    for (size_t i = 0; i < recipe_count(); i++) {
        const recipe *r = recipe_at(i);
        printf("%s\n  %s\n  gamma %s, parts", r->name, r->summary, gamma_name(r->gamma));
        for (size_t p = 0; p < r->parts; p++)
            printf("%s %g-%g", p > 0 ? "," : "", p > 0 ? r->part_end_percent[p - 1] : 0, r->part_end_percent[p]);
        printf("%s, widths %s%s\n", r->first_stage_only ? " (only the first is trained)" : "", r->widths,
               r->distillation ? ", distillation" : "");
        printf("  %zu epochs a part, batches of %zu, learning rate %g (%s), momentum %g, weight decay %g, %s "
               "weights\n",
               r->epochs, r->batch, r->lr, schedule_name(r->schedule), r->momentum, r->weight_decay,
               initial_name(r->initial));
    }
}

int cmd_list(int argc, char **argv, error *e) {
    static const struct option options[] = {{"backend", required_argument, NULL, 'b'},
                                            {"layout", required_argument, NULL, 'l'},
                                            {"recipes", no_argument, NULL, 'r'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    const idp_backend *only = NULL;
    int layout = -1;
    optind = 1;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
        switch (c) {
        case 'b':
            only = idp_backend_find(optarg); /* one that can't run here may be looked at */
            if (only == NULL) {
                fail(e, "--backend: there is no back end '%s'; idp cpu lists them", optarg);
                return EXIT_ERROR;
            }
            break;
        case 'l':
            if (!layout_parse(optarg, &layout, e)) return EXIT_ERROR;
            break;
        case 'r': print_recipes(); return 0;
        case 'h': fputs(help, stdout); return 0;
        default: return option_error(argc, argv, c, e);
        }
    }
    if (optind < argc) {
        fail(e, "'%s': list takes options only; idp list --help tells them", argv[optind]);
        return EXIT_ERROR;
    }
    if (only != NULL && only->kernel_count == 0) {
        char reason[256];
        backend_reason(only, reason, sizeof reason);
        printf("%s has no kernels here: %s\n", only->name, reason);
        return 0;
    }
    printf("  %-38s %-6s %7s %5s  %-17s %s\n", "kernel", "layout", "tile", "lanes", "back end", "usable");
    for (size_t b = 0; b < idp_backend_count(); b++)
        if (only == NULL || only == idp_backend_at(b)) print_kernels(idp_backend_at(b), layout);
    if (only == NULL && layout < 0) print_peers();
    return 0;
}
