/* Python scripts that come with mbsopt, run as processes that end with this one. */
#ifndef CLI_SCRIPT_H
#define CLI_SCRIPT_H

#include <mbsopt/mbsopt.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct script {
    char **words; /* of its command line, null-terminated: Python, the script's path, and so on */
    size_t count;
    bool failed;         /* memory is out */
    char *text;          /* what it wrote to standard output */
    size_t length;       /* of that, in bytes */
    const char *given;   /* its standard input, or null: this program's own */
    size_t given_length; /* of that */
} script;

/* Begins a command line; Python is share_python's. Free with script_free in any case. */
void script_begin(script *of, const char *path);

/* Adds a word. */
void script_add(script *of, const char *format, ...) MBS_PRINTF(2, 3);

/*
 * Runs it to its end. What it says on standard error, without an "mbsopt: " before it, becomes this
 * program's errors if it failed and notes if it did not. SIGINT, SIGTERM and SIGHUP end both.
 * `task` and `object` say what it is for: "imports", "net.onnx". Says what is wrong; returns the
 * exit status, the script's own if that is one of this program's.
 */
int script_run(script *of, const char *task, const char *object);

void script_free(script *of);

#endif
