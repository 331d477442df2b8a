/* Networks in other people's formats, by way of the importer script. */
#ifndef CLI_IMPORT_H
#define CLI_IMPORT_H

#include <mbsopt/mbsopt.h>
#include <stdbool.h>

#include "options.h"

/* Rows of the option tables of commands that take network files. */
#define OPTION_INPUT                                                                               \
    {                                                                                              \
        "input", '\0', "NAME=CxHxW", "ONNX: a sample's shape where an input leaves it open"        \
    }
#define OPTION_OPAQUE                                                                              \
    {                                                                                              \
        "opaque", '\0', NULL, "ONNX: import unknown operators as elementwise ones"                 \
    }

/* Whether `path` names an ONNX file. */
bool is_onnx_path(const char *path);

/*
 * Loads the network `name`, one of the operands: a file, or one that is shipped (shipped.h). An
 * ONNX file is imported, as --input and
 * --opaque say: scripts/import_onnx.py writes the network file that is loaded then. The importer is
 * the file that MBSOPT_IMPORTER names, else the one installed with this program, else the one in
 * the source tree; Python is MBSOPT_PYTHON, else /usr/bin/python3, else the python3 on the path.
 * Says what went wrong and returns the exit status; *network is the caller's if that is EXIT_OK.
 */
int load_network(mbs_network **network, const arguments *given, const char *name);

/* Refuses --input and --opaque where no operand is an ONNX file; returns the exit status. */
int check_import_options(const arguments *given);

#endif
