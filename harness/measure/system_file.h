/* system_file.h: the small text files in which Linux tells about itself, under a root that tests can move. */
#ifndef HARNESS_MEASURE_SYSTEM_FILE_H
#define HARNESS_MEASURE_SYSTEM_FILE_H

#include <stddef.h>

/* The first line of root/file, without its end. 0, or the errno that explains; then line is untouched. */
int system_line(const char *root, const char *file, char *line, size_t line_size);

/* What follows `key` and blanks on the first line that begins with it: of "Cpus_allowed_list:\t0-3" it is "0-3". 0,
 * or errno; ENOENT also where no line begins so. */
int system_value(const char *root, const char *file, const char *key, char *value, size_t value_size);

#endif
