/*
 * Every failing allocation is survived: each task below is run again and again with its first
 * allocation failing, then its second, and so on until none fails, and once more with all from that
 * one on failing. Each time it must return an error (or do without the memory), hand out nothing,
 * and leave no memory behind. Allocations of cJSON, GLPK and the C library count too.
 * Of a task's allocations after the 250th only some fail, unless --every is given.
 *
 * GLPK takes a block out of its list before it enlarges it, so when that fails neither it nor
 * anybody else can free it: such a block alone may be left.
 *
 * This program replaces malloc and its kin, as the C library allows; sanitizers do the same, so it
 * is not built with them.
 */
#define _GNU_SOURCE /* dladdr */

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inputs.h"
#include "tasks.h"

/* ---- The allocator --------------------------------------------------------------------------- */

/* The C library's own. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *memory);

static atomic_long allocations; /* since counting began */
static atomic_long live;        /* blocks handed out and not yet freed */
static atomic_long first_failing;
static atomic_bool only_one_fails;
static atomic_bool any_failed;
static atomic_long lost_by_glpk; /* blocks */

static bool is_denied(void)
{
    long number = ++allocations;
    long first = first_failing;
    bool denied = first > 0 && (only_one_fails ? number == first : number >= first);
    if (denied) {
        any_failed = true;
        errno = ENOMEM;
    }
    return denied;
}

static void *count(void *memory)
{
    if (memory != NULL)
        live++;
    return memory;
}

void *malloc(size_t size)
{
    return is_denied() ? NULL : count(__libc_malloc(size));
}

void *calloc(size_t number, size_t size)
{
    return is_denied() ? NULL : count(__libc_calloc(number, size));
}

static bool is_in_glpk(void *address)
{
    Dl_info info;
    return dladdr(address, &info) != 0 && strstr(info.dli_fname, "libglpk") != NULL;
}

void *realloc(void *memory, size_t size)
{
    if (is_denied()) {
        if (memory != NULL && is_in_glpk(__builtin_return_address(0)))
            lost_by_glpk++;
        return NULL;
    }
    void *moved = __libc_realloc(memory, size);
    if (memory == NULL)
        count(moved);
    return moved;
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    void *got = is_denied() ? NULL : count(__libc_memalign(alignment, size));
    if (got == NULL)
        return ENOMEM;
    *memory = got;
    return 0;
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return is_denied() ? NULL : count(__libc_memalign(alignment, size));
}

void free(void *memory)
{
    if (memory != NULL)
        live--;
    __libc_free(memory);
}

/* ---- Running them ---------------------------------------------------------------------------- */

static int failures;

static void complain(const task *of, long number, const char *what)
{
    failures++;
    if (failures < 20)
        printf("FAILED: %s, allocation %ld%s: %s\n", of->name, number,
               only_one_fails ? "" : " and all after it", what);
}

/* Runs the task with allocations failing from `number` on (none if 0); false once none did. */
static bool run_once(const task *of, long number)
{
    static mbs_error error;
    mbs_error_clear(&error);
    long before = live;
    any_failed = false;
    lost_by_glpk = 0;
    allocations = 0;
    first_failing = number;
    mbs_status status = of->run(of, &error);
    first_failing = 0;
    if (live != before + lost_by_glpk) {
        char what[64];
        snprintf(what, sizeof what, "%ld blocks are left", live - before);
        complain(of, number, what);
    }
    live -= lost_by_glpk;
    if (!any_failed && status != MBS_OK)
        complain(of, number, error.message[0]);
    if (any_failed && status != MBS_OK && status != MBS_ERR_MEMORY && status != MBS_ERR_SOLVER &&
        status != MBS_ERR_IO)
        complain(of, number, mbs_status_text(status));
    if (status != MBS_OK && (error.count == 0 || error.status != status))
        complain(of, number, "the error does not say what the status says");
    return any_failed;
}

static void run_task(const task *of, bool every)
{
    first_failing = 0;
    static mbs_error error;
    mbs_error_clear(&error);
    of->run(of, &error); /* what is made once and kept, such as a thread's stack, is made now */
    for (int mode = 0; mode < 2; mode++) {
        only_one_fails = mode == 0;
        long number = 1;
        /* where there are many, most of them are alike */
        while (run_once(of, number))
            number += every || number < 250 ? 1 : 1 + number / 25;
        if (mode == 0)
            printf("%s: %ld allocations\n", of->name, (long)allocations);
    }
}

int main(int argc, char **argv)
{
    bool every = argc > 1 && strcmp(argv[1], "--every") == 0;
    const char *root = getenv("MBS_SOURCE_DIR");
    if (root == NULL || !inputs_prepare(root)) {
        printf("FAILED: the inputs cannot be prepared\n");
        return 1;
    }
    for (size_t i = 0; i < task_count; i++)
        run_task(&tasks[i], every);
    if (!inputs_tidy_up()) {
        printf("FAILED: temporary files are left\n");
        failures++;
    }
    return failures > 0;
}
