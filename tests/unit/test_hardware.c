/* src/hardware: the default machine, the files in models/hardware, and bad hardware files. */
#include <check.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "mbsopt/mbsopt.h"
#include "run.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static mbs_error error;

static void setup(void)
{
    mbs_error_clear(&error);
}

/* A document with these members, written with ' for ". */
static mbs_status load_members(mbs_hardware *hardware, const char *members)
{
    char document[1024];
    int length = snprintf(document, sizeof document, "{'format': 'mbsopt-hardware/1'%s%s}",
                          members[0] != '\0' ? ", " : "", members);
    double_quotes(document);
    return mbs_hardware_load_text(hardware, document, (size_t)length, "hw.json", &error);
}

static void assert_same(const mbs_hardware *a, const mbs_hardware *b)
{
    ck_assert_str_eq(a->name, b->name);
    ck_assert_int_eq(a->cores, b->cores);
    ck_assert_int_eq(a->buffer_bytes, b->buffer_bytes);
    ck_assert_int_eq(a->reserved_bytes, b->reserved_bytes);
    ck_assert_int_eq(a->buffer_alignment_bytes, b->buffer_alignment_bytes);
    ck_assert_int_eq(a->bits.activation, b->bits.activation);
    ck_assert_int_eq(a->bits.weight, b->bits.weight);
    ck_assert_int_eq(a->bits.accumulator, b->bits.accumulator);
    ck_assert_int_eq(a->bits.mask, b->bits.mask);
    ck_assert_int_eq(a->norm_passes, b->norm_passes);
    ck_assert_int_eq(a->clock_hz, b->clock_hz);
    ck_assert_int_eq(a->array_rows, b->array_rows);
    ck_assert_int_eq(a->array_cols, b->array_cols);
    ck_assert_int_eq(a->accumulator_rows, b->accumulator_rows);
    ck_assert_int_eq(a->vector_elements_per_cycle, b->vector_elements_per_cycle);
    ck_assert_str_eq(a->memory_name, b->memory_name);
    ck_assert_int_eq(a->bandwidth_bytes_per_s, b->bandwidth_bytes_per_s);
    ck_assert_double_eq(a->dram_pj_per_bit, b->dram_pj_per_bit);
    ck_assert_double_eq(a->mac_pj, b->mac_pj);
    ck_assert_double_eq(a->buffer_pj_per_byte, b->buffer_pj_per_byte);
    ck_assert_double_eq(a->vector_pj, b->vector_pj);
    ck_assert_double_eq(a->static_w, b->static_w);
    ck_assert_double_eq(a->dram_efficiency, b->dram_efficiency);
    ck_assert_int_eq(a->slice_bytes, b->slice_bytes);
    ck_assert_int_eq(a->overlap, b->overlap);
    ck_assert_double_eq(a->measured_dram_efficiency, b->measured_dram_efficiency);
}

START_TEST(wavecore_is_the_paper_s_machine)
{
    mbs_hardware hardware;
    mbs_hardware_wavecore(&hardware);
    ck_assert_int_eq(hardware.cores, 2);
    ck_assert_int_eq(hardware.buffer_bytes, 10 * 1024 * 1024);
    ck_assert_int_eq(hardware.clock_hz, 700000000);
    ck_assert_int_eq(hardware.array_rows, 128);
    ck_assert_int_eq(hardware.array_cols, 128);
    ck_assert_int_eq(hardware.accumulator_rows, 256);
    ck_assert_int_eq(hardware.norm_passes, 2);
    ck_assert_int_eq(hardware.bandwidth_bytes_per_s, INT64_C(300) << 30);
    ck_assert_int_eq(hardware.bits.activation, 16);
    ck_assert_int_eq(hardware.bits.weight, 16);
    ck_assert_int_eq(hardware.bits.accumulator, 32);
    ck_assert_int_eq(hardware.bits.mask, 1);
}
END_TEST

START_TEST(wavecore_is_what_its_file_says)
{
    mbs_hardware built_in;
    mbs_hardware loaded;
    mbs_hardware_wavecore(&built_in);
    ck_assert_msg(mbs_hardware_load_file(&loaded, source_path("models/hardware/wavecore.json"),
                                         &error) == MBS_OK,
                  "%s", error.message[0]);
    assert_same(&built_in, &loaded);
}
END_TEST

/* Each member by name and value; which the file stated; no more than there are. */
START_TEST(members_are_listed)
{
    mbs_hardware hardware;
    mbs_hardware_member_info member;
    size_t stated = 0;
    bool seen = false;
    ck_assert_int_eq(load_members(&hardware, "'name': 'chip', 'cycle_model': 'scalesim', "
                                             "'energy': {'static_w': 0.1, 'mac_source': 'x'}"),
                     MBS_OK);
    const size_t count = mbs_hardware_member_count();
    ck_assert_uint_eq(count, 29);
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(mbs_hardware_member(&hardware, i, &member), MBS_OK);
        stated += member.is_stated != 0;
        if (strcmp(member.name, "energy.static_w") == 0) {
            ck_assert_str_eq(member.value, "0.1");
            seen = member.is_stated;
        }
    }
    ck_assert(seen);
    ck_assert_uint_eq(stated, 3);
    ck_assert_int_eq(mbs_hardware_member(&hardware, count, &member), MBS_ERR_ARGUMENT);
    ck_assert_int_eq(mbs_hardware_member(NULL, 0, &member), MBS_ERR_ARGUMENT);
    ck_assert_int_eq(mbs_hardware_member(&hardware, 0, NULL), MBS_ERR_ARGUMENT);
    mbs_hardware_wavecore(&hardware); /* of no file */
    for (size_t i = 0; mbs_hardware_member(&hardware, i, &member) == MBS_OK; i++)
        ck_assert(!member.is_stated);
}
END_TEST

START_TEST(digest_is_of_the_figures)
{
    mbs_hardware hardware;
    mbs_hardware other;
    char first[MBS_DIGEST_BYTES];
    char second[MBS_DIGEST_BYTES];
    mbs_hardware_wavecore(&hardware);
    mbs_hardware_digest(&hardware, first);
    ck_assert_uint_eq(strlen(first), MBS_DIGEST_BYTES - 1);
    other = hardware;
    strcpy(other.name, "another");
    strcpy(other.memory_name, "memory");
    other.stated = 7;
    mbs_hardware_digest(&other, second);
    ck_assert_str_eq(first, second);
    other.bits.mask = 2;
    mbs_hardware_digest(&other, second);
    ck_assert_str_ne(first, second);
}
END_TEST

/* A memory sustains what the file says of it, else what it was measured to, else its peak. A file
 * that tells of a memory must tell of a measurement; else WaveCore's holds. */
START_TEST(efficiency_is_as_measured_of_the_machine_s_memory)
{
    static const struct {
        const char *members;
        double efficiency;
        double measured;
    } files[] = {
        {"", 0.86, 0.86},
        {"'cores': 3, 'energy': {'static_w': 1}", 0.86, 0.86},
        {"'memory': {}", 0.86, 0.86},
        {"'memory': {'dram_efficiency': 1}", 1, 0.86},
        {"'memory': {'dram_efficiency': 0.25}", 0.25, 0.86},
        {"'memory': {'measured_dram_efficiency': 0.5}", 0.5, 0.5},
        {"'memory': {'dram_efficiency': 1, 'measured_dram_efficiency': 0.5}", 1, 0.5},
        {"'memory': {'bandwidth_bytes_per_s': 5}", 1, 0},
        {"'memory': {'name': 'HBM2'}", 1, 0},
        {"'memory': {'bandwidth_bytes_per_s': 5, 'dram_efficiency': 0.25}", 0.25, 0},
        {"'memory': {'name': 'DDR', 'measured_dram_efficiency': 0.5}", 0.5, 0.5},
    };
    mbs_hardware hardware;
    mbs_hardware_wavecore(&hardware);
    ck_assert_double_eq(hardware.dram_efficiency, 0.86);
    for (size_t i = 0; i < COUNT(files); i++) {
        ck_assert_int_eq(load_members(&hardware, files[i].members), MBS_OK);
        ck_assert_double_eq(hardware.dram_efficiency, files[i].efficiency);
        ck_assert_double_eq(hardware.measured_dram_efficiency, files[i].measured);
        if (files[i].measured > 0) {
            must_succeed(mbs_hardware_use_measured_efficiency(&hardware, &error), &error,
                         "measured");
            ck_assert_double_eq(hardware.dram_efficiency, files[i].measured);
        }
    }
    ck_assert_int_eq(load_members(&hardware, "'name': 'chip', 'memory': {'name': 'DDR'}"), MBS_OK);
    ck_assert_double_eq(hardware.measured_dram_efficiency, 0);
    ck_assert_int_eq(mbs_hardware_use_measured_efficiency(&hardware, &error), MBS_ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(error.message[0], "chip"));
    ck_assert_double_eq(hardware.dram_efficiency, 1);
    setup();
    hardware = (mbs_hardware){0};
    ck_assert_int_eq(mbs_hardware_use_measured_efficiency(&hardware, &error), MBS_ERR_INPUT);
    ck_assert_int_eq(mbs_hardware_use_measured_efficiency(NULL, &error), MBS_ERR_ARGUMENT);
}
END_TEST

START_TEST(the_other_memories)
{
    static const struct {
        const char *file;
        const char *memory;
        double gib_per_s; /* section 7 */
        double sustained; /* docs/evaluation.md */
    } machines[] = {
        {"models/hardware/wavecore-hbm2x2.json", "HBM2x2", 600, 0.86},
        {"models/hardware/wavecore-gddr5.json", "GDDR5", 384, 0.70},
        {"models/hardware/wavecore-lpddr4.json", "LPDDR4", 239.2, 0.92},
    };
    for (size_t i = 0; i < COUNT(machines); i++) {
        mbs_hardware hardware;
        setup();
        ck_assert_msg(mbs_hardware_load_file(&hardware, source_path("%s", machines[i].file),
                                             &error) == MBS_OK,
                      "%s", error.message[0]);
        ck_assert_str_eq(hardware.memory_name, machines[i].memory);
        ck_assert_int_eq(hardware.bandwidth_bytes_per_s,
                         (int64_t)(machines[i].gib_per_s * (1 << 30) + 0.5));
        ck_assert_double_eq(hardware.dram_efficiency, machines[i].sustained);
        ck_assert_int_eq(hardware.buffer_bytes, 10485760);
    }
}
END_TEST

START_TEST(members_left_out_keep_wavecore_s_value)
{
    mbs_hardware expected;
    mbs_hardware hardware;
    mbs_hardware_wavecore(&expected);
    ck_assert_int_eq(load_members(&hardware, ""), MBS_OK);
    assert_same(&hardware, &expected);
    ck_assert_int_eq(load_members(&hardware, "'buffer_bytes': 4096, 'x_note': [1], 'memory': "
                                             "{'name': 'DDR', 'x_old': 1}, 'energy': {}"),
                     MBS_OK);
    expected.buffer_bytes = 4096;
    strcpy(expected.memory_name, "DDR");
    expected.measured_dram_efficiency = 0; /* nobody measured that memory */
    expected.dram_efficiency = 1;
    assert_same(&hardware, &expected);
}
END_TEST

START_TEST(every_member_is_read)
{
    mbs_hardware expected = {
        .name = "n",
        .cores = 3,
        .buffer_bytes = 50000,
        .reserved_bytes = 45904,
        .buffer_alignment_bytes = 256,
        .bits = {4, 5, 6, 7},
        .norm_passes = 8,
        .clock_hz = 9,
        .array_rows = 10,
        .array_cols = 11,
        .accumulator_rows = 12,
        .vector_elements_per_cycle = 13,
        .memory_name = "m",
        .bandwidth_bytes_per_s = 14,
        .dram_pj_per_bit = 0.5,
        .mac_pj = 1.5,
        .buffer_pj_per_byte = 2.5,
        .vector_pj = 3.5,
        .static_w = 0,
        .dram_efficiency = 0.25,
        .measured_dram_efficiency = 0.75,
        .slice_bytes = 15,
        .overlap = MBS_OVERLAP_GROUP,
    };
    mbs_hardware hardware;
    ck_assert_int_eq(
        load_members(&hardware,
                     "'name': 'n', 'cores': 3, 'buffer_bytes': 50000, 'reserved_bytes': 45904, "
                     "'buffer_alignment_bytes': 256, "
                     "'activation_bits': 4, 'weight_bits': 5, 'accumulator_bits': 6, 'mask_bits': "
                     "7, 'norm_passes': 8, 'clock_hz': 9, 'array_rows': 10, 'array_cols': 11, "
                     "'accumulator_rows': 12, 'vector_elements_per_cycle': 13, 'slice_bytes': 15, "
                     "'overlap': 'group', "
                     "'memory': {'name': "
                     "'m', 'bandwidth_bytes_per_s': 14, 'energy_pj_per_bit': 0.5, 'source': 's', "
                     "'dram_efficiency': 0.25, 'measured_dram_efficiency': 0.75, "
                     "'measured_source': 's'}, "
                     "'energy': {'mac_pj': 1.5, 'mac_source': 's', 'buffer_pj_per_byte': 2.5, "
                     "'buffer_source': 's', 'vector_pj': 3.5, 'vector_source': 's', 'static_w': 0, "
                     "'static_source': 's'}"),
        MBS_OK);
    assert_same(&hardware, &expected);
}
END_TEST

static const struct {
    const char *members;
    const char *message;
} bad_members[] = {
    {"'cores': 0", "hw.json: cores: found 0, expected a whole number from 1 to 1000000"},
    {"'buffer_bytes': 4095",
     "hw.json: buffer_bytes: found 4095, expected a whole number from 4096 to 9007199254740991"},
    {"'buffer_bytes': '10MiB'", "hw.json: buffer_bytes: found \"10MiB\", expected a whole number"},
    {"'buffer_bytes': 1e300", "hw.json: buffer_bytes: found 1e+300, expected a whole number"},
    {"'reserved_bytes': -1", "hw.json: reserved_bytes: found -1, expected a whole number from 0"},
    {"'reserved_bytes': 10481665",
     "hw.json: reserved_bytes: found 10481665, expected at most 10481664, so that 4096 of the "
     "buffer's 10485760 bytes remain"},
    {"'buffer_bytes': 8192, 'reserved_bytes': 4097",
     "hw.json: reserved_bytes: found 4097, expected at most 4096"},
    {"'buffer_alignment_bytes': 0",
     "hw.json: buffer_alignment_bytes: found 0, expected a whole number from 1 to 4096"},
    {"'buffer_alignment_bytes': 8192",
     "hw.json: buffer_alignment_bytes: found 8192, expected a whole number from 1 to 4096"},
    {"'buffer_alignment_bytes': 48",
     "hw.json: buffer_alignment_bytes: found 48, expected a power of 2"},
    {"'buffer_alignment_bytes': '64'",
     "hw.json: buffer_alignment_bytes: found \"64\", expected a whole number"},
    {"'activation_bits': 0", "hw.json: activation_bits: found 0, expected a whole number from 1 to "
                             "64"},
    {"'weight_bits': 65", "hw.json: weight_bits: found 65"},
    {"'accumulator_bits': 16.5", "hw.json: accumulator_bits: found 16.5"},
    {"'mask_bits': 65", "hw.json: mask_bits: found 65, expected a whole number from 1 to 64"},
    {"'norm_passes': 1001", "hw.json: norm_passes: found 1001, expected a whole number from 1 to "
                            "1000"},
    {"'clock_hz': 0", "hw.json: clock_hz: found 0"},
    {"'array_rows': 1e999", "hw.json: array_rows: found a number above 1.7e308"},
    {"'array_cols': null", "hw.json: array_cols: found null"},
    {"'name': ''", "hw.json: name: found \"\", expected a string that is not empty"},
    {"'name': 'nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn'",
     "hw.json: name: found a name of 64 bytes, expected at most 63"},
    {"'bufer_bytes': 1", "hw.json: unknown member \"bufer_bytes\" (did you mean "
                         "\"buffer_bytes\"?)"},
    {"'memory': 'HBM2'", "hw.json: memory: found \"HBM2\", expected an object"},
    {"'memory': {'bandwidth': 1}", "hw.json: memory: unknown member \"bandwidth\""},
    {"'memory': {'bandwidth_bytes_per_s': 0}", "hw.json: memory.bandwidth_bytes_per_s: found 0"},
    {"'memory': {'energy_pj_per_bit': -1}",
     "hw.json: memory.energy_pj_per_bit: found -1, expected a number from 0 up"},
    {"'memory': {'energy_pj_per_bit': 1e10}",
     "hw.json: memory.energy_pj_per_bit: found 10000000000, expected a number from 0 to 1e9"},
    {"'slice_bytes': -1", "hw.json: slice_bytes: found -1, expected a whole number from 0"},
    {"'overlap': 'steps'",
     "hw.json: overlap: found \"steps\", expected \"none\", \"step\" or \"group\""},
    {"'memory': {'dram_efficiency': 0}",
     "hw.json: memory.dram_efficiency: found 0, expected a number above 0 and at most 1"},
    {"'memory': {'dram_efficiency': 1.01}",
     "hw.json: memory.dram_efficiency: found 1.01, expected a number above 0 and at most 1"},
    {"'memory': {'measured_dram_efficiency': '0.9'}",
     "hw.json: memory.measured_dram_efficiency: found \"0.9\", expected a number from 0"},
    {"'dram_efficiency': 0.9",
     "hw.json: unknown member \"dram_efficiency\" (did you mean \"dram_efficiency\" in memory?)"},
    {"'energy': {'static_w': 1000000000.5}",
     "hw.json: energy.static_w: found 1000000000.5, expected a number from 0 to 1e9"},
    {"'memory': {'source': 3}", "hw.json: memory.source: found 3, expected a string"},
    {"'energy': {'static_w': 1e999}", "hw.json: energy.static_w: found a number above 1.7e308"},
    {"'energy': {'mac_pj': '2'}", "hw.json: energy.mac_pj: found \"2\", expected a number from 0"},
};

START_TEST(bad_members_are_refused)
{
    mbs_hardware hardware;
    ck_assert_int_eq(load_members(&hardware, bad_members[_i].members), MBS_ERR_INPUT);
    ck_assert_uint_eq(error.count, 1);
    ck_assert_msg(strstr(error.message[0], bad_members[_i].message) == error.message[0], "%s",
                  error.message[0]);
}
END_TEST

/* The largest of everything: no energy is beyond a double, so that it can be written down. */
START_TEST(largest_energies_are_finite)
{
    static const char text[] =
        "{\"format\":\"mbsopt-network/1\",\"name\":\"n\",\"inputs\":[{\"name\":\"x\",\"shape\":"
        "[9007199254740991]}],\"layers\":[{\"name\":\"r\",\"op\":\"relu\",\"inputs\":[\"x\"]}]}";
    mbs_hardware hardware;
    mbs_network *network;
    mbs_program *program;
    mbs_plan *plan;
    mbs_cost cost;
    mbs_program_options program_options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    char *written;
    ck_assert_int_eq(load_members(&hardware,
                                  "'clock_hz': 1, 'vector_elements_per_cycle': 1, 'memory': "
                                  "{'energy_pj_per_bit': 1e9, 'bandwidth_bytes_per_s': 1}, "
                                  "'energy': {'mac_pj': 1e9, 'buffer_pj_per_byte': 1e9, "
                                  "'vector_pj': 1e9, 'static_w': 1e9}"),
                     MBS_OK);
    ck_assert_int_eq(mbs_network_load_text(&network, text, strlen(text), "n", &error), MBS_OK);
    ck_assert_int_eq(mbs_program_create(&program, network, &program_options, &error), MBS_OK);
    options.batch = 8;
    ck_assert_int_eq(mbs_plan_create(&plan, program, &hardware, &options, &error), MBS_OK);
    ck_assert_int_eq(mbs_plan_cost(plan, &hardware, &cost), MBS_OK);
    ck_assert(isfinite(cost.energy_j) && cost.energy_j > 1e18);
    mbs_report_options report = {.hardware = &hardware};
    ck_assert_int_eq(mbs_report_plan_table(&written, plan, &report, &error), MBS_OK);
    ck_assert_ptr_nonnull(strstr(written, "static power 100.0 %"));
    mbs_free(written);
    mbs_plan_free(plan);
    mbs_program_free(program);
    mbs_network_free(network);
}
END_TEST

START_TEST(all_faults_are_collected)
{
    mbs_hardware hardware;
    ck_assert_int_eq(load_members(&hardware,
                                  "'cores': 0, 'core': 1, 'memory': {'name': 1, 'a': 2}, "
                                  "'energy': {'mac_pj': true}"),
                     MBS_ERR_INPUT);
    ck_assert_uint_eq(error.count, 5);
}
END_TEST

START_TEST(other_files_are_refused)
{
    mbs_hardware hardware;
    const char *other = "{\"format\": \"mbsopt-network/1\", \"layers\": []}";
    ck_assert_int_eq(mbs_hardware_load_text(&hardware, other, strlen(other), "f", &error),
                     MBS_ERR_INPUT);
    ck_assert_uint_eq(error.count, 1);
    ck_assert_str_eq(error.message[0],
                     "f: format: found \"mbsopt-network/1\", expected \"mbsopt-hardware/1\"");
    ck_assert_int_eq(mbs_hardware_load_text(&hardware, "{}", 2, "f", &error), MBS_ERR_INPUT);
    ck_assert_str_eq(error.message[1], "f: format: is missing, expected \"mbsopt-hardware/1\"");
    ck_assert_int_eq(mbs_hardware_load_text(&hardware, "{", 1, "f", NULL), MBS_ERR_INPUT);
    ck_assert_int_eq(mbs_hardware_load_file(&hardware, "/nowhere.json", &error), MBS_ERR_IO);
    ck_assert_int_eq(mbs_hardware_load_file(NULL, "x", &error), MBS_ERR_ARGUMENT);
    ck_assert_int_eq(mbs_hardware_load_file(&hardware, NULL, &error), MBS_ERR_ARGUMENT);
    ck_assert_int_eq(mbs_hardware_load_text(&hardware, NULL, 0, "f", &error), MBS_ERR_ARGUMENT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hardware");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, setup, NULL);
    tcase_add_test(all, wavecore_is_the_paper_s_machine);
    tcase_add_test(all, wavecore_is_what_its_file_says);
    tcase_add_test(all, members_are_listed);
    tcase_add_test(all, digest_is_of_the_figures);
    tcase_add_test(all, efficiency_is_as_measured_of_the_machine_s_memory);
    tcase_add_test(all, the_other_memories);
    tcase_add_test(all, members_left_out_keep_wavecore_s_value);
    tcase_add_test(all, every_member_is_read);
    tcase_add_loop_test(all, bad_members_are_refused, 0, COUNT(bad_members));
    tcase_add_test(all, largest_energies_are_finite);
    tcase_add_test(all, all_faults_are_collected);
    tcase_add_test(all, other_files_are_refused);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}
