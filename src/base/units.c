/* Numbers and sizes as people type them. */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"

typedef struct unit {
    const char *suffix;
    int64_t bytes;
} unit;

static const unit units[] = {
    {"", 1},
    {"B", 1},
    {"b", 1},
    {"kB", 1000},
    {"KB", 1000},
    {"kb", 1000},
    {"MB", 1000000},
    {"mb", 1000000},
    {"GB", 1000000000},
    {"gb", 1000000000},
    {"TB", 1000000000000},
    {"tb", 1000000000000},
    {"KiB", INT64_C(1) << 10},
    {"kib", INT64_C(1) << 10},
    {"MiB", INT64_C(1) << 20},
    {"mib", INT64_C(1) << 20},
    {"GiB", INT64_C(1) << 30},
    {"gib", INT64_C(1) << 30},
    {"TiB", INT64_C(1) << 40},
    {"tib", INT64_C(1) << 40},
};

static mbs_status bad_size(const char *given, const char *why, mbs_error *error)
{
    return error_set(error, MBS_ERR_INPUT,
                     "size %s: %s; expected a whole number of bytes below 2^63, such as 10MiB, "
                     "10MB, 512KiB or 10485760",
                     quoted(given).text, why);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

mbs_status mbs_parse_size(int64_t *bytes, const char *given, mbs_error *error)
{
    const char *at = given;
    int64_t mantissa = 0;
    int64_t scale = 1; /* mantissa counts units of 1/scale */
    if (!is_digit(*at))
        return bad_size(given, "does not start with a digit", error);
    for (bool fraction = false; is_digit(*at) || (*at == '.' && !fraction && is_digit(at[1]));
         at++) {
        if (*at == '.') {
            fraction = true;
            continue;
        }
        if (!checked_mul(mantissa, 10, &mantissa) || !checked_add(mantissa, *at - '0', &mantissa) ||
            (fraction && !checked_mul(scale, 10, &scale)))
            return bad_size(given, "is too large", error);
    }
    if (*at == ' ')
        at++;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(at, units[i].suffix) != 0)
            continue;
        int64_t scaled;
        if (!checked_mul(mantissa, units[i].bytes, &scaled))
            return bad_size(given, "is too large", error);
        if (scaled % scale != 0)
            return bad_size(given, "is not a whole number of bytes", error);
        *bytes = scaled / scale;
        return MBS_OK;
    }
    return bad_size(given, "has an unknown unit", error);
}

mbs_status mbs_parse_integer(int64_t *value, const char *given, int64_t minimum, int64_t maximum,
                             const char *what, mbs_error *error)
{
    char *end;
    errno = 0;
    long long parsed = strtoll(given, &end, 10);
    bool number = (is_digit(given[0]) || (given[0] == '-' && is_digit(given[1]))) && *end == '\0';
    if (!number || errno == ERANGE || parsed < minimum || parsed > maximum)
        return error_set(error, MBS_ERR_INPUT,
                         "%s %s: expected a whole number from %" PRId64 " to %" PRId64, what,
                         quoted(given).text, minimum, maximum);
    *value = parsed;
    return MBS_OK;
}
