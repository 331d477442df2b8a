/* Networks without biases, which the model's section 8 has figures of. */
#ifndef TESTS_NO_BIAS_H
#define TESTS_NO_BIAS_H

#include <stdbool.h>

typedef struct no_bias {
    char folder[1024];        /* holds NAME.json of each */
    const char *const *names; /* null at the end */
    bool ours;                /* the folder, to remove */
} no_bias;

/*
 * Takes what scripts/make_zoo.py --no-bias has written to MBS_NO_BIAS_DIR or, where that is not
 * set, has `names` (borrowed) written to a folder of their own. False if that fails. Close in any
 * case.
 */
bool no_bias_open(no_bias *networks, const char *const *names);
void no_bias_close(no_bias *networks);

#endif
