/* replay.c: runs a fuzz target on files, and on the files of folders, without libFuzzer. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "input.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most) { /* the targets name it */
    (void)data;
    (void)most;
    return size;
}

static bool run_file(const char *path) {
    enum { MOST_BYTES = 1 << 20 };
    static uint8_t bytes[MOST_BYTES];
    FILE *file = fopen(path, "rb"); /* not input_read: a target may have put something in its place */
    if (file == NULL) {
        perror(path);
        return false;
    }
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    fprintf(stderr, "%s\n", path); /* the last one is the one that it ended with */
    (void)LLVMFuzzerTestOneInput(bytes, size);
    return true;
}

static bool run(const char *path, size_t *files) {
    DIR *folder = opendir(path);
    bool good = true;
    if (folder == NULL) {
        *files += 1;
        return run_file(path);
    }
    for (struct dirent *entry; good && (entry = readdir(folder)) != NULL;) {
        char inside[4096];
        if (entry->d_name[0] == '.') continue;
        snprintf(inside, sizeof inside, "%s/%s", path, entry->d_name);
        good = run(inside, files);
    }
    closedir(folder);
    return good;
}

/* A folder that is not there has nothing in it: not every target has found something. */
int main(int argc, char **argv) {
    size_t files = 0;
    struct stat facts;
    for (int a = 1; a < argc; a++)
        if (stat(argv[a], &facts) == 0 && !run(argv[a], &files)) return EXIT_FAILURE;
    printf("%zu inputs\n", files);
    return files > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
