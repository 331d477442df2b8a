#include "mbsopt/mbsopt.h"

const char *mbs_version(void)
{
    return MBS_VERSION;
}
