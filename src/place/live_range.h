/* What is placed, and what came of it. */
#ifndef PLACE_LIVE_RANGE_H
#define PLACE_LIVE_RANGE_H

#include "mbsopt/place.h"

typedef mbs_live_range live_range;

#endif
