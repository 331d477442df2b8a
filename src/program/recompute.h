/* Which layers' outputs may be recomputed, and which a policy recomputes (model, section 10). */
#ifndef PROGRAM_RECOMPUTE_H
#define PROGRAM_RECOMPUTE_H

#include "network/network.h"
#include "program/program.h"

/* Whether outputs of the op may be recomputed: not of parameters, dropout, pooling and views. */
bool recompute_allows(mbs_op op);

/*
 * Whether `policy` recomputes the layer's output, which is no sink. `members` are the tensors that
 * it reads: values or parts, views expanded.
 */
bool recompute_wants(const mbs_network *network, int32_t layer, const int32_t *members,
                     int32_t member_count, mbs_recompute policy);

#endif
