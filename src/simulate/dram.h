/* What comes into sight on the machine, and what DRAM moves of it. */
#ifndef SIMULATE_DRAM_H
#define SIMULATE_DRAM_H

#include "simulate/machine.h"

/* Lets one more execution come into sight; false if there is none, or no place for it yet. */
bool machine_see_next(machine *m);

/* Lets as many streams come into sight as may be. */
void machine_see_streams(machine *m);

/* Goes on to the first execution that is not yet computed and stored. */
void machine_pass_stored(machine *m);

/* Lets DRAM begin with its next slice, if it is idle and there is one; and end the one at hand. */
void machine_start_dram(machine *m);
void machine_end_dram(machine *m);

#endif
