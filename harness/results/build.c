/* build.c: CMake hands the version and the flags in as definitions of this one file; the commit comes from a header
 * that every build refreshes, because a configure-time commit would be stale after the next `git commit`. */
#include "build.h"

#include "idp_commit.h"

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
#define VERSION(a, b, c) TEXT(a) "." TEXT(b) "." TEXT(c)
#if defined __clang__ /* first: it calls itself gcc 4.2 too */
#define COMPILER "clang " VERSION(__clang_major__, __clang_minor__, __clang_patchlevel__)
#elif defined __GNUC__
#define COMPILER "gcc " VERSION(__GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__)
#else
#define COMPILER "unknown"
#endif

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__ /* gcc */
#define SANITIZED true
#elif defined __has_feature /* clang */
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED true
#endif
#endif
#if !defined SANITIZED
#define SANITIZED false
#endif

build_facts build_read(void) {
    return (build_facts){.version = BUILD_VERSION,
                         .commit = IDP_COMMIT,
                         .compiler = COMPILER,
                         .flags = BUILD_FLAGS,
                         .sanitized = SANITIZED};
}
