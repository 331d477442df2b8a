/* Networks in other people's formats, by way of the importer script. */
#ifndef CLI_IMPORT_H
#define CLI_IMPORT_H

#include <mbsopt/mbsopt.h>
#include <stdbool.h>

#include "options.h"

/* Rows of the option tables of commands that take network files; import.c hands them on. */
#define OPTIONS_IMPORT                                                                             \
    {"input", '\0', "NAME=CxHxW", "ONNX: a sample's shape where an input leaves it open"},         \
        {"cut", '\0', "TENSORS",                                                                   \
         "ONNX: leave out what these comma-separated tensors do not need"},                        \
        {"weights", '\0', "NAMES", "ONNX: comma-separated inputs that are learned"},               \
        {"learned", '\0', "NAMES", "ONNX: comma-separated fixed tensors that are learned"},        \
        {"constant", '\0', "NAMES", "ONNX: comma-separated fixed tensors that are not learned"},   \
    {                                                                                              \
        "opaque", '\0', NULL, "ONNX: import unknown operators as elementwise ones"                 \
    }

/* Whether `path` names an ONNX file. */
bool is_onnx_path(const char *path);

/* What --inference, --no-fold and --fuse come to: a sum of mbs_fusion. */
int fusion_asked(const arguments *given);

/* Fuses the network's layers as these say. Says what went wrong and returns the exit status. */
int fuse_network(mbs_network **network, const arguments *given);

/*
 * Loads the network `name`, one of the operands: a file, or one that is shipped (shipped.h). An
 * ONNX file is imported, as OPTIONS_IMPORT say: scripts/import_onnx.py writes the network file that
 * is loaded then. The importer is the file that MBSOPT_IMPORTER names, else the one installed with
 * this program, else the one in the source tree; Python is MBSOPT_PYTHON, else /usr/bin/python3,
 * else the python3 on the path. Says what went wrong and returns the exit status; *network is the
 * caller's if that is EXIT_OK. Its layers are fused, as of fuse_network.
 */
int load_network(mbs_network **network, const arguments *given, const char *name);

/* Refuses OPTIONS_IMPORT where no operand is an ONNX file; returns the exit status. */
int check_import_options(const arguments *given);

#endif
