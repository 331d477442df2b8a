/* Commands whose operand is a network, which is planned first, or a plan file. */
#ifndef CLI_EITHER_H
#define CLI_EITHER_H

#include "setup.h"

/*
 * Loads the operand: into of->network, or into *plan, which is else null. With a plan file, which
 * stands by itself, what would plan it anew is refused. Says what is wrong; returns the exit
 * status.
 */
int load_network_or_plan(setup *of, mbs_plan **plan, const arguments *given);

/* The same, and plans a network as was read (planning_read); a plan file is replayed and checked.
 */
int plan_or_load(mbs_plan **plan, setup *of, mbs_recompute_options recompute,
                 const mbs_plan_options *options, const arguments *given);

#endif
