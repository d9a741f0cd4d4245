#include "tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <check.h>

void tree_make(tree *t) {
    *t = (tree){.root = "/tmp/idp-tree-XXXXXX"};
    ck_assert_ptr_nonnull(mkdtemp(t->root));
}

static void note(tree *t, const char *path) {
    ck_assert_uint_lt(t->count, TREE_ENTRIES);
    ck_assert_uint_lt(strlen(path), sizeof t->made[0]);
    strcpy(t->made[t->count++], path);
}

void tree_put(tree *t, const char *file, const char *text) {
    char path[192];
    ck_assert_int_lt(snprintf(path, sizeof path, "%s/%s", t->root, file), (int)sizeof path);
    for (char *slash = path + strlen(t->root) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        if (mkdir(path, 0777) == 0) note(t, path);
        *slash = '/';
    }
    if (access(path, F_OK) != 0) note(t, path);
    FILE *stream = fopen(path, "w");
    ck_assert_msg(stream != NULL, "%s", path);
    fputs(text, stream);
    ck_assert_int_eq(fclose(stream), 0);
}

void tree_take(tree *t, const char *file) {
    char path[192];
    snprintf(path, sizeof path, "%s/%s", t->root, file);
    ck_assert_int_eq(unlink(path), 0);
}

void tree_remove(tree *t) {
    while (t->count > 0) (void)remove(t->made[--t->count]); /* some were taken out already */
    ck_assert_int_eq(rmdir(t->root), 0);
}
