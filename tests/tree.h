/* tree.h: a folder of small files in place of /proc or /sys. */
#ifndef TESTS_TREE_H
#define TESTS_TREE_H

enum { TREE_ENTRIES = 128 };

typedef struct tree {
    char root[64];
    char made[TREE_ENTRIES][192]; /* files and folders, in the order in which they were made */
    unsigned count;
} tree;

/* An empty folder. */
void tree_make(tree *t);

/* Writes a file, and the folders that it lies in; `file` is relative to the root. What was there is replaced. */
void tree_put(tree *t, const char *file, const char *text);

/* Removes one file again. */
void tree_take(tree *t, const char *file);

/* Removes everything, the root too. */
void tree_remove(tree *t);

#endif
