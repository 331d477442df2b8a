/* Status codes and error text. See also DESIGN rules 3 and 4 in docs/design.md. */
#ifndef MBSOPT_STATUS_H
#define MBSOPT_STATUS_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define MBS_API              __attribute__((visibility("default")))
#define MBS_PRINTF(fmt, arg) __attribute__((format(printf, fmt, arg)))
#else
#define MBS_API
#define MBS_PRINTF(fmt, arg)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Whether a call worked. What a plan is worth is not a status but its outcome (plan.h). */
typedef enum mbs_status {
    MBS_OK = 0,
    MBS_ERR_INPUT,    /* a file or a value given by the user is wrong */
    MBS_ERR_ARGUMENT, /* the caller misused the library (a choice that is none, an index out of
                         range) */
    MBS_ERR_NO_PLAN,  /* no schedule exists for this network, buffer and options */
    MBS_ERR_VERIFY, /* a plan breaks the model's rules, or its figures are not what a replay counts
                     */
    MBS_ERR_IO,     /* a file could not be read or written */
    MBS_ERR_MEMORY, /* an allocation failed */
    MBS_ERR_SOLVER, /* the integer-programming solver failed */
    MBS_ERR_STOPPED /* the caller ended planning (plan.h) before there was a plan */
} mbs_status;

#define MBS_ERROR_MESSAGES      20
#define MBS_ERROR_MESSAGE_BYTES 480

/*
 * What went wrong, owned by the caller and without any allocation of its own. `status` is the first
 * fault's. A loader collects all faults of a file: `count` of them, the first MBS_ERROR_MESSAGES as
 * text, one line of printable UTF-8 each without a newline.
 */
typedef struct mbs_error {
    mbs_status status;
    size_t count;
    char message[MBS_ERROR_MESSAGES][MBS_ERROR_MESSAGE_BYTES];
} mbs_error;

/* Empties `error` before its first use or for another one. A null pointer is allowed. */
MBS_API void mbs_error_clear(mbs_error *error);

/* A status in a few words, for example "bad input". Static storage; never null. */
MBS_API const char *mbs_status_text(mbs_status status);

/*
 * Reads at most `room` bytes of a stream into `data`; returns how many, 0 at its end, or a negative
 * number if it failed.
 */
typedef int64_t mbs_read_function(void *context, char *data, size_t room);

/* Frees text that the library returned. A null pointer is allowed. */
MBS_API void mbs_free(void *memory);

/*
 * Parses a size such as "10MiB", "10MB", "512KiB", "1.5GiB" or "10485760" (bytes) into `bytes`.
 * Units: B, kB/KB/MB/GB/TB (powers of 1000), KiB/MiB/GiB/TiB (powers of 1024); case as written, or
 * all lower case. The value must be a whole number of bytes, at least 0 and below 2^63.
 * Errors: MBS_ERR_INPUT.
 */
MBS_API mbs_status mbs_parse_size(int64_t *bytes, const char *text, mbs_error *error);

/*
 * Parses a decimal whole number within [minimum, maximum]. `what` names it in the message.
 * Errors: MBS_ERR_INPUT.
 */
MBS_API mbs_status mbs_parse_integer(int64_t *value, const char *text, int64_t minimum,
                                     int64_t maximum, const char *what, mbs_error *error);

/*
 * Writes `length` bytes to `path` by way of a temporary file in the same folder and a rename, so
 * that a failure leaves an existing file as it was. What is no regular file (a device, a pipe) is
 * written to directly. Errors: MBS_ERR_IO, MBS_ERR_MEMORY.
 */
MBS_API mbs_status mbs_write_file(const char *path, const char *data, size_t length,
                                  mbs_error *error);

#ifdef __cplusplus
}
#endif
#endif
