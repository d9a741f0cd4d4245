/* across.h: results documents of several machines, set side by side. A document is a column, whatever machine it is
 * of: nothing is averaged over machines, and what a machine did not measure stays empty. */
#ifndef REPORTS_ACROSS_H
#define REPORTS_ACROSS_H

#include "grid.h"
#include "page.h"
#include "records.h"
#include "sections.h"

enum { ACROSS_MOST = GRID_COLUMNS };

typedef struct across_machine {
    label name; /* the CPU, what was hidden of it, and what else tells it from the others */
    const char *path;
    records r;
} across_machine;

typedef struct across {
    across_machine *machine; /* [documents]: first those that measured something, then those that only predict */
    size_t machines, documents;
    size_t twice; /* documents left out because an earlier one is the very same */
} across;

/* The documents and their paths must outlive `a`. On success across_free it. */
bool across_read(across *a, const json_t *const *document, const char *const *path, size_t count, error *e);
void across_free(across *a);

/* The page's sections, as in sections.h. */
typedef struct across_section {
    const char *id, *title;
    void (*write)(page *p, const across *a);
} across_section;
extern const across_section across_sections[];
extern const unsigned across_section_count;

void across_about(page *p, const across *a); /* stands above the sections */
void section_across_machines(page *p, const across *a);
void section_across_networks(page *p, const across *a);
void section_across_cells(page *p, const across *a);
void section_across_whole(page *p, const across *a);
void section_across_bench(page *p, const across *a);
void section_across_roofs(page *p, const across *a);
void section_across_coverage(page *p, const across *a);
void section_across_predictions(page *p, const across *a);
void section_across_method(page *p, const across *a);

/* What the sections put side by side; the caller sorts nothing and frees. `of` is a point with its network, a
 * cell_record, a bench_record, a roof_record, a verify_record. */
void across_points(const across *a, grid *g); /* every percentage, by the profile that serves it */
void across_cells(const across *a, grid *g);
void across_whole(const across *a, grid *g);
void across_bench(const across *a, grid *g); /* our own kernels; the fastest of a machine in each row */
void across_roofs(const across *a, grid *g);
void across_verified(const across *a, grid *g);

/* `fixed` columns, then one for every machine; the number of all. */
enum { ACROSS_FIXED = 6 };
typedef struct across_columns {
    column column[ACROSS_FIXED + ACROSS_MOST];
    unsigned count;
} across_columns;
across_columns across_head(const across *a, const column *fixed, unsigned count);

#endif
