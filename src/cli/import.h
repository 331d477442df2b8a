/* Networks in other people's formats, by way of the importer script. */
#ifndef CLI_IMPORT_H
#define CLI_IMPORT_H

#include <mbsopt/mbsopt.h>
#include <stdbool.h>

/* Whether `path` names an ONNX file. */
bool is_onnx_path(const char *path);

/*
 * Runs scripts/import_onnx.py on `path` and loads what it writes. The importer is the file that
 * MBSOPT_IMPORTER names, else the one in the source tree, else the installed one; Python is
 * MBSOPT_PYTHON, else /usr/bin/python3, else the python3 on the path. Says what went wrong and
 * returns the exit status; *network is the caller's if that is EXIT_OK.
 */
int import_onnx(mbs_network **network, const char *path);

#endif
