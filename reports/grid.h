/* grid.h: figures of several machines as rows of a table: what has the same key stands in one row, a column a
 * machine. */
#ifndef REPORTS_GRID_H
#define REPORTS_GRID_H

#include <stdbool.h>
#include <stddef.h>

enum { GRID_COLUMNS = 64, GRID_TEXTS = 2, GRID_NUMBERS = 5 };

/* Rows stand in the order of their key: texts first, then numbers. NULL is "", what is not a number is -1. */
typedef struct grid_key {
    const char *text[GRID_TEXTS]; /* borrowed */
    double number[GRID_NUMBERS];
} grid_key;

typedef struct grid_entry {
    grid_key key;
    size_t column; /* below GRID_COLUMNS */
    double rank;   /* of several in one row and column the least stands for all */
    const void *of, *with;
} grid_entry;

/* Zero-initialise; grid_free. `failed` stays set after the first failed allocation. */
typedef struct grid {
    grid_entry *entry;
    size_t entries, room;
    bool failed;
} grid;

void grid_add(grid *g, grid_entry entry);
void grid_sort(grid *g); /* once all are added */
void grid_free(grid *g);

/* The next row: row[column] is its entry or NULL, the key that of *first. *at starts at 0. False at the end. */
bool grid_next(const grid *g, size_t *at, const grid_entry *row[GRID_COLUMNS], const grid_entry **first);

#endif
