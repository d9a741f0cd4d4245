#include "step.h"

#include <cpuid.h>
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../progress.h"
#include "clock.h"

/* ---- the child -------------------------------------------------------------------------------------------------
 */

/* A copy of this process: code and data lie at the same addresses. Its exit status is an errno. Where its parent is
 * killed before it traces, it would stay, stopped. */
static _Noreturn void child_main(const step_call *call, pid_t parent) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) _exit(errno);
    if (getppid() != parent) _exit(ESRCH); /* killed already */
    call->call(call->argument);
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) _exit(errno);
    raise(SIGSTOP);
    call->call(call->argument);
    _exit(0);
}

/* ---- stopping and going on -------------------------------------------------------------------------------------
 */

static bool child_wait(pid_t child, int *signal, error *e) {
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return fail(e, "cannot wait for the traced process: %s", strerror(errno));
    if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
        return fail(e, "the system forbids tracing (ptrace): %s; see kernel.yama.ptrace_scope and seccomp",
                    strerror(WEXITSTATUS(status)));
    if (!WIFSTOPPED(status)) return fail(e, "the traced call ended the process instead of returning");
    *signal = WSTOPSIG(status);
    return true;
}

/* One word of the child's registers (PTRACE_PEEKUSER) or memory (PTRACE_PEEKTEXT). */
static bool peek_user(pid_t child, size_t offset, uint64_t *word, error *e) {
    errno = 0;
    const long value = ptrace(PTRACE_PEEKUSER, child, offset, NULL);
    if (errno != 0) return fail(e, "cannot read a register of the traced process: %s", strerror(errno));
    *word = (uint64_t)value;
    return true;
}

static bool peek_memory(pid_t child, uint64_t address, uint64_t *word) {
    errno = 0;
    const long value = ptrace(PTRACE_PEEKTEXT, child, address, NULL);
    if (errno != 0) return false;
    *word = (uint64_t)value;
    return true;
}

/* Executes one instruction. Signals that others send (Ctrl-C, a resized terminal) are not passed on: this process
 * gets them as well. */
static bool step_once(step_point *at, error *e) {
    for (int signal = 0; signal != SIGTRAP;) {
        if (ptrace(PTRACE_SINGLESTEP, at->child, NULL, NULL) != 0)
            return fail(e, "the system forbids single-stepping (ptrace): %s", strerror(errno));
        if (!child_wait(at->child, &signal, e)) return false;
        if (signal == SIGSEGV || signal == SIGILL || signal == SIGBUS || signal == SIGFPE)
            return fail(e, "the traced call crashed at 0x%llx: %s", (unsigned long long)at->address,
                        strsignal(signal));
        if (interrupted()) return fail(e, "interrupted while stepping");
    }
    return peek_user(at->child, offsetof(struct user_regs_struct, rip), &at->address, e);
}

/* From raise() in the child to the call: some hundred instructions at most. */
enum { APPROACH_STEPS = 100000 };

static bool step_to(step_point *at, uint64_t entry, error *e) {
    for (unsigned steps = 0; steps < APPROACH_STEPS; steps++) {
        if (!step_once(at, e)) return false;
        if (at->address == entry) return true;
    }
    return fail(e, "the traced call did not enter the function to count within %d instructions", APPROACH_STEPS);
}

static bool step_through(step_point *at, step_visit *visit, void *user, error *e) {
    uint64_t stack = 0, now = 0, back = 0;
    const size_t rsp = offsetof(struct user_regs_struct, rsp);
    if (!peek_user(at->child, rsp, &stack, e)) return false;
    if (!peek_memory(at->child, stack, &back)) return fail(e, "cannot read the stack of the traced process");
    for (;;) {
        if (!visit(user, at, e) || !step_once(at, e)) return false;
        if (at->address != back) continue;
        if (!peek_user(at->child, rsp, &now, e)) return false;
        if (now == stack + sizeof back) return true; /* not a recursive call's return */
    }
}

bool step_run(const step_call *call, step_visit *visit, void *user, error *e) {
    step_point at = {0};
    int signal = 0;
    cpu_pin pin; /* both on one CPU: they only ever wait for each other, and waking another CPU takes far longer */
    cpu_pin_here(&pin, NULL);
    const pid_t parent = getpid();
    at.child = fork();
    if (at.child < 0) {
        cpu_pin_release(&pin);
        return fail(e, "cannot start a process to trace: %s", strerror(errno));
    }
    if (at.child == 0) child_main(call, parent);
    bool ok = child_wait(at.child, &signal, e);
    if (ok && signal != SIGSTOP) ok = fail(e, "the traced call crashed: %s", strsignal(signal));
    /* A process that ends takes the child along. */
    if (ok && ptrace(PTRACE_SETOPTIONS, at.child, NULL, PTRACE_O_EXITKILL) != 0)
        ok = fail(e, "cannot trace: %s", strerror(errno));
    ok = ok && step_to(&at, call->entry != 0 ? call->entry : (uint64_t)(uintptr_t)call->call, e) &&
         step_through(&at, visit, user, e);
    kill(at.child, SIGKILL);
    while (waitpid(at.child, NULL, 0) < 0 && errno == EINTR) continue;
    cpu_pin_release(&pin);
    return ok;
}

/* ---- looking ---------------------------------------------------------------------------------------------------
 */

bool step_code(const step_point *at, unsigned char code[STEP_CODE_BYTES], error *e) {
    uint64_t word[2] = {0};
    if (!peek_memory(at->child, at->address, &word[0]))
        return fail(e, "cannot read the code at 0x%llx", (unsigned long long)at->address);
    if (!peek_memory(at->child, at->address + sizeof word[0], &word[1])) word[1] = 0;
    memcpy(code, word, STEP_CODE_BYTES);
    return true;
}

/* The XSAVE area in its standard format (Intel SDM volume 1, chapter 13): legacy area, header, and each component
 * at the offset that CPUID leaf 0xD tells. A component whose bit in the header is clear is in its initial state: 0.
 */
enum {
    XSAVE_BYTES = 16384, /* with AMX tiles about 11,000 */
    XSAVE_XMM = 160,
    XSAVE_HEADER = 512,
    COMPONENT_SSE = 1,
    COMPONENT_AVX = 2,
    COMPONENT_OPMASK = 5,
    CPUID_XSTATE = 0xD,
};

static bool xsave_read(const step_point *at, unsigned char area[XSAVE_BYTES], uint64_t *present, error *e) {
    struct iovec io = {.iov_base = area, .iov_len = XSAVE_BYTES};
    if (ptrace(PTRACE_GETREGSET, at->child, NT_X86_XSTATE, &io) != 0)
        return fail(e, "cannot read the vector registers of the traced process: %s", strerror(errno));
    if (io.iov_len < XSAVE_HEADER + sizeof *present)
        return fail(e, "the system saves no extended registers (XSAVE)");
    memcpy(present, area + XSAVE_HEADER, sizeof *present);
    return true;
}

/* Copies `bytes` at `offset` of a component. */
static bool xsave_part(const unsigned char area[XSAVE_BYTES], uint64_t present, unsigned component, size_t offset,
                       void *to, size_t bytes, error *e) {
    unsigned size, start, flags, unused;
    memset(to, 0, bytes);
    if ((present >> component & 1) == 0) return true;
    if (__get_cpuid_count(CPUID_XSTATE, component, &size, &start, &flags, &unused) == 0 || offset + bytes > size ||
        start + offset + bytes > XSAVE_BYTES)
        return fail(e, "CPUID does not tell where component %u of the saved registers is", component);
    memcpy(to, area + start + offset, bytes);
    return true;
}

bool step_opmask(const step_point *at, unsigned k, uint64_t *mask, error *e) {
    unsigned char area[XSAVE_BYTES];
    uint64_t present = 0;
    return xsave_read(at, area, &present, e) &&
           xsave_part(area, present, COMPONENT_OPMASK, k * sizeof *mask, mask, sizeof *mask, e);
}

bool step_ymm(const step_point *at, unsigned number, unsigned char ymm[32], error *e) {
    unsigned char area[XSAVE_BYTES];
    uint64_t present = 0;
    if (!xsave_read(at, area, &present, e)) return false;
    memset(ymm, 0, 16);
    if ((present >> COMPONENT_SSE & 1) != 0) memcpy(ymm, area + XSAVE_XMM + 16 * number, 16);
    return xsave_part(area, present, COMPONENT_AVX, 16 * number, ymm + 16, 16, e);
}
