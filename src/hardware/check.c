/* Whether a machine that a caller has put together is one that a file could describe. */
#include "hardware/check.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "hardware/fields.h"

static mbs_status check_integer(const hardware_field *field, int64_t value, const char *name,
                                mbs_error *error)
{
    if (value >= field->minimum && value <= field->maximum)
        return MBS_OK;
    return error_set(error, MBS_ERR_INPUT,
                     "hardware: %s: found %" PRId64 ", expected %" PRId64 " to %" PRId64, name,
                     value, field->minimum, field->maximum);
}

static mbs_status check_real(const hardware_field *field, double value, const char *name,
                             mbs_error *error)
{
    const bool is_share = field->kind == FIELD_SHARE; /* 0: all, or not known */
    if (value >= 0 && value <= (is_share ? 1 : HARDWARE_MOST_REAL))
        return MBS_OK;
    return error_set(error, MBS_ERR_INPUT, "hardware: %s: found %g, expected a number %s", name,
                     value, is_share ? "from 0 to 1" : "from 0 to 1e9");
}

static mbs_status check_field(const mbs_hardware *hardware, const hardware_field *field,
                              const char *name, mbs_error *error)
{
    const char *place = (const char *)hardware + field->offset;
    int64_t integer;
    double real;
    switch (field->kind) {
    case FIELD_INTEGER:
        memcpy(&integer, place, sizeof integer);
        return check_integer(field, integer, name, error);
    case FIELD_REAL:
    case FIELD_SHARE:
        memcpy(&real, place, sizeof real);
        return check_real(field, real, name, error);
    case FIELD_CYCLE_MODEL:
        if (mbs_cycle_model_name(hardware->cycle_model) == NULL)
            return error_set(error, MBS_ERR_INPUT, "hardware: cycle_model: there is no model %d",
                             (int)hardware->cycle_model);
        break;
    case FIELD_OVERLAP:
        if (mbs_overlap_name(hardware->overlap) == NULL)
            return error_set(error, MBS_ERR_INPUT, "hardware: overlap: there is no model %d",
                             (int)hardware->overlap);
        break;
    case FIELD_TAG:
    case FIELD_SECTION:
    case FIELD_NAME:
    case FIELD_TEXT:
        break;
    }
    return MBS_OK;
}

mbs_status hardware_check(const mbs_hardware *hardware, mbs_error *error)
{
    const int64_t alignment = hardware->buffer_alignment_bytes;
    for (size_t i = 0; i < hardware_field_count; i++) {
        char name[sizeof((mbs_hardware_member_info *)0)->name];
        field_name(name, sizeof name, &hardware_fields[i]);
        mbs_status status = check_field(hardware, &hardware_fields[i], name, error);
        if (status != MBS_OK)
            return status;
    }
    if ((alignment & (alignment - 1)) != 0)
        return error_set(error, MBS_ERR_INPUT,
                         "hardware: buffer_alignment_bytes: found %" PRId64
                         ", expected a power of 2",
                         alignment);
    return MBS_OK;
}
