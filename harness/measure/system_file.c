#include "system_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

int system_value(const char *root, const char *file, const char *key, char *value, size_t value_size) {
    char path[512], line[4096]; /* /proc/cpuinfo has lines of 1500 characters */
    if ((size_t)snprintf(path, sizeof path, "%s/%s", root, file) >= sizeof path) return ENAMETOOLONG;
    FILE *stream = fopen(path, "r");
    if (stream == NULL) return errno;
    errno = 0;
    bool found = false;
    const size_t key_length = strlen(key);
    while (!found && fgets(line, sizeof line, stream) != NULL) found = strncmp(line, key, key_length) == 0;
    const int trouble = errno != 0 ? errno : ENOENT;
    fclose(stream);
    if (!found) return trouble;
    line[strcspn(line, "\n")] = '\0';
    const char *rest = line + key_length;
    rest += strspn(rest, " \t");
    snprintf(value, value_size, "%s", rest);
    return 0;
}

int system_line(const char *root, const char *file, char *line, size_t line_size) {
    return system_value(root, file, "", line, line_size);
}
