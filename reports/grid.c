#include "grid.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void grid_add(grid *g, grid_entry entry) {
    if (g->entries == g->room) {
        const size_t room = g->room == 0 ? 256 : 2 * g->room;
        grid_entry *grown = realloc(g->entry, room * sizeof *grown);
        if (grown == NULL) {
            g->failed = true;
            return;
        }
        g->entry = grown;
        g->room = room;
    }
    for (size_t t = 0; t < GRID_TEXTS; t++)
        if (entry.key.text[t] == NULL) entry.key.text[t] = "";
    /* Percentages of a linspace may differ in their last bits. */
    for (size_t n = 0; n < GRID_NUMBERS; n++)
        entry.key.number[n] = isfinite(entry.key.number[n]) ? round(entry.key.number[n] * 1e6) / 1e6 : -1;
    if (!isfinite(entry.rank)) entry.rank = HUGE_VAL;
    g->entry[g->entries++] = entry;
}

static int by_number(double a, double b) { return (a > b) - (a < b); }

static int by_key(const grid_key *a, const grid_key *b) {
    int order = 0;
    for (size_t t = 0; order == 0 && t < GRID_TEXTS; t++) order = strcmp(a->text[t], b->text[t]);
    for (size_t n = 0; order == 0 && n < GRID_NUMBERS; n++) order = by_number(a->number[n], b->number[n]);
    return order;
}

static int by_place(const void *left, const void *right) {
    const grid_entry *a = left, *b = right;
    int order = by_key(&a->key, &b->key);
    if (order == 0) order = (a->column > b->column) - (a->column < b->column);
    return order != 0 ? order : by_number(a->rank, b->rank);
}

void grid_sort(grid *g) {
    if (g->entries > 0) qsort(g->entry, g->entries, sizeof *g->entry, by_place);
}

void grid_free(grid *g) {
    free(g->entry);
    *g = (grid){0};
}

bool grid_next(const grid *g, size_t *at, const grid_entry *row[GRID_COLUMNS], const grid_entry **first) {
    if (*at >= g->entries) return false;
    for (size_t c = 0; c < GRID_COLUMNS; c++) row[c] = NULL;
    *first = &g->entry[*at];
    for (; *at < g->entries && by_key(&g->entry[*at].key, &(*first)->key) == 0; *at += 1) {
        const grid_entry *entry = &g->entry[*at];
        if (row[entry->column] == NULL) row[entry->column] = entry;
    }
    return true;
}
