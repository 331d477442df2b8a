#include "run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void run_settings(uint64_t *seed, int *rounds)
{
    if (getenv("MBS_SEED") != NULL)
        *seed = strtoull(getenv("MBS_SEED"), NULL, 10) | 1; /* a state must not be 0 */
    if (getenv("MBS_ROUNDS") != NULL)
        *rounds = atoi(getenv("MBS_ROUNDS"));
    printf("seed %" PRIu64 ", %d rounds\n", *seed, *rounds);
}

int run_suite(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
