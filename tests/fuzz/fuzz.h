/*
 * Fuzz targets: each feeds one loader (and what follows it) whatever bytes come, and aborts where a
 * promise of the library is broken. They run under libFuzzer (-Dfuzz=true with clang) or under the
 * driver in driver.c, which any compiler builds.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <mbsopt/mbsopt.h>
#include <stddef.h>
#include <stdint.h>

/* The target: runs on one input, returns 0. The name is libFuzzer's. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libFuzzer's own hook for mutations: half of them are of JSON's tokens, half of bytes. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed);

/*
 * Changes, doubles, drops or exchanges tokens of the text in place and returns its new size. Goes
 * by brackets, quotes and commas alone, so it takes broken text too. Deterministic in `seed`.
 */
size_t mutate_tokens(uint8_t *data, size_t size, size_t room, uint64_t seed);

/* Likewise for single bytes and runs of them. */
size_t mutate_bytes(uint8_t *data, size_t size, size_t room, uint64_t seed);

/* Aborts unless `condition` holds. */
void fuzz_require(int condition, const char *what);

/* Aborts unless the call that returned `status` and filled `error` keeps the rules on errors. */
void fuzz_check_error(mbs_status status, const mbs_error *error);

/* Calls every getter and writer that a loaded plan allows; the answers are not looked at. */
void fuzz_use_plan(const mbs_plan *plan);

#endif
