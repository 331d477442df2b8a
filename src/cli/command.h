/* The commands of the program: one table row each, in main.c. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stddef.h>

/* What the program's exit status says. */
enum {
    EXIT_OK = 0,
    EXIT_BAD_INPUT = 1,
    EXIT_USAGE = 2,
    EXIT_NO_PLAN = 3,
    EXIT_VERIFICATION = 4,
    EXIT_SYSTEM = 5
};

typedef struct option_spec {
    const char *name;  /* without its dashes */
    char letter;       /* of the short form, or '\0' */
    const char *value; /* what its value is called in the help, or null for a flag */
    const char *help;
} option_spec;

struct arguments;

typedef struct command {
    const char *name;
    const char *operand; /* as shown in the help: "NET", "[COMMAND]" */
    int operand_required;
    int operand_many;          /* any number of operands, not one at most */
    int takes_networks;        /* names of mbsopt list will do for files */
    const char *operand_words; /* all that an operand may be, or null: files */
    const char *summary;       /* one line */
    const char *details;       /* for the command's own help */
    const char *examples;      /* likewise, or null */
    const option_spec *options;
    size_t option_count;
    int (*run)(const struct arguments *arguments); /* returns the exit status */
} command;

extern const command command_plan;
extern const command command_explain;
extern const command command_compare;
extern const command command_sweep;
extern const command command_report;
extern const command command_advise;
extern const command command_tradeoff;
extern const command command_verify;
extern const command command_show;
extern const command command_list;
extern const command command_simulate;
extern const command command_export;
extern const command command_plot;
extern const command command_place;
extern const command command_help;

/* A command's help on standard output; returns the exit status. */
int print_command_help(const command *of);

#endif
