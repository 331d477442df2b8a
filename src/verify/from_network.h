/* A network's plan, its program built for the machine's words. */
#ifndef VERIFY_FROM_NETWORK_H
#define VERIFY_FROM_NETWORK_H

#include "mbsopt/plan.h"

/* As mbs_plan_network, whatever the options say of how slow the plan may be. */
mbs_status plan_from_network(mbs_plan **plan, const mbs_network *network,
                             const mbs_hardware *hardware, const mbs_options *options,
                             mbs_error *error);

#endif
