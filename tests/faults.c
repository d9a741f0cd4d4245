/* faults.c: linked into `idp_faults`, a copy of the program idp in which any one of its own calls of the functions
 * below can be made to fail (by the linker's --wrap); tests/faults drives it. Libraries keep the real functions,
 * but for jansson, which is handed a malloc of ours: each of its allocations is a point of the call into it.
 *
 * IDP_FAULTS names a file that the program shares with the processes it starts: a struct plan. A point is a call at
 * run time, and told by its place (function, and where in the program it is called) and how many came from there
 * before. */
#include <dirent.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum { POINTS_MOST = 1 << 20 };

typedef struct place {
    char function[36];
    uint32_t offset; /* of the call, from the program's start */
} place;

typedef struct plan {
    place failing;
    uint32_t number;  /* of the call from that place, from 1, that fails; 0: none does */
    atomic_uint seen; /* calls from there */
    uint32_t record;  /* whether to fill in `point` */
    atomic_uint points;
    place point[POINTS_MOST];
} plan;

extern const char __executable_start[], etext[]; /* the linker's */

/* WRAP(type, name, parameters, arguments, what to do instead) */
#define WRAP(type, name, parameters, arguments, ...)               \
    type __wrap_##name parameters;                                 \
    type __wrap_##name parameters {                                \
        if (fails(#name, __builtin_return_address(0))) __VA_ARGS__ \
        return name arguments;                                     \
    }

static plan *shared;

__attribute__((constructor)) static void plan_map(void) {
    const char *path = getenv("IDP_FAULTS");
    if (path == NULL) return;
    const int file = open(path, O_RDWR | O_CLOEXEC);
    void *map = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (map == MAP_FAILED) abort();
    shared = map;
}

static bool ours(const void *code) {
    return (const char *)code >= __executable_start && (const char *)code < etext;
}

/* Where the program called the library that called this. */
static const char *through_library(void) {
    enum { DEPTH = 64 };
    void *frame[DEPTH];
    const int frames = backtrace(frame, DEPTH);
    int f = 0;
    while (f < frames && ours(frame[f])) f++;
    while (f < frames && !ours(frame[f])) f++;
    return f < frames ? frame[f] : __executable_start;
}

/* Counts a point; whether it is to fail. caller: NULL where the call came from a library. */
static bool fails(const char *function, const char *caller) {
    if (shared == NULL) return false;
    place here = {.offset = (uint32_t)((caller != NULL ? caller : through_library()) - __executable_start)};
    strcpy(here.function, function);
    if (shared->record) {
        const uint32_t index = atomic_fetch_add(&shared->points, 1);
        if (index < POINTS_MOST) shared->point[index] = here;
    }
    return memcmp(&here, &shared->failing, sizeof here) == 0 &&
           atomic_fetch_add(&shared->seen, 1) + 1 == shared->number;
}

/* ---- memory ----------------------------------------------------------------------------------------------------
 */

#define NO_MEMORY       \
    {                   \
        errno = ENOMEM; \
        return NULL;    \
    }
WRAP(void *, calloc, (size_t count, size_t size), (count, size), NO_MEMORY)
WRAP(void *, realloc, (void *block, size_t size), (block, size), NO_MEMORY)
WRAP(void *, aligned_alloc, (size_t align, size_t size), (align, size), NO_MEMORY)
WRAP(char *, strdup, (const char *text), (text), NO_MEMORY)
WRAP(char *, realpath, (const char *path, char *real), (path, real), NO_MEMORY)
void *_Znwm(size_t size);
WRAP(void *, _Znwm, (size_t size), (size), return _Znwm(SIZE_MAX / 4);) /* operator new: it throws */

/* The program hands jansson a malloc of its own, which calls malloc: each of those is a point of the call into
 * jansson that brought it about, instead of one of that one place. */
static json_malloc_t jansson_own;
static _Thread_local enum { ELSEWHERE, IN_JANSSON, FAILING } jansson_at;

static void *jansson_malloc(size_t size) {
    jansson_at = fails("jansson", NULL) ? FAILING : IN_JANSSON;
    void *block = jansson_own(size);
    jansson_at = ELSEWHERE;
    return block;
}

void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size) {
    const bool fail =
        jansson_at == ELSEWHERE ? fails("malloc", __builtin_return_address(0)) : jansson_at == FAILING;
    if (fail) NO_MEMORY
    return malloc(size);
}

void __wrap_json_set_alloc_funcs(json_malloc_t own, json_free_t own_free);
void __wrap_json_set_alloc_funcs(json_malloc_t own, json_free_t own_free) {
    jansson_own = own;
    json_set_alloc_funcs(jansson_malloc, own_free);
}

/* ---- files: a stream that cannot be written to remembers that; standard error, for the message, always can ------
 */

#define NO_FILE         \
    {                   \
        errno = EMFILE; \
        return NULL;    \
    }
WRAP(FILE *, fopen, (const char *path, const char *mode), (path, mode), NO_FILE)
WRAP(FILE *, fdopen, (int file, const char *mode), (file, mode), NO_FILE)
WRAP(FILE *, tmpfile, (void), (), NO_FILE)
WRAP(DIR *, opendir, (const char *path), (path), NO_FILE)
WRAP(char *, mkdtemp, (char *name), (name), NO_FILE)

#define FAILED(number)  \
    {                   \
        errno = number; \
        return -1;      \
    }
WRAP(int, mkdir, (const char *path, mode_t mode), (path, mode), FAILED(EACCES))
WRAP(int, rename, (const char *from, const char *to), (from, to), FAILED(EACCES))

static int unwritten(FILE *stream) {
    stream->_flags |= _IO_ERR_SEEN; /* glibc's, as vfprintf and the others set it */
    errno = ENOSPC;
    return EOF;
}

/* A stream that has failed remembers it; standard error, which is for the message, never does. */
#define STREAM(type, name, parameters, arguments, failure)                                 \
    type __wrap_##name parameters;                                                         \
    type __wrap_##name parameters {                                                        \
        if (stream != stderr && fails(#name, __builtin_return_address(0))) return failure; \
        return name arguments;                                                             \
    }
STREAM(size_t, fwrite, (const void *bytes, size_t size, size_t count, FILE *stream), (bytes, size, count, stream),
       unwritten(stream) == EOF ? 0 : count)
STREAM(int, fputs, (const char *text, FILE *stream), (text, stream), unwritten(stream))
STREAM(int, fputc, (int c, FILE *stream), (c, stream), unwritten(stream))
STREAM(int, putc, (int c, FILE *stream), (c, stream), unwritten(stream))
STREAM(int, fflush, (FILE * stream), (stream), stream != NULL ? unwritten(stream) : EOF)
WRAP(int, puts, (const char *text), (text), return unwritten(stdout);)
WRAP(int, putchar, (int c), (c), return unwritten(stdout);)

int __wrap_fprintf(FILE *stream, const char *format, ...) __attribute__((format(printf, 2, 3)));
int __wrap_fprintf(FILE *stream, const char *format, ...) {
    if (stream != stderr && fails("fprintf", __builtin_return_address(0))) return unwritten(stream);
    va_list arguments;
    va_start(arguments, format);
    const int written = vfprintf(stream, format, arguments);
    va_end(arguments);
    return written;
}

int __wrap_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
int __wrap_printf(const char *format, ...) {
    if (fails("printf", __builtin_return_address(0))) return unwritten(stdout);
    va_list arguments;
    va_start(arguments, format);
    const int written = vprintf(format, arguments);
    va_end(arguments);
    return written;
}

WRAP(int, fsync, (int file), (file), FAILED(EIO))
WRAP(ssize_t, write, (int file, const void *bytes, size_t size), (file, bytes, size), FAILED(ENOSPC))
WRAP(int, close, (int file), (file), {
    close(file); /* closed all the same, as Linux does */
    errno = EIO;
    return -1;
})
WRAP(int, fclose, (FILE * stream), (stream), {
    fclose(stream);
    errno = EIO;
    return EOF;
})

/* ---- processes and threads --------------------------------------------------------------------------------------
 */

WRAP(int, pipe, (int ends[2]), (ends), FAILED(EMFILE))
WRAP(pid_t, fork, (void), (), FAILED(EAGAIN))
WRAP(int, posix_spawn_file_actions_init, (posix_spawn_file_actions_t * actions), (actions), return ENOMEM;)
WRAP(int, posix_spawn_file_actions_adddup2, (posix_spawn_file_actions_t * actions, int from, int to),
     (actions, from, to), return ENOMEM;)
WRAP(int, posix_spawn_file_actions_addopen,
     (posix_spawn_file_actions_t * actions, int file, const char *path, int flags, mode_t mode),
     (actions, file, path, flags, mode), return ENOMEM;)
WRAP(int, posix_spawnattr_init, (posix_spawnattr_t * attributes), (attributes), return ENOMEM;)
WRAP(int, posix_spawn,
     (pid_t * child, const char *path, const posix_spawn_file_actions_t *actions,
      const posix_spawnattr_t *attributes, char *const argv[], char *const environment[]),
     (child, path, actions, attributes, argv, environment), return EAGAIN;)
WRAP(int, posix_spawnp,
     (pid_t * child, const char *name, const posix_spawn_file_actions_t *actions,
      const posix_spawnattr_t *attributes, char *const argv[], char *const environment[]),
     (child, name, actions, attributes, argv, environment), return EAGAIN;)
WRAP(int, pthread_create,
     (pthread_t * thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument),
     (thread, attributes, start, argument), return EAGAIN;)
