#include "listing.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../tool.h"

/* ---- from text --------------------------------------------------------------------------------------------- */

/* "0000000000076ad0 <name>:" */
static bool function_line(char *line, code_function *f) {
    char *end;
    f->address = strtoull(line, &end, 16);
    if (end == line || strncmp(end, " <", 2) != 0) return false;
    char *close = strrchr(end, '>');
    if (close == NULL || strcmp(close, ">:") != 0) return false;
    *close = '\0';
    f->name = end + 2;
    f->count = 0;
    return true;
}

/* "   76ad0:      \tpushq\t%rbp" */
static bool instruction_line(char *line, instruction *i) {
    char *end;
    i->address = strtoull(line, &end, 16);
    if (end == line || *end != ':') return false;
    end += 1 + strspn(end + 1, " \t");
    for (char *tab = end; (tab = strchr(tab, '\t')) != NULL;) *tab = ' ';
    char *last = end + strlen(end);
    while (last > end && last[-1] == ' ') *--last = '\0';
    i->text = end;
    return *end != '\0';
}

bool listing_parse(char *text, listing *l, error *e) {
    size_t lines = 1;
    for (const char *c = text; *c != '\0'; c++) lines += *c == '\n';
    *l = (listing){.text = text,
                   .at = malloc(lines * sizeof *l->at),
                   .function = malloc(lines * sizeof *l->function),
                   .aarch64 = strstr(text, "aarch64") != NULL && strstr(text, "file format elf64-x86-64") == NULL};
    if (l->at == NULL || l->function == NULL) {
        listing_free(l);
        return fail(e, "no memory for a listing of %zu lines", lines);
    }
    for (char *line = text, *next; line != NULL; line = next) {
        next = strchr(line, '\n');
        if (next != NULL) *next++ = '\0';
        code_function f;
        if (function_line(line, &f)) {
            f.first = l->count;
            l->function[l->functions++] = f;
        } else if (l->functions > 0 && instruction_line(line, &l->at[l->count])) {
            l->count++;
            l->function[l->functions - 1].count++;
        }
    }
    return true;
}

bool listing_make(const char *tool, const char *binary, listing *l, error *e) {
    const char *const argv[] = {tool, "--disassemble", "--no-show-raw-insn", binary, NULL};
    char *text, *complaint;
    if (!tool_run(argv, NULL, &text, NULL, &complaint, e)) return false;
    free(complaint);
    return listing_parse(text, l, e);
}

void listing_free(listing *l) {
    free(l->text);
    free(l->at);
    free(l->function);
    *l = (listing){0};
}

/* ---- what an instruction does ------------------------------------------------------------------------------ */

static bool starts(const char *text, const char *prefix) { return strncmp(text, prefix, strlen(prefix)) == 0; }

static unsigned x86_multiply_adds(const char *text, bool unfused) {
    const size_t length = strcspn(text, " ");
    const bool fused = starts(text, "vfmadd") || starts(text, "vfnmadd") || starts(text, "vfmsub");
    const bool product = starts(text, "vmul") || starts(text, "mul");
    if (length < 5 || !(fused || (unfused && product))) return 0;
    if (strncmp(text + length - 2, "ss", 2) == 0) return 1;
    if (strncmp(text + length - 2, "ps", 2) != 0) return 0;
    return strstr(text, "%zmm") != NULL ? 16 : strstr(text, "%ymm") != NULL ? 8 : 4;
}

static unsigned aarch64_multiply_adds(const char *text, bool unfused) {
    const bool product = unfused && starts(text, "fmul ");
    if (starts(text, "fmla ") || starts(text, "fmls ") || product) {
        if (strstr(text, ".4s") != NULL) return 4;
        if (strstr(text, ".2s") != NULL) return 2;
    }
    const bool scalar = product || starts(text, "fmadd ") || starts(text, "fmsub ");
    return scalar && text[strcspn(text, " ") + 1] == 's' ? 1 : 0;
}

unsigned multiply_adds(const char *text, bool aarch64, bool unfused) {
    return aarch64 ? aarch64_multiply_adds(text, unfused) : x86_multiply_adds(text, unfused);
}

/* Where a jump or call leads to, as the listing writes it behind "0x"; 0 for any other instruction. */
static uint64_t target(const char *text, bool aarch64) {
    const bool leads = aarch64 ? *text == 'b' || starts(text, "cbz ") || starts(text, "cbnz ") ||
                                     starts(text, "tbz ") || starts(text, "tbnz ")
                               : *text == 'j' || starts(text, "call");
    const char *name = strrchr(text, '<'), *number = NULL;
    for (const char *at = text; leads && (at = strstr(at, "0x")) != NULL && (name == NULL || at < name); at += 2)
        number = at;
    return number != NULL ? strtoull(number, NULL, 16) : 0;
}

/* ---- loops ------------------------------------------------------------------------------------------------- */

static size_t index_of(const listing *l, const code_function *f, uint64_t address) {
    for (size_t i = f->first; i < f->first + f->count; i++)
        if (l->at[i].address == address) return i;
    return SIZE_MAX;
}

/* The loop that the instruction `last` closes, if it closes an innermost one. */
static bool loop_at(const listing *l, const code_function *f, size_t last, code_loop *loop) {
    const uint64_t to = target(l->at[last].text, l->aarch64);
    if (to < f->address || to > l->at[last].address) return false;
    const size_t first = index_of(l, f, to);
    if (first == SIZE_MAX) return false;
    *loop = (code_loop){.address = to, .first = first, .instructions = last - first + 1};
    for (size_t i = first; i < last; i++) {
        const uint64_t inner = target(l->at[i].text, l->aarch64);
        if (inner > to && inner <= l->at[i].address) return false;
    }
    for (int unfused = 0; unfused < 2 && loop->multiply_adds == 0; unfused++)
        for (size_t i = first; i <= last; i++) {
            const unsigned done = multiply_adds(l->at[i].text, l->aarch64, unfused);
            loop->multiply_adds += done;
            loop->fma += done > 0;
        }
    return loop->multiply_adds > 0;
}

static bool is_whole(const code_loop *loop, unsigned tile) { return tile > 0 && loop->multiply_adds % tile == 0; }

/* Whole tiles (a narrow rest can be denser: its operands come from memory); then fewer instructions for a
 * multiply-add; then more of them in a turn. */
static bool better(const code_loop *a, const code_loop *b, unsigned tile) {
    const uint64_t left = (uint64_t)a->instructions * b->multiply_adds;
    const uint64_t right = (uint64_t)b->instructions * a->multiply_adds;
    if (b->multiply_adds == 0) return true;
    if (is_whole(a, tile) != is_whole(b, tile)) return is_whole(a, tile);
    return left != right ? left < right : a->multiply_adds > b->multiply_adds;
}

enum { MOST_DEPTH = 4 }; /* kernel -> block -> tile */

static void search(const listing *l, const code_function *f, unsigned tile, unsigned depth, code_loop *best) {
    for (size_t i = f->first; i < f->first + f->count; i++) {
        code_loop loop;
        if (loop_at(l, f, i, &loop) && better(&loop, best, tile)) *best = loop;
        const uint64_t to = depth > 0 ? target(l->at[i].text, l->aarch64) : 0;
        for (size_t g = 0; to != 0 && to != f->address && g < l->functions; g++)
            if (l->function[g].address == to) {
                search(l, &l->function[g], tile, depth - 1, best);
                break;
            }
    }
}

bool listing_hot_loop(const listing *l, const char *symbol, unsigned tile, code_loop *loop) {
    *loop = (code_loop){0};
    for (size_t g = 0; g < l->functions; g++)
        if (strcmp(l->function[g].name, symbol) == 0) search(l, &l->function[g], tile, MOST_DEPTH, loop);
    return loop->multiply_adds > 0;
}
