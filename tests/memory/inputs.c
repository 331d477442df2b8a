#include "inputs.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

inputs given;
static char folder[] = "/tmp/mbsopt-allocation-XXXXXX";

const char *inputs_scratch(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

mbs_plan_options decoder_options(mbs_planner planner)
{
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    options.planner = planner;
    options.batch = 3;
    options.buffer_bytes = 8192;
    return options;
}

mbs_hardware coarse_hardware(void)
{
    mbs_hardware coarse = given.hardware;
    coarse.buffer_alignment_bytes = 512;
    return coarse;
}

static void read_text(text *of, const char *root, const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", root, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        printf("FAILED: cannot read %s\n", path);
        exit(1);
    }
    of->length = fread(of->data, 1, sizeof of->data, file);
    fclose(file);
}

/* A network of the fuzz targets' seeds and its program; a null `network` is freed again. */
static bool make_program(mbs_network **network, mbs_program **program, const char *root,
                         const char *name)
{
    char path[128];
    mbs_network *made;
    mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
    snprintf(path, sizeof path, "tests/fuzz/corpus/network/%s.json", name);
    read_text(&given.network_text, root, path);
    bool good = mbs_network_load_text(&made, given.network_text.data, given.network_text.length,
                                      name, NULL) == MBS_OK &&
                mbs_program_create(program, made, &options, NULL) == MBS_OK;
    if (network != NULL)
        *network = made;
    else
        mbs_network_free(made);
    return good;
}

static int64_t total_of(const mbs_plan *plan)
{
    mbs_traffic traffic;
    mbs_plan_traffic(plan, &traffic);
    return traffic.total;
}

/* Whether ilp finds less traffic for the decoder than dp. */
static bool decoder_is_searched(void)
{
    mbs_plan *plan[2] = {NULL, NULL};
    bool good = true;
    for (int i = 0; i < 2; i++) {
        const mbs_plan_options options = decoder_options(i == 0 ? MBS_PLANNER_DP : MBS_PLANNER_ILP);
        good = good &&
               mbs_plan_create(&plan[i], given.decoder, &given.hardware, &options, NULL) == MBS_OK;
    }
    good = good && total_of(plan[1]) < total_of(plan[0]);
    mbs_plan_free(plan[0]);
    mbs_plan_free(plan[1]);
    return good;
}

static bool make_unplaced(void)
{
    const mbs_hardware coarse = coarse_hardware();
    mbs_plan_options options = decoder_options(MBS_PLANNER_DP);
    mbs_plan *placed;
    options.buffer_bytes = MBS_MIN_BUFFER_BYTES;
    if (mbs_plan_create(&given.unplaced, given.decoder, &coarse, &options, NULL) != MBS_OK ||
        mbs_plan_place(&placed, given.unplaced, &coarse, NULL, NULL, NULL) != MBS_OK)
        return false;
    const bool changed = total_of(placed) != total_of(given.unplaced);
    mbs_plan_free(placed);
    return changed;
}

static bool make_plans(void)
{
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    options.batch = 3;
    options.buffer_bytes = 8192;
    return mbs_plan_create(&given.planned, given.program, &given.hardware, &options, NULL) ==
               MBS_OK &&
           mbs_plan_load_text(&given.loaded, given.plan_text.data, given.plan_text.length,
                              "plan.json", NULL) == MBS_OK &&
           mbs_plan_load_text(&given.strips, given.strips_text.data, given.strips_text.length,
                              "strips.json", NULL) == MBS_OK &&
           decoder_is_searched() && make_unplaced();
}

bool inputs_prepare(const char *root)
{
    static const char *const solutions[SOLUTIONS] = {"cbc.sol", "glpk.sol", "report.txt"};
    for (int i = 0; i < SOLUTIONS; i++)
        snprintf(given.solution_path[i], sizeof given.solution_path[i],
                 "%s/tests/fuzz/corpus/solution/%s", root, solutions[i]);
    if (mkdtemp(folder) == NULL || mbs_export_count() != EXPORTS)
        return false;
    read_text(&given.hardware_text, root, "models/hardware/wavecore.json");
    read_text(&given.plan_text, root, "tests/fuzz/corpus/plan/residual-dp.json");
    read_text(&given.strips_text, root, "tests/fuzz/corpus/plan/residual-strips.json");
    mbs_hardware_wavecore(&given.hardware);
    return make_program(NULL, &given.tiny, root, "tiny") &&
           make_program(NULL, &given.decoder, root, "decoder") &&
           make_program(&given.network, &given.program, root, "residual") && make_plans();
}

/* Removes the folder with what is in it; returns how many temporary files or folders were. */
static int remove_folder(const char *path)
{
    int temporary = 0;
    DIR *entries = opendir(path);
    const struct dirent *entry;
    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        char inner[1024];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        if (strstr(entry->d_name, ".tmp") != NULL) {
            printf("left: %s\n", entry->d_name);
            temporary++;
        }
        if (unlink(inner) != 0)
            temporary += remove_folder(inner);
    }
    if (entries != NULL)
        closedir(entries);
    rmdir(path);
    return temporary;
}

bool inputs_tidy_up(void)
{
    mbs_plan_free(given.unplaced);
    mbs_plan_free(given.planned);
    mbs_plan_free(given.loaded);
    mbs_plan_free(given.strips);
    mbs_program_free(given.decoder);
    mbs_program_free(given.tiny);
    mbs_program_free(given.program);
    mbs_network_free(given.network);
    return remove_folder(folder) == 0;
}
