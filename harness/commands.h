/* commands.h: the subcommands of `idp`, one file each (cmd_<name>.c). */
#ifndef HARNESS_COMMANDS_H
#define HARNESS_COMMANDS_H

#include "bench/bench.h"
#include "error.h"

/* A command gets its own name as argv[0]. It prints its results on stdout and its progress on stderr, and returns
 * the exit status: 0, or EXIT_NO when it ran but the answer is no (a verification failed), or EXIT_ERROR with
 * e->text set, which main prints. */
enum { EXIT_NO = 1, EXIT_ERROR = 2 };

typedef struct command {
    const char *name, *summary;
    int (*run)(int argc, char **argv, error *e);
} command;

int cmd_bench(int argc, char **argv, error *e);
int cmd_compare(int argc, char **argv, error *e);
int cmd_cpu(int argc, char **argv, error *e);
int cmd_data(int argc, char **argv, error *e);
int cmd_epoch(int argc, char **argv, error *e);
int cmd_flops(int argc, char **argv, error *e);
int cmd_inspect(int argc, char **argv, error *e);
int cmd_list(int argc, char **argv, error *e);
int cmd_merge(int argc, char **argv, error *e);
int cmd_mca(int argc, char **argv, error *e);
int cmd_matrix(int argc, char **argv, error *e);
int cmd_predict(int argc, char **argv, error *e);
int cmd_publish(int argc, char **argv, error *e);
int cmd_sweep(int argc, char **argv, error *e);
int cmd_roof(int argc, char **argv, error *e);
int cmd_reproduce(int argc, char **argv, error *e);
int cmd_run(int argc, char **argv, error *e);
int cmd_train(int argc, char **argv, error *e);
int cmd_verify(int argc, char **argv, error *e);
int cmd_versus(int argc, char **argv, error *e);
int cmd_report(int argc, char **argv, error *e);

extern const command commands[];
extern const unsigned command_count;

/* getopt_long's '?' and ':' turned into one clear line in e; call with opterr = 0 and a leading ':' in the short
 * options. Returns EXIT_ERROR. */
int option_error(int argc, char **argv, int c, error *e);

/* Parses a number for option --name: whole text, within [low, high]. */
bool option_number(const char *name, const char *text, double low, double high, double *value, error *e);

/* "10,20,30" or "10:100:10" (from:to:step) into values[]; each within [low, high]. */
bool option_list(const char *name, const char *text, double low, double high, double *values, unsigned most,
                 unsigned *count, error *e);

/* --shape: "100x784,10x100", no layer twice. On failure shape[] may be changed. */
bool option_shapes(const char *text, bench_shape shape[BENCH_SHAPES], unsigned *count, error *e);

/* --batch: whole numbers, none twice. On failure batch[] may be changed. */
bool option_batches(const char *text, size_t batch[BENCH_BATCHES], unsigned *count, error *e);

/* "idp bench --quick": what was typed, for the record; cut where it is too long. getopt_long reorders argv: call
 * this first. */
void option_typed(int argc, char *const *argv, char *text, size_t text_size);

#endif
