#include "across.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const across_section across_sections[] = {
    {"machines", "Machines", section_across_machines},
    {"networks", "What it saves, machine by machine", section_across_networks},
    {"cells", "The same layers on every machine", section_across_cells},
    {"network-cells", "The whole network in one call", section_across_whole},
    {"kernels", "The fastest kernel of each machine", section_across_bench},
    {"roofs", "What each machine can do at most", section_across_roofs},
    {"coverage", "What is missing", section_across_coverage},
    {"predictions", "Predictions for CPUs that are not here", section_across_predictions},
    {"method", "How to read this", section_across_method},
};
const unsigned across_section_count = sizeof across_sections / sizeof across_sections[0];

/* ---- names ----------------------------------------------------------------------------------------------------
 */

static const char *fact(const json_t *object, const char *field) {
    const char *value = json_string_value(json_object_get(object, field));
    return value != NULL ? value : "unknown";
}

/* At most `most` bytes of a text, cut at a whole character. */
static label shorten(const char *words, size_t most) {
    size_t size = strlen(words);
    if (size > most)
        for (size = most; size > 0 && ((unsigned char)words[size] & 0xc0) == 0x80;) size--;
    return label_print("%.*s", (int)size, words);
}

static const char *file_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

static label plain_name(const across_machine *m) {
    const char *hidden = json_string_value(json_object_get(m->r.machine, "hidden"));
    const label cpu = shorten(fact(m->r.machine, "cpu"), 60);
    return hidden != NULL ? label_print("%s, %s hidden", cpu.text, shorten(hidden, 40).text) : cpu;
}

/* One more thing to tell a machine by, used for all of a name that several have. */
static label further_name(const across_machine *m, unsigned step) {
    switch (step) {
    case 0: return shorten(fact(m->r.build, "commit"), 20);
    case 1: return shorten(fact(m->r.run, "time"), 30);
    default: return shorten(file_of(m->path), 60);
    }
}

enum { NAME_STEPS = 3 };

static void name_all(across *a) {
    for (size_t m = 0; m < a->documents; m++) a->machine[m].name = plain_name(&a->machine[m]);
    for (unsigned step = 0; step < NAME_STEPS; step++) {
        bool add[ACROSS_MOST] = {false};
        for (size_t m = 0; m < a->machines; m++)
            for (size_t o = 0; o < a->machines; o++)
                add[m] = add[m] || (o != m && strcmp(a->machine[m].name.text, a->machine[o].name.text) == 0 &&
                                    strcmp(further_name(&a->machine[m], step).text,
                                           further_name(&a->machine[o], step).text) != 0);
        for (size_t m = 0; m < a->machines; m++)
            if (add[m])
                a->machine[m].name =
                    label_print("%s, %s", a->machine[m].name.text, further_name(&a->machine[m], step).text);
    }
}

/* ---- documents ------------------------------------------------------------------------------------------------
 */

static bool predicts_only(const records *r) { return r->predictions > 0 && r->predictions == r->total; }

static bool seen_before(const json_t *const *document, size_t d) {
    for (size_t o = 0; o < d; o++)
        if (json_equal(document[o], document[d])) return true;
    return false;
}

bool across_read(across *a, const json_t *const *document, const char *const *path, size_t count, error *e) {
    across read = {.machine = calloc(count, sizeof *read.machine)};
    across_machine last[ACROSS_MOST];
    size_t lasts = 0;
    bool good = read.machine != NULL || fail(e, "no memory for %zu documents", count);
    if (count > ACROSS_MOST)
        good = fail(e, "%zu documents: a page sets at most %d side by side", count, ACROSS_MOST);
    for (size_t d = 0; good && d < count; d++) {
        across_machine m = {.path = path[d]};
        if (seen_before(document, d)) {
            read.twice++;
            continue;
        }
        good = records_read(&m.r, document[d], e) || fail_in(e, "%.400s", path[d]);
        if (!good) break;
        if (predicts_only(&m.r))
            last[lasts++] = m;
        else
            read.machine[read.machines++] = m;
    }
    for (size_t l = 0; l < lasts; l++) read.machine[read.machines + l] = last[l];
    read.documents = read.machines + lasts;
    if (good)
        name_all(&read);
    else
        across_free(&read);
    if (good) *a = read;
    return good;
}

void across_free(across *a) {
    for (size_t m = 0; m < a->documents; m++) records_free(&a->machine[m].r);
    free(a->machine);
    *a = (across){0};
}

/* ---- rows -----------------------------------------------------------------------------------------------------
 */

static void points_of(const network *n, size_t machine, grid *g) {
    for (size_t c = 0; c < n->curves; c++)
        for (size_t i = 0; i < n->curve[c].points; i++) {
            const point *at = &n->curve[c].point[i];
            if (network_serving(n, at->percent) != &n->curve[c]) continue;
            grid_add(g, (grid_entry){.key = {{n->model}, {at->percent}},
                                     .column = machine,
                                     .rank = at->batch_1.median,
                                     .of = at,
                                     .with = n});
        }
}

void across_points(const across *a, grid *g) {
    for (size_t m = 0; m < a->machines; m++)
        for (size_t n = 0; n < a->machine[m].r.networks; n++) points_of(&a->machine[m].r.network[n], m, g);
}

static void add_cell(const cell_record *c, size_t machine, grid *g) {
    grid_add(g, (grid_entry){.key = {{c->cut}, {c->out, c->in, (double)c->batch, c->percent}},
                             .column = machine,
                             .rank = c->time_ns.median,
                             .of = c});
}

void across_cells(const across *a, grid *g) {
    for (size_t m = 0; m < a->machines; m++)
        for (size_t c = 0; c < a->machine[m].r.cells; c++) add_cell(&a->machine[m].r.cell[c], m, g);
}

void across_whole(const across *a, grid *g) {
    for (size_t m = 0; m < a->machines; m++)
        for (size_t c = 0; c < a->machine[m].r.wholes; c++) add_cell(&a->machine[m].r.whole[c], m, g);
}

void across_bench(const across *a, grid *g) {
    static const char own[] = "fc_"; /* other libraries' ways of calling have other names */
    for (size_t m = 0; m < a->machines; m++)
        for (size_t b = 0; b < a->machine[m].r.benches; b++) {
            const bench_record *one = &a->machine[m].r.bench[b];
            if (strncmp(one->kernel, own, sizeof own - 1) != 0) continue;
            grid_add(g, (grid_entry){
                            .key = {{NULL}, {(double)one->out, (double)one->in, (double)one->batch, one->percent}},
                            .column = m,
                            .rank = one->time_ns.median,
                            .of = one});
        }
}

void across_roofs(const across *a, grid *g) {
    for (size_t m = 0; m < a->machines; m++)
        for (size_t i = 0; i < a->machine[m].r.roofs; i++) {
            const roof_record *one = &a->machine[m].r.roof[i];
            grid_add(g, (grid_entry){.key = {{one->resource, one->unit}, {0}}, .column = m, .of = one});
        }
}

void across_verified(const across *a, grid *g) {
    for (size_t m = 0; m < a->machines; m++)
        for (size_t v = 0; v < a->machine[m].r.verifies; v++) {
            const verify_record *one = &a->machine[m].r.verify[v];
            if (one->kernel[0] != '\0' && strcmp(one->status, "skipped") != 0)
                grid_add(g, (grid_entry){.key = {{one->kernel, one->backend}, {0}}, .column = m, .of = one});
        }
}

across_columns across_head(const across *a, const column *fixed, unsigned count) {
    across_columns head = {.count = count + (unsigned)a->machines};
    for (unsigned c = 0; c < count; c++) head.column[c] = fixed[c];
    for (size_t m = 0; m < a->machines; m++)
        head.column[count + m] = (column){a->machine[m].name.text, true, m == 0};
    return head;
}
