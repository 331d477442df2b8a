/* Hardware files (model, sections 4 and 7): one table row per member. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "mbsopt/hardware.h"

const char *mbs_cycle_model_name(mbs_cycle_model model)
{
    static const char *const names[] = {"wavecore", "scalesim"};
    return (unsigned)model < MBS_CYCLE_MODEL_COUNT ? names[model] : NULL;
}

/* What models/hardware/wavecore.json says; the sources of the constants are there. */
void mbs_hardware_wavecore(mbs_hardware *hardware)
{
    *hardware = (mbs_hardware){
        .name = "wavecore",
        .cores = 2,
        .buffer_bytes = 10485760,
        .reserved_bytes = 0,
        .buffer_alignment_bytes = 64,
        .bits = {.activation = 16, .weight = 16, .accumulator = 32, .mask = 1},
        .norm_passes = 2,
        .clock_hz = 700000000,
        .array_rows = 128,
        .array_cols = 128,
        .accumulator_rows = 256,
        .vector_elements_per_cycle = 256,
        .memory_name = "HBM2",
        .bandwidth_bytes_per_s = INT64_C(322122547200),
        .dram_pj_per_bit = 3.92,
        .mac_pj = 2.0,
        .buffer_pj_per_byte = 12.5,
        .vector_pj = 2.0,
        .static_w = 14.0,
    };
}

typedef enum field_kind {
    FIELD_END,
    FIELD_TAG,     /* the format, checked elsewhere */
    FIELD_SECTION, /* an object with a table of its own, read elsewhere */
    FIELD_INTEGER,
    FIELD_REAL,
    FIELD_NAME,
    FIELD_CYCLE_MODEL,
    FIELD_TEXT /* a string that is for the reader only */
} field_kind;

typedef struct field {
    const char *member;
    field_kind kind;
    size_t offset; /* in mbs_hardware */
    int64_t minimum;
    int64_t maximum;
} field;

#define INTEGER(member, place, minimum, maximum)                                                   \
    {                                                                                              \
        member, FIELD_INTEGER, offsetof(mbs_hardware, place), minimum, maximum                     \
    }
#define REAL(member, place)                                                                        \
    {                                                                                              \
        member, FIELD_REAL, offsetof(mbs_hardware, place), 0, 0                                    \
    }
#define NAME(member, place)                                                                        \
    {                                                                                              \
        member, FIELD_NAME, offsetof(mbs_hardware, place), 0, sizeof((mbs_hardware *)0)->place     \
    }
#define OTHER(member, kind)                                                                        \
    {                                                                                              \
        member, kind, 0, 0, 0                                                                      \
    }
#define END                                                                                        \
    {                                                                                              \
        NULL, FIELD_END, 0, 0, 0                                                                   \
    }

#define MOST      JSON_MAX_INTEGER
#define MOST_BITS 64
#define MILLION   1000000
#define MOST_REAL 1e9 /* pJ, W: energies stay far from the largest double */

static const field root_fields[] = {
    OTHER("format", FIELD_TAG),
    NAME("name", name),
    INTEGER("cores", cores, 1, MILLION),
    INTEGER("buffer_bytes", buffer_bytes, MBS_MIN_BUFFER_BYTES, MOST),
    INTEGER("reserved_bytes", reserved_bytes, 0, MOST),
    INTEGER("buffer_alignment_bytes", buffer_alignment_bytes, 1, MBS_MIN_BUFFER_BYTES),
    INTEGER("activation_bits", bits.activation, 1, MOST_BITS),
    INTEGER("weight_bits", bits.weight, 1, MOST_BITS),
    INTEGER("accumulator_bits", bits.accumulator, 1, MOST_BITS),
    INTEGER("mask_bits", bits.mask, 1, MOST_BITS),
    INTEGER("norm_passes", norm_passes, 1, 1000),
    INTEGER("clock_hz", clock_hz, 1, INT64_C(1000000000000)),
    INTEGER("array_rows", array_rows, 1, MILLION),
    INTEGER("array_cols", array_cols, 1, MILLION),
    INTEGER("accumulator_rows", accumulator_rows, 1, MILLION),
    INTEGER("vector_elements_per_cycle", vector_elements_per_cycle, 1, MILLION),
    OTHER("cycle_model", FIELD_CYCLE_MODEL),
    OTHER("memory", FIELD_SECTION),
    OTHER("energy", FIELD_SECTION),
    END,
};

static const field memory_fields[] = {
    NAME("name", memory_name),
    INTEGER("bandwidth_bytes_per_s", bandwidth_bytes_per_s, 1, MOST),
    REAL("energy_pj_per_bit", dram_pj_per_bit),
    OTHER("source", FIELD_TEXT),
    END,
};

static const field energy_fields[] = {
    REAL("mac_pj", mac_pj),
    OTHER("mac_source", FIELD_TEXT),
    REAL("buffer_pj_per_byte", buffer_pj_per_byte),
    OTHER("buffer_source", FIELD_TEXT),
    REAL("vector_pj", vector_pj),
    OTHER("vector_source", FIELD_TEXT),
    REAL("static_w", static_w),
    OTHER("static_source", FIELD_TEXT),
    END,
};

static void read_name(json_document *document, const json_path *at, const char *member,
                      const cJSON *value, char *place, size_t size)
{
    const char *name = json_name(document, at, member, value);
    if (name == NULL)
        return;
    size_t length = strlen(name);
    if (length >= size)
        json_fault(document, at, member, "found a name of %zu bytes, expected at most %zu", length,
                   size - 1);
    else
        memcpy(place, name, length + 1);
}

static void read_real(json_document *document, const json_path *at, const char *member,
                      const cJSON *value, double *place)
{
    if (json_real(document, at, member, value, place) && *place > MOST_REAL)
        json_unexpected(document, at, member, value, "a number from 0 to 1e9");
}

static void read_cycle_model(json_document *document, const json_path *at, const cJSON *value,
                             mbs_hardware *hardware)
{
    for (int i = 0; i < MBS_CYCLE_MODEL_COUNT && cJSON_IsString(value); i++) {
        if (strcmp(value->valuestring, mbs_cycle_model_name((mbs_cycle_model)i)) == 0) {
            hardware->cycle_model = (mbs_cycle_model)i;
            return;
        }
    }
    json_unexpected(document, at, "cycle_model", value, "\"wavecore\" or \"scalesim\"");
}

static void read_field(json_document *document, const json_path *at, const cJSON *value,
                       const field *row, mbs_hardware *hardware)
{
    char *place = (char *)hardware + row->offset;
    switch (row->kind) {
    case FIELD_INTEGER:
        json_integer(document, at, row->member, value, row->minimum, row->maximum,
                     (int64_t *)(void *)place);
        break;
    case FIELD_REAL:
        read_real(document, at, row->member, value, (double *)(void *)place);
        break;
    case FIELD_NAME:
        read_name(document, at, row->member, value, place, (size_t)row->maximum);
        break;
    case FIELD_CYCLE_MODEL:
        read_cycle_model(document, at, value, hardware);
        break;
    case FIELD_TEXT:
        json_name(document, at, row->member, value);
        break;
    case FIELD_END:
    case FIELD_TAG:
    case FIELD_SECTION:
        break;
    }
}

#define MOST_FIELDS 32

static void read_fields(json_document *document, const json_path *at, const cJSON *object,
                        const field *fields, mbs_hardware *hardware)
{
    const char *known[MOST_FIELDS] = {NULL};
    for (size_t i = 0; fields[i].kind != FIELD_END; i++) {
        known[i] = fields[i].member;
        const cJSON *value = json_member(object, fields[i].member);
        if (value != NULL)
            read_field(document, at, value, &fields[i], hardware);
    }
    json_check_members(document, at, object, known);
}

static void read_section(json_document *document, const char *member, const field *fields,
                         mbs_hardware *hardware)
{
    json_path at = {NULL, member, 0};
    const cJSON *section = json_member(document->root, member);
    if (section == NULL)
        return;
    if (cJSON_IsObject(section))
        read_fields(document, &at, section, fields, hardware);
    else
        json_unexpected(document, NULL, member, section, "an object");
}

static void check_reserved(json_document *document, const mbs_hardware *hardware)
{
    int64_t most = hardware->buffer_bytes - MBS_MIN_BUFFER_BYTES;
    if (hardware->reserved_bytes > most)
        json_fault(document, NULL, "reserved_bytes",
                   "found %" PRId64 ", expected at most %" PRId64
                   ", so that %d of the buffer's %" PRId64 " bytes remain",
                   hardware->reserved_bytes, most, MBS_MIN_BUFFER_BYTES, hardware->buffer_bytes);
}

static void check_alignment(json_document *document, const mbs_hardware *hardware)
{
    const int64_t alignment = hardware->buffer_alignment_bytes;
    if ((alignment & (alignment - 1)) != 0)
        json_fault(document, NULL, "buffer_alignment_bytes",
                   "found %" PRId64 ", expected a power of 2", alignment);
}

static void load_document(json_document *document, mbs_hardware *hardware)
{
    /* another format's file would only give a heap of faults that say nothing */
    if (!json_check_format(document, "mbsopt-hardware/1") &&
        json_member(document->root, "format") != NULL)
        return;
    read_fields(document, NULL, document->root, root_fields, hardware);
    read_section(document, "memory", memory_fields, hardware);
    read_section(document, "energy", energy_fields, hardware);
    check_reserved(document, hardware);
    check_alignment(document, hardware);
}

mbs_status mbs_hardware_load_text(mbs_hardware *hardware, const char *text, size_t length,
                                  const char *label, mbs_error *error)
{
    if (hardware == NULL || text == NULL || label == NULL)
        return error_set(error, MBS_ERR_ARGUMENT, "no place for the hardware, no text or no label");
    mbs_hardware_wavecore(hardware);
    json_document document;
    mbs_status status = json_open(&document, text, length, label, error);
    if (status == MBS_OK) {
        load_document(&document, hardware);
        status = json_status(&document);
    }
    json_close(&document);
    return status;
}

mbs_status mbs_hardware_load_file(mbs_hardware *hardware, const char *path, mbs_error *error)
{
    if (hardware == NULL || path == NULL)
        return error_set(error, MBS_ERR_ARGUMENT, "no place for the hardware or no path");
    char *text;
    size_t length;
    mbs_status status = file_read(&text, &length, path, error);
    if (status != MBS_OK)
        return status;
    status = mbs_hardware_load_text(hardware, text, length, file_label(path), error);
    mem_free(text);
    return status;
}
