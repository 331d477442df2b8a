/* The networks and machines that come with the program, and where they are. */
#ifndef CLI_SHIPPED_H
#define CLI_SHIPPED_H

#include <stddef.h>

#include "share.h"

/* Kinds of files, as bits where several are looked for. */
typedef enum shipped_kind { SHIPPED_NETWORK = 1, SHIPPED_MACHINE = 2 } shipped_kind;

/* Names of shipped files without their ".json", sorted. */
typedef struct shipped_names {
    char folder[SHARE_PATH_BYTES];
    char **names;
    size_t count;
} shipped_names;

/*
 * What comes with the program of one kind: the folder that MBSOPT_DATA names, else the one
 * installed with the program, else the source tree's models/, in it networks/ or hardware/. Says
 * what is wrong; returns the exit status. Free with shipped_free in any case.
 */
int shipped_list(shipped_names *list, shipped_kind kind);
void shipped_free(shipped_names *list);

/*
 * The file that `name` means: itself, if there is such a file or if it cannot be a bare name, else
 * NAME.json, else what is shipped under that name, of a machine also the end of its name behind a
 * "-". Says what is wrong, with names that are near; returns the exit status. *path is the
 * caller's (free) if that is EXIT_OK.
 */
int shipped_find(char **path, unsigned kinds, const char *name);

#endif
