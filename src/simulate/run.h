/* The machine runs. */
#ifndef SIMULATE_RUN_H
#define SIMULATE_RUN_H

#include "simulate/machine.h"

/*
 * Runs all that is left of `w`; *end_s is when the last of it has ended, *both_s for how long
 * array and vector unit have computed at once. Errors: MBS_ERR_MEMORY,
 * MBS_ERR_STOPPED, MBS_ERR_VERIFY (a defect of this library: nothing can go on).
 */
mbs_status machine_run(work *w, const machine_options *options, const machine_watch *watch,
                       double *end_s, double *both_s, mbs_error *error);

#endif
