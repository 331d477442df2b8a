/* Networks written as lists of inputs and layers, with ' for ". */
#ifndef TESTS_UNIT_NETWORK_LISTS_H
#define TESTS_UNIT_NETWORK_LISTS_H

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "network/network.h"
#include "run.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static mbs_error error;

static inline void setup(void)
{
    mbs_error_clear(&error);
}

/* A network with the given lists, written with ' for ". */
static inline mbs_status load_lists(mbs_network **network, const char *inputs, const char *layers)
{
    char document[8192];
    int length = snprintf(document, sizeof document,
                          "{'format': 'mbsopt-network/1', 'name': 'test', 'inputs': [%s], "
                          "'layers': [%s]}",
                          inputs, layers);
    ck_assert_int_lt(length, (int)sizeof document);
    double_quotes(document);
    return mbs_network_load_text(network, document, (size_t)length, "test.json", &error);
}

#endif
