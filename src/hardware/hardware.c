/* Loading hardware files (model, sections 4 and 7). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "hardware/fields.h"

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
        .optimizer_bits = {.master = 32, .state = 32},
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
        .dram_efficiency = 0.86,
        .measured_dram_efficiency = 0.86,
        .slice_bytes = 65536,
    };
}

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
    if (json_real(document, at, member, value, place) && *place > HARDWARE_MOST_REAL)
        json_unexpected(document, at, member, value, "a number from 0 to 1e9");
}

static void read_share(json_document *document, const json_path *at, const char *member,
                       const cJSON *value, double *place)
{
    double share;
    if (!json_real(document, at, member, value, &share))
        return;
    if (share > 0 && share <= 1)
        *place = share;
    else
        json_unexpected(document, at, member, value, "a number above 0 and at most 1");
}

static const char *cycle_model_name(int i)
{
    return mbs_cycle_model_name((mbs_cycle_model)i);
}

static const char *overlap_name(int i)
{
    return mbs_overlap_name((mbs_overlap)i);
}

/* The number of the name that the value is; `otherwise`, with a fault, if it is none of `count`. */
static int read_choice(json_document *document, const json_path *at, const char *member,
                       const cJSON *value, const char *name(int), int count, const char *expected,
                       int otherwise)
{
    for (int i = 0; i < count && cJSON_IsString(value); i++)
        if (strcmp(value->valuestring, name(i)) == 0)
            return i;
    json_unexpected(document, at, member, value, expected);
    return otherwise;
}

static void read_field(json_document *document, const json_path *at, const cJSON *value,
                       const hardware_field *row, mbs_hardware *hardware)
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
    case FIELD_SHARE:
        read_share(document, at, row->member, value, (double *)(void *)place);
        break;
    case FIELD_NAME:
        read_name(document, at, row->member, value, place, (size_t)row->maximum);
        break;
    case FIELD_CYCLE_MODEL:
        hardware->cycle_model = (mbs_cycle_model)read_choice(
            document, at, row->member, value, cycle_model_name, MBS_CYCLE_MODEL_COUNT,
            "\"wavecore\" or \"scalesim\"", (int)hardware->cycle_model);
        break;
    case FIELD_OVERLAP:
        hardware->overlap = (mbs_overlap)read_choice(
            document, at, row->member, value, overlap_name, MBS_OVERLAP_COUNT,
            "\"none\", \"step\" or \"group\"", (int)hardware->overlap);
        break;
    case FIELD_TEXT:
        json_name(document, at, row->member, value);
        break;
    case FIELD_TAG:
    case FIELD_SECTION:
        break;
    }
}

/* Both null, or both of the same name. */
static bool same_section(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* The letters of the words that two members' names have in common; units are no such words. */
static size_t letters_shared(const char *given, const char *known)
{
    static const char *const units[] = {"bytes", "bits", "bit", "byte", "per", "source"};
    size_t letters = 0;
    for (size_t length; *given != '\0'; given += length + (given[length] == '_')) {
        bool counts = false;
        length = strcspn(given, "_");
        for (const char *word = known; *word != '\0' && length > 2;) {
            const size_t other = strcspn(word, "_");
            counts = counts || (other == length && strncmp(word, given, length) == 0);
            word += other + (word[other] == '_');
        }
        for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
            counts =
                counts && (strlen(units[i]) != length || strncmp(units[i], given, length) != 0);
        letters += counts ? length : 0;
    }
    return letters;
}

/* Of the members that share a word with `given`, the one that shares most; or null. */
static const hardware_field *field_of_words(const char *given, const char *section)
{
    const hardware_field *best = NULL;
    size_t most = 0;
    for (size_t i = 0; i < hardware_field_count; i++) {
        const hardware_field *row = &hardware_fields[i];
        const size_t shared = letters_shared(given, row->member);
        /* of equals one of the section at hand, then the shorter */
        const bool nearer = best != NULL && same_section(row->section, section) !=
                                                same_section(best->section, section)
                                ? same_section(row->section, section)
                                : best == NULL || strlen(row->member) < strlen(best->member);
        if (field_has_value(row) && (shared > most || (shared > 0 && shared == most && nearer))) {
            best = row;
            most = shared;
        }
    }
    return best;
}

/* What an unknown member of `section` was meant to be: one spelt nearly so, there or elsewhere, or
 * one that shares a word with it. */
static void report_unknown(json_document *document, const json_path *at, const char *section,
                           const char *given)
{
    name_guess here = name_guess_start(given);
    name_guess elsewhere = name_guess_start(given);
    const hardware_field *meant = NULL;
    for (size_t i = 0; i < hardware_field_count && json_fault_is_shown(document); i++) {
        const hardware_field *row = &hardware_fields[i];
        if (same_section(row->section, section))
            name_guess_try(&here, row->member);
        const char *before = elsewhere.best;
        name_guess_try(&elsewhere, row->member);
        if (elsewhere.best != before)
            meant = row;
    }
    if (here.best != NULL || !json_fault_is_shown(document)) {
        json_fault(document, at, NULL, "unknown member %s%s", quoted(given).text,
                   name_guess_show(&here).text);
        return;
    }
    if (meant == NULL)
        meant = field_of_words(given, section);
    if (meant == NULL)
        json_fault(document, at, NULL, "unknown member %s", quoted(given).text);
    else if (same_section(meant->section, section))
        json_fault(document, at, NULL, "unknown member %s (did you mean \"%s\"?)",
                   quoted(given).text, meant->member);
    else
        json_fault(document, at, NULL, "unknown member %s (did you mean \"%s\"%s%s?)",
                   quoted(given).text, meant->member,
                   meant->section != NULL ? " in " : " of the file itself",
                   meant->section != NULL ? meant->section : "");
}

static void read_fields(json_document *document, const json_path *at, const cJSON *object,
                        const char *section, mbs_hardware *hardware)
{
    for (const cJSON *value = object->child; value != NULL; value = value->next) {
        size_t i = 0;
        while (i < hardware_field_count && (!same_section(hardware_fields[i].section, section) ||
                                            strcmp(hardware_fields[i].member, value->string) != 0))
            i++;
        if (i < hardware_field_count) {
            read_field(document, at, value, &hardware_fields[i], hardware);
            hardware->stated |= UINT64_C(1) << i;
        } else if (!json_is_ignored(value->string)) {
            report_unknown(document, at, section, value->string);
        }
    }
}

static void read_section(json_document *document, const char *member, mbs_hardware *hardware)
{
    json_path at = {NULL, member, 0};
    const cJSON *section = json_member(document->root, member);
    if (section == NULL)
        return;
    if (cJSON_IsObject(section))
        read_fields(document, &at, section, member, hardware);
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

/* WaveCore's memory was measured; what the file tells of a memory of its own was not, unless it
 * says so. What was measured is what is sustained, unless the file says otherwise; without a
 * measurement that is the peak. */
static void settle_efficiency(mbs_hardware *hardware)
{
    bool of_file = false; /* does it tell of a memory, other than how much of the peak to count? */
    bool measured = false;
    bool sustained = false;
    for (size_t i = 0; i < hardware_field_count; i++) {
        const hardware_field *row = &hardware_fields[i];
        if ((hardware->stated >> i & 1) == 0 || !same_section(row->section, "memory"))
            continue;
        if (strcmp(row->member, "dram_efficiency") == 0)
            sustained = true;
        else
            of_file = true;
        measured = measured || strcmp(row->member, "measured_dram_efficiency") == 0;
    }
    if (of_file && !measured)
        hardware->measured_dram_efficiency = 0;
    if (!sustained)
        hardware->dram_efficiency =
            hardware->measured_dram_efficiency > 0 ? hardware->measured_dram_efficiency : 1;
}

static void load_document(json_document *document, mbs_hardware *hardware)
{
    /* another format's file would only give a heap of faults that say nothing */
    if (!json_check_format(document, "mbsopt-hardware/1") &&
        json_member(document->root, "format") != NULL)
        return;
    read_fields(document, NULL, document->root, NULL, hardware);
    read_section(document, "memory", hardware);
    settle_efficiency(hardware);
    read_section(document, "energy", hardware);
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

mbs_status mbs_hardware_use_measured_efficiency(mbs_hardware *hardware, mbs_error *error)
{
    if (hardware == NULL)
        return error_set(error, MBS_ERR_ARGUMENT, "no hardware");
    if (hardware->measured_dram_efficiency <= 0)
        return error_set(
            error, MBS_ERR_INPUT,
            "%s: the memory has no measured_dram_efficiency, expected a number above 0 "
            "and at most 1",
            quoted(hardware->name).text);
    hardware->dram_efficiency = hardware->measured_dram_efficiency;
    return MBS_OK;
}
