#include "input.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

void claim(bool holds, const char *format, ...) {
    if (holds) return;
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args); // NOLINT(clang-analyzer-valist.Uninitialized): the line above starts it
    va_end(args);
    fputc('\n', stderr);
    abort();
}

const char *input_file(const uint8_t *data, size_t size) {
    static FILE *file;
    static char path[32];
    if (file == NULL) {
        file = tmpfile();
        claim(file != NULL, "no temporary file");
        snprintf(path, sizeof path, "/dev/fd/%d", fileno(file));
    }
    /* Cut behind the bytes, not to nothing before them: some file systems would wait for the disk. */
    rewind(file);
    const bool written =
        fwrite(data, 1, size, file) == size && fflush(file) == 0 && ftruncate(fileno(file), (off_t)size) == 0;
    claim(written, "cannot write the temporary file");
    rewind(file); /* where /dev/fd shares the position */
    return path;
}

size_t input_below(input *in, size_t limit) {
    size_t number = 0;
    for (int byte = 0; byte < 2 && in->size > 0; byte++, in->data++, in->size--) number = number << 8 | *in->data;
    return number % limit;
}

size_t input_size(input *in, size_t most) { return 1 + input_below(in, 1 + input_below(in, most)); }
