/* Whether a machine that a caller has put together is one that a file could describe. */
#ifndef HARDWARE_CHECK_H
#define HARDWARE_CHECK_H

#include "mbsopt/hardware.h"

/* Each member alone, as in files; what the buffer must hold is asked of a plan's options. */
mbs_status hardware_check(const mbs_hardware *hardware, mbs_error *error);

#endif
