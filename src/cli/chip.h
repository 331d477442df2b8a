/* --cores: what a chip of several cores moves that run a plan side by side. */
#ifndef CLI_CHIP_H
#define CLI_CHIP_H

#include <mbsopt/mbsopt.h>
#include <stdbool.h>

#include "options.h"

#define OPTION_CORES                                                                               \
    {                                                                                              \
        "cores", '\0', "N", "tell what N cores of a chip move that share fetches of weights"       \
    }

/* Reads --cores into *cores, 0 without it. Says what is wrong; returns the exit status. */
int chip_cores(int64_t *cores, const arguments *given);

/*
 * What is to be written with what so many cores move: behind a table, or in a plan file as member
 * x_chip, which readers of it pass over. *told is the caller's (free). Says what is wrong; returns
 * the exit status.
 */
int chip_tell(char **told, const char *output, const mbs_plan *plan, int64_t cores, bool json);

#endif
