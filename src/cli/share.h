/* What is installed with the program beside it: models, importers, scripts, and Python to run them.
 */
#ifndef CLI_SHARE_H
#define CLI_SHARE_H

#include <stdbool.h>
#include <stddef.h>

/* Room for a path; longer ones are not looked at. */
#define SHARE_PATH_BYTES 4096

/*
 * Writes to `path` where `name`, a file or folder such as "plot.py" or "networks", is: in the
 * share/mbsopt of the prefix that the program itself lies in, wherever that was moved to, else in
 * the source tree that it was built from (models/ or scripts/), else in the share/mbsopt that it
 * was built for. False if it can be read in none of them; `path` is the last of them then.
 */
bool share_find(char *path, size_t size, const char *name);

/* Python: what MBSOPT_PYTHON names, else /usr/bin/python3, else the python3 on the path. */
const char *share_python(void);

#endif
