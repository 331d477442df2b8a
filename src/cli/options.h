/* Command-line arguments. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>

#include "command.h"

#define MAX_OPTIONS 16

typedef struct arguments {
    const command *command;
    const char *operand;             /* null if not given */
    const char *values[MAX_OPTIONS]; /* in the order of the command's options; null: not given */
    bool help;                       /* --help was among them */
} arguments;

/*
 * Sorts the arguments after the command's name: `--name value`, `--name=value`, `-o value`,
 * `-ovalue`, flags, operands; `--` ends the options and `-` is an operand; of an option given twice
 * the last counts. Says what is wrong and returns EXIT_USAGE, or returns EXIT_OK.
 */
int options_parse(arguments *result, const command *of, int count, char *const *words);

/* The value of an option of the command ("" for a flag), or null if it was not given. */
const char *option_value(const arguments *given, const char *name);

/* Whether a flag was given. */
bool option_flag(const arguments *given, const char *name);

/*
 * Which of `choices` (null-terminated) the option's value is; the first if it was not given.
 * Says what is wrong and returns false if it is none of them.
 */
bool option_choice(const arguments *given, const char *name, const char *const *choices,
                   size_t *choice);

/* The nearest of `names` (null-terminated) if `given` looks like a typing error of it, or null. */
const char *nearest_name(const char *given, const char *const *names);

#endif
