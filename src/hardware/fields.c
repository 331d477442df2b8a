/* Members of hardware files (model, sections 4 and 7): one table row each; and their values. */
#include "hardware/fields.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"

#define INTEGER(section, member, place, minimum, maximum)                                          \
    {                                                                                              \
        section, member, FIELD_INTEGER, offsetof(mbs_hardware, place), minimum, maximum            \
    }
#define REAL(section, member, place)                                                               \
    {                                                                                              \
        section, member, FIELD_REAL, offsetof(mbs_hardware, place), 0, 0                           \
    }
#define SHARE(section, member, place)                                                              \
    {                                                                                              \
        section, member, FIELD_SHARE, offsetof(mbs_hardware, place), 0, 1                          \
    }
#define NAME(section, member, place)                                                               \
    {                                                                                              \
        section, member, FIELD_NAME, offsetof(mbs_hardware, place), 0,                             \
            sizeof((mbs_hardware *)0)->place                                                       \
    }
#define OTHER(section, member, kind)                                                               \
    {                                                                                              \
        section, member, kind, 0, 0, 0                                                             \
    }

#define MOST      JSON_MAX_INTEGER
#define MOST_BITS 64
#define MILLION   1000000

const hardware_field hardware_fields[] = {
    OTHER(NULL, "format", FIELD_TAG),
    NAME(NULL, "name", name),
    INTEGER(NULL, "cores", cores, 1, MILLION),
    INTEGER(NULL, "buffer_bytes", buffer_bytes, MBS_MIN_BUFFER_BYTES, MOST),
    INTEGER(NULL, "reserved_bytes", reserved_bytes, 0, MOST),
    INTEGER(NULL, "buffer_alignment_bytes", buffer_alignment_bytes, 1, MBS_MIN_BUFFER_BYTES),
    INTEGER(NULL, "activation_bits", bits.activation, 1, MOST_BITS),
    INTEGER(NULL, "weight_bits", bits.weight, 1, MOST_BITS),
    INTEGER(NULL, "accumulator_bits", bits.accumulator, 1, MOST_BITS),
    INTEGER(NULL, "mask_bits", bits.mask, 1, MOST_BITS),
    INTEGER(NULL, "master_bits", optimizer_bits.master, 0, MOST_BITS),
    INTEGER(NULL, "state_bits", optimizer_bits.state, 1, MOST_BITS),
    INTEGER(NULL, "norm_passes", norm_passes, 1, 1000),
    INTEGER(NULL, "clock_hz", clock_hz, 1, INT64_C(1000000000000)),
    INTEGER(NULL, "array_rows", array_rows, 1, MILLION),
    INTEGER(NULL, "array_cols", array_cols, 1, MILLION),
    INTEGER(NULL, "accumulator_rows", accumulator_rows, 1, MILLION),
    INTEGER(NULL, "vector_elements_per_cycle", vector_elements_per_cycle, 1, MILLION),
    INTEGER(NULL, "slice_bytes", slice_bytes, 0, MOST),
    OTHER(NULL, "cycle_model", FIELD_CYCLE_MODEL),
    OTHER(NULL, "overlap", FIELD_OVERLAP),
    OTHER(NULL, "memory", FIELD_SECTION),
    OTHER(NULL, "energy", FIELD_SECTION),
    NAME("memory", "name", memory_name),
    INTEGER("memory", "bandwidth_bytes_per_s", bandwidth_bytes_per_s, 1, MOST),
    REAL("memory", "energy_pj_per_bit", dram_pj_per_bit),
    OTHER("memory", "source", FIELD_TEXT),
    SHARE("memory", "dram_efficiency", dram_efficiency),
    SHARE("memory", "measured_dram_efficiency", measured_dram_efficiency),
    OTHER("memory", "measured_source", FIELD_TEXT),
    REAL("energy", "mac_pj", mac_pj),
    OTHER("energy", "mac_source", FIELD_TEXT),
    REAL("energy", "buffer_pj_per_byte", buffer_pj_per_byte),
    OTHER("energy", "buffer_source", FIELD_TEXT),
    REAL("energy", "vector_pj", vector_pj),
    OTHER("energy", "vector_source", FIELD_TEXT),
    REAL("energy", "static_w", static_w),
    OTHER("energy", "static_source", FIELD_TEXT),
};
const size_t hardware_field_count = sizeof hardware_fields / sizeof hardware_fields[0];

const char *mbs_cycle_model_name(mbs_cycle_model model)
{
    static const char *const names[] = {"wavecore", "scalesim"};
    return (unsigned)model < MBS_CYCLE_MODEL_COUNT ? names[model] : NULL;
}

const char *mbs_overlap_name(mbs_overlap overlap)
{
    static const char *const names[] = {"step", "none", "group"};
    return (unsigned)overlap < MBS_OVERLAP_COUNT ? names[overlap] : NULL;
}

bool field_has_value(const hardware_field *field)
{
    return field->kind == FIELD_INTEGER || field->kind == FIELD_REAL ||
           field->kind == FIELD_SHARE || field->kind == FIELD_NAME ||
           field->kind == FIELD_CYCLE_MODEL || field->kind == FIELD_OVERLAP;
}

void field_name(char *out, size_t size, const hardware_field *field)
{
    snprintf(out, size, "%s%s%s", field->section != NULL ? field->section : "",
             field->section != NULL ? "." : "", field->member);
}

/* As few digits as read back as the same number. */
static void put_real(char *out, size_t size, double value)
{
    int digits = 15;
    for (; digits < 17; digits++) {
        double back = 0;
        snprintf(out, size, "%.*g", digits, value);
        if (sscanf(out, "%lf", &back) == 1 && back >= value && back <= value)
            break;
    }
    real_digits(out, size, value, digits);
}

static void put_word(char *out, size_t size, const char *word)
{
    snprintf(out, size, "%s", word != NULL ? word : "");
}

static void put_value(char *out, size_t size, const hardware_field *field,
                      const mbs_hardware *hardware)
{
    const char *place = (const char *)hardware + field->offset;
    int64_t integer;
    double real;
    switch (field->kind) {
    case FIELD_INTEGER:
        memcpy(&integer, place, sizeof integer);
        snprintf(out, size, "%" PRId64, integer);
        break;
    case FIELD_REAL:
    case FIELD_SHARE:
        memcpy(&real, place, sizeof real);
        put_real(out, size, real);
        break;
    case FIELD_NAME:
        snprintf(out, size, "%.*s", (int)size - 1, place);
        break;
    case FIELD_CYCLE_MODEL:
        put_word(out, size, mbs_cycle_model_name(hardware->cycle_model));
        break;
    case FIELD_OVERLAP:
        put_word(out, size, mbs_overlap_name(hardware->overlap));
        break;
    case FIELD_TAG:
    case FIELD_SECTION:
    case FIELD_TEXT:
        out[0] = '\0';
        break;
    }
}

size_t mbs_hardware_member_count(void)
{
    size_t count = 0;
    for (size_t i = 0; i < hardware_field_count; i++)
        count += field_has_value(&hardware_fields[i]);
    return count;
}

mbs_status mbs_hardware_member(const mbs_hardware *hardware, size_t index,
                               mbs_hardware_member_info *info)
{
    if (hardware == NULL || info == NULL)
        return MBS_ERR_ARGUMENT;
    for (size_t i = 0; i < hardware_field_count; i++) {
        const hardware_field *field = &hardware_fields[i];
        if (!field_has_value(field) || index-- != 0)
            continue;
        field_name(info->name, sizeof info->name, field);
        put_value(info->value, sizeof info->value, field, hardware);
        info->is_stated = (hardware->stated >> i & 1) != 0;
        return MBS_OK;
    }
    return MBS_ERR_ARGUMENT;
}

/* FNV-1a in 64 bits. */
static uint64_t hash_text(uint64_t hash, const char *at)
{
    for (; *at != '\0'; at++)
        hash = (hash ^ (unsigned char)*at) * UINT64_C(1099511628211);
    return hash;
}

/* Of members that came later the value that says what held before is, so that digests stay. */
static bool is_left_out(const mbs_hardware_member_info *member)
{
    static const struct {
        const char *name;
        const char *value; /* null: any */
    } left_out[] = {{"name", NULL},
                    {"memory.name", NULL},
                    {"master_bits", "32"},
                    {"state_bits", "32"},
                    {"slice_bytes", "65536"},
                    {"overlap", "step"},
                    {"memory.dram_efficiency", "1"},
                    {"memory.dram_efficiency", "0"}, /* stands for 1 */
                    {"memory.measured_dram_efficiency", NULL}};
    for (size_t i = 0; i < sizeof left_out / sizeof left_out[0]; i++)
        if (strcmp(member->name, left_out[i].name) == 0 &&
            (left_out[i].value == NULL || strcmp(member->value, left_out[i].value) == 0))
            return true;
    return false;
}

void mbs_hardware_digest(const mbs_hardware *hardware, char digest[MBS_DIGEST_BYTES])
{
    uint64_t hash = UINT64_C(14695981039346656037);
    mbs_hardware_member_info member;
    for (size_t i = 0; mbs_hardware_member(hardware, i, &member) == MBS_OK; i++) {
        if (is_left_out(&member))
            continue;
        hash = hash_text(hash, member.name);
        hash = hash_text(hash, "=");
        hash = hash_text(hash, member.value);
        hash = hash_text(hash, "\n");
    }
    snprintf(digest, MBS_DIGEST_BYTES, "fnv1a64:%016" PRIx64, hash);
}
