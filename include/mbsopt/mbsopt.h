/* mbsopt: plans how a CNN-training accelerator moves its data. Include this header. */
#ifndef MBSOPT_H
#define MBSOPT_H

#include "mbsopt/cost.h"
#include "mbsopt/emit.h"
#include "mbsopt/explain.h"
#include "mbsopt/hardware.h"
#include "mbsopt/memory.h"
#include "mbsopt/network.h"
#include "mbsopt/place.h"
#include "mbsopt/plan.h"
#include "mbsopt/program.h"
#include "mbsopt/report.h"
#include "mbsopt/simulate.h"
#include "mbsopt/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MBS_VERSION "0.1.0"

/* The version of the library that runs, for example "0.1.0". Static storage. */
MBS_API const char *mbs_version(void);

#ifdef __cplusplus
}
#endif
#endif
