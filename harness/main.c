/* main.c: the program `idp`: finds the subcommand, prints what went wrong, sets the exit status. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backends.h"
#include "commands.h"
#include "json_memory.h"
#include "progress.h"

const command commands[] = {
    {"bench", "time the kernels with Google Benchmark", cmd_bench},
    {"compare", "two results documents: what got better, what got worse", cmd_compare},
    {"cpu", "what this CPU is, and which back ends run here", cmd_cpu},
    {"data", "the data set: fetch MNIST, tell, show", cmd_data},
    {"epoch", "the time of a training epoch, beside other libraries' and PyTorch's", cmd_epoch},
    {"flops", "the work that kernels really execute, counted instruction by instruction", cmd_flops},
    {"inspect", "what a model file holds", cmd_inspect},
    {"list", "every kernel", cmd_list},
    {"mca", "predicted speed of the kernels on CPUs that are not here", cmd_mca},
    {"merge", "results documents of one machine as one document", cmd_merge},
    {"matrix", "kernels beside other libraries and the roofs, cell by cell", cmd_matrix},
    {"predict", "what a model sees in images", cmd_predict},
    {"publish", "results documents into the folder of published ones, and its overview", cmd_publish},
    {"report", "results documents as HTML, Markdown and CSV; several machines side by side", cmd_report},
    {"roof", "what this core can do at most", cmd_roof},
    {"reproduce", "every recipe over several seeds, beside the figures it must give", cmd_reproduce},
    {"run", "all of it: verify, train, sweep, bench, report", cmd_run},
    {"sweep", "accuracy, FLOPs and time of a model at every percentage", cmd_sweep},
    {"train", "a model by a recipe", cmd_train},
    {"verify", "every kernel against the double-precision oracle", cmd_verify},
    {"versus", "which kernel is faster, and how sure that is", cmd_versus},
    {NULL, NULL, NULL},
};
const unsigned command_count = sizeof commands / sizeof commands[0] - 1;

static void usage(FILE *file) {
    fprintf(file, "idp: incomplete dot products, measured.\n\nUsage: idp COMMAND [OPTION]...\n\nCommands:\n");
    for (unsigned c = 0; c < command_count; c++)
        fprintf(file, "  %-10s %s\n", commands[c].name, commands[c].summary);
    fprintf(file, "\nidp COMMAND --help tells the options of a command.\n");
}

int main(int argc, char **argv) {
    if (argc < 2) {
        usage(stderr);
        return EXIT_ERROR;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        usage(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("idp %s\n", IDP_VERSION);
        return 0;
    }
    for (unsigned c = 0; c < command_count; c++) {
        if (strcmp(argv[1], commands[c].name) != 0) continue;
        error e = {""};
        interrupt_install();
        json_memory_watch();
        int status = backend_hidden_known(&e) ? commands[c].run(argc - 1, argv + 1, &e) : EXIT_ERROR;
        const bool told =
            fflush(stdout) == 0 && !ferror(stdout); /* an earlier write may have failed, the last not */
        if (!told && status == 0) {
            fail(&e, "cannot write to standard output");
            status = EXIT_ERROR;
        }
        if (status == EXIT_ERROR) { /* over a progress bar that was left standing, on a terminal */
            fprintf(stderr, "%sidp %s: %s\n", isatty(STDERR_FILENO) ? "\r\033[K" : "", commands[c].name, e.text);
        }
        return status;
    }
    fprintf(stderr, "idp: there is no command '%s'; idp --help lists them\n", argv[1]);
    return EXIT_ERROR;
}
