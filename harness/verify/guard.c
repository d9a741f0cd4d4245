#define _GNU_SOURCE /* memfd_create */
#include "guard.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    LINE = 16,            /* floats of 64 bytes */
    CANARIES = 16 * LINE, /* floats checked on each side of the data, as far as there is room */
    FORBIDDEN = 1 << 16,  /* bytes on each side at least: a stride too far should still hit them */
};

float guard_float(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

uint32_t guard_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static size_t round_up(size_t n, size_t granule) { return (n + granule - 1) / granule * granule; }

static float *room_start(const guard *g) { return (float *)(void *)(g->map[0] + g->forbidden); }

static size_t room_floats(const guard *g) { return g->room / sizeof(float); }

/* A file without a name of so many bytes, or -1. */
static int nameless(size_t bytes) {
#ifdef __linux__
    const int file = memfd_create("guard", MFD_CLOEXEC);
#else
    FILE *temporary = tmpfile();
    const int file = temporary != NULL ? dup(fileno(temporary)) : -1;
    if (temporary != NULL) fclose(temporary);
#endif
    if (file < 0 || ftruncate(file, (off_t)bytes) == 0) return file;
    close(file);
    return -1;
}

/* Makes room for so many bytes at least: the same pages twice. */
static bool reserve(guard *g, size_t bytes, error *e) {
    if (bytes <= g->room) return true;
    guard_free(g);
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t forbidden = round_up(FORBIDDEN, page), room = round_up(bytes, page);
    const size_t map_bytes = room + 2 * forbidden;
    static const int access[GUARD_MAPS] = {PROT_READ | PROT_WRITE, PROT_READ};
    guard made = {
        .name = g->name, .canary = g->canary, .map_bytes = map_bytes, .room = room, .forbidden = forbidden};
    const int file = nameless(room);
    bool done = file >= 0;
    for (size_t m = 0; done && m < GUARD_MAPS; m++) {
        void *map = mmap(NULL, map_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        done = map != MAP_FAILED;
        if (!done) break;
        made.map[m] = map;
        done = mmap(made.map[m] + forbidden, room, access[m], MAP_SHARED | MAP_FIXED, file, 0) != MAP_FAILED;
    }
    const int reason = errno;
    if (file >= 0) close(file);
    *g = made;
    if (done) return true;
    guard_free(g);
    return fail(e, "no memory for a guarded buffer of %zu bytes: %s", bytes, strerror(reason));
}

bool guard_lay(guard *g, size_t floats, guard_place place, size_t offset, size_t align_floats, error *e) {
    if (!reserve(g, (floats + 2 * CANARIES + LINE) * sizeof(float), e)) return false;
    const size_t room = room_floats(g);
    size_t start = 0;
    switch (place) {
    case GUARD_AT_END: start = (room - floats) / align_floats * align_floats; break;
    case GUARD_AT_START: start = 0; break;
    case GUARD_OFFSET: start = CANARIES + offset % LINE; break;
    }
    g->data = room_start(g) + start;
    g->floats = floats;
    const size_t before = start < CANARIES ? start : CANARIES, behind = room - start - floats;
    float *from = g->data - before, *to = g->data + floats + (behind < CANARIES ? behind : CANARIES);
    for (float *f = from; f < to; f++) *f = guard_float(g->canary);
    return true;
}

bool guard_broken(const guard *g, ptrdiff_t *at) {
    const ptrdiff_t start = g->data - room_start(g), floats = (ptrdiff_t)g->floats;
    const ptrdiff_t behind = (ptrdiff_t)room_floats(g) - start - floats;
    const ptrdiff_t first = start < CANARIES ? -start : -CANARIES;
    const ptrdiff_t last = floats + (behind < CANARIES ? behind : CANARIES);
    for (ptrdiff_t i = first; i < last; i++) {
        if (i == 0) i = floats;
        if (i == last || guard_bits(g->data[i]) == g->canary) continue;
        *at = i;
        return true;
    }
    return false;
}

/* Only the pages that hold data: the room has that of the largest case so far, and the kernel's time for changing
 * the protection goes by the page. */
bool guard_read_only(const guard *g, bool read_only, error *e) {
    if (g->floats == 0) return true; /* no page; and QEMU's mprotect refuses none */
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), offset = (size_t)((unsigned char *)g->data - g->map[0]);
    const size_t from = offset / page * page, to = round_up(offset + g->floats * sizeof(float), page);
    if (mprotect(g->map[0] + from, to - from, read_only ? PROT_READ : PROT_READ | PROT_WRITE) == 0) return true;
    return fail(e, "cannot protect a guarded buffer of %zu bytes: %s", g->room, strerror(errno));
}

const float *guard_view(const guard *g) {
    if (g->data == NULL) return NULL; /* not laid out yet */
    return (const float *)(const void *)(g->map[1] + ((unsigned char *)g->data - g->map[0]));
}

void guard_free(guard *g) {
    for (size_t m = 0; m < GUARD_MAPS; m++)
        if (g->map[m] != NULL) munmap(g->map[m], g->map_bytes);
    *g = (guard){.name = g->name, .canary = g->canary};
}

/* ---- the trap --------------------------------------------------------------------------------------------- */

static const struct {
    int number;
    const char *name;
    bool has_address;
} trapped[] = {
    {SIGSEGV, "SIGSEGV", true},
    {SIGBUS, "SIGBUS", true},
    {SIGILL, "SIGILL: an instruction that this CPU lacks", false},
    {SIGFPE, "SIGFPE", false},
    {SIGABRT, "SIGABRT: a failed assert", false},
};
enum { TRAPPED = sizeof trapped / sizeof trapped[0] };

static sigjmp_buf resume;
static volatile sig_atomic_t caught_signal;
static void *volatile caught_address;

static void on_trap(int number, siginfo_t *info, void *context) {
    (void)context;
    caught_signal = number;
    caught_address = info->si_addr;
    siglongjmp(resume, 1);
}

bool trap_call(void (*call)(void *), void *argument, trap *t) {
    struct sigaction action, before[TRAPPED];
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_trap;
    action.sa_flags = SA_SIGINFO;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < TRAPPED; i++) sigaction(trapped[i].number, &action, &before[i]);
    caught_signal = 0;
    caught_address = NULL;
    if (sigsetjmp(resume, 1) == 0) call(argument);
    for (size_t i = 0; i < TRAPPED; i++) sigaction(trapped[i].number, &before[i], NULL);
    if (caught_signal == 0) return true;
    *t = (trap){.signal = caught_signal, .address = caught_address};
    return false;
}

/* True where the address lies in the guard's pages, by either way. */
static bool locate(const guard *g, uintptr_t address, const char *signal_name, char *text, size_t text_size) {
    for (size_t m = 0; m < GUARD_MAPS; m++) {
        const uintptr_t map = (uintptr_t)g->map[m], offset = address - map;
        if (g->map[m] == NULL || address < map || offset >= g->map_bytes) continue;
        const uintptr_t data = (uintptr_t)((unsigned char *)g->data - g->map[0]), bytes = g->floats * sizeof(float);
        if (offset < data || offset >= data + bytes)
            snprintf(text, text_size, "touched byte %td of %s, which has %zu (%s)", (ptrdiff_t)(offset - data),
                     g->name, (size_t)bytes, signal_name);
        else
            snprintf(text, text_size, "wrote to byte %zu of %s, which it may only read (%s)",
                     (size_t)(offset - data), g->name, signal_name);
        return true;
    }
    return false;
}

bool trap_describe(const trap *t, const guard *const *guards, size_t count, char *text, size_t text_size) {
    size_t s = 0;
    while (s + 1 < TRAPPED && trapped[s].number != t->signal) s++;
    if (!trapped[s].has_address) {
        snprintf(text, text_size, "raised %s", trapped[s].name);
        return false;
    }
    for (size_t g = 0; g < count; g++)
        if (locate(guards[g], (uintptr_t)t->address, trapped[s].name, text, text_size)) return true;
    if (t->address == NULL) /* as x86 reports an aligned move from a bad address */
        snprintf(text, text_size, "raised %s: a null pointer, or an aligned access to what is not aligned",
                 trapped[s].name);
    else
        snprintf(text, text_size, "touched memory far outside every buffer (%s)", trapped[s].name);
    return false;
}
