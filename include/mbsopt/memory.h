/* Where the library takes its memory from: the C library, or what the caller provides. */
#ifndef MBSOPT_MEMORY_H
#define MBSOPT_MEMORY_H

#include "mbsopt/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * An allocator of the caller's. `allocate` returns memory for `bytes` (more than 0) bytes that is
 * aligned for any object, or null if there is none, which the library survives as it does a failing
 * malloc. `release` gets back what `allocate` returned, with the same number of bytes. Both are
 * handed `context` and must not call the library.
 */
typedef struct mbs_allocator {
    void *(*allocate)(void *context, size_t bytes);
    void (*release)(void *context, void *memory, size_t bytes);
    void *context;
} mbs_allocator;

/*
 * From now on calls of this thread take their memory from `allocator`; null stands for the C
 * library's, with which every thread begins. Other threads are not affected. Returns what was
 * used before, so that it can be put back:
 *
 *   const mbs_allocator *before = mbs_use_allocator(&mine);
 *   status = mbs_network_load_file(&network, path, &error);
 *   mbs_use_allocator(before);
 *
 * What was allocated goes back to where it came from, whichever allocator the thread that frees it
 * uses then. `allocator` must therefore stay valid until all that was made with it has been freed;
 * where objects pass between threads, and for MBS_PLANNER_ILP and MBS_PLANNER_BEST, which compute
 * in threads of their own one at a time, it must not depend on the thread that calls it.
 *
 * Not reached are cJSON and GLPK, whose allocators are global to the program or fixed, and the C
 * library: what they take during a call comes from malloc and is given back before it returns. (A
 * network builder keeps its layers as cJSON's until it is freed.)
 */
MBS_API const mbs_allocator *mbs_use_allocator(const mbs_allocator *allocator);

#ifdef __cplusplus
}
#endif
#endif
