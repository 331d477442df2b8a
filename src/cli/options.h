/* Command-line arguments. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>

#include "command.h"

#define MAX_OPTIONS 48

/* Longer names are compared with none to suggest one. */
#define LONGEST_SUGGESTION 32

/* Options of every command, after its own. */
extern const option_spec common_options[];
extern const size_t common_option_count;

typedef struct arguments {
    const command *command;
    const command *const *commands; /* all of the program, ended by a null */
    const char *program;            /* as it was called */
    const char *operand;            /* the first; null if not given */
    const char **operands;          /* all */
    size_t operand_count;
    const char *values[MAX_OPTIONS]; /* in the order of the command's options; null: not given */
    struct given_value *all_values;  /* each time an option was given, in that order */
    size_t value_count;
    bool help; /* --help was among them */
} arguments;

typedef struct given_value {
    size_t option;
    const char *value;
} given_value;

/*
 * Sorts the arguments after the command's name: `--name value`, `--name=value`, `-o value`,
 * `-ovalue`, flags, operands; `--` ends the options and `-` is an operand; of an option given twice
 * the last counts, or see option_nth. Says what is wrong and returns EXIT_USAGE (or EXIT_SYSTEM if
 * memory is out), or returns EXIT_OK. Free with options_free in any case.
 */
int options_parse(arguments *result, const command *of, int count, char *const *words);
void options_free(arguments *given);

/* The value of an option of the command ("" for a flag), or null if it was not given. */
const char *option_value(const arguments *given, const char *name);

/* What the option was given the `position`-th time (from 0), or null if it was given less often. */
const char *option_nth(const arguments *given, const char *name, size_t position);

/* Whether a flag was given. */
bool option_flag(const arguments *given, const char *name);

/*
 * Which of `choices` (null-terminated) the option's value is; the first if it was not given.
 * Says what is wrong and returns false if it is none of them.
 */
bool option_choice(const arguments *given, const char *name, const char *const *choices,
                   size_t *choice);

/*
 * The same of --format where the command writes to the file `output` (or null): without --format
 * the name's ending says it, .json, .jsonl, .csv or .txt. A file named after a format that is none
 * of `choices` is refused.
 */
bool option_format(const arguments *given, const char *output, const char *const *choices,
                   size_t *choice);

/* The nearest of `names` (null-terminated, none above LONGEST_SUGGESTION) if `given` looks like a
 * typing error of it, or null. */
const char *nearest_name(const char *given, const char *const *names);

#endif
