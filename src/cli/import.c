#include "import.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alive.h"
#include "output.h"
#include "script.h"
#include "share.h"
#include "shipped.h"

/* The options with values that the importer takes by the same names, each any number of times. */
static const char *const options_with_values[] = {"input",   "cut",      "weights",
                                                  "learned", "constant", NULL};

bool is_onnx_path(const char *path)
{
    size_t length = strlen(path);
    return length > 5 && strcmp(path + length - 5, ".onnx") == 0;
}

/* The importer's path, or null after saying that there is none. `room` has room for one. */
static const char *find_importer(char *room, size_t size)
{
    const char *chosen = getenv("MBSOPT_IMPORTER");
    if (chosen != NULL && chosen[0] != '\0') {
        if (access(chosen, R_OK) == 0)
            return chosen;
        complain("%s, which MBSOPT_IMPORTER names: %s", chosen, strerror(errno));
        return NULL;
    }
    if (share_find(room, size, "import_onnx.py"))
        return room;
    complain("the importer of ONNX files is not installed, neither beside the program nor as %s; "
             "MBSOPT_IMPORTER can name it",
             room);
    return NULL;
}

/* The importer's words: --speaker=mbsopt [--opaque] --NAME=VALUE… -- path. */
static void add_words(script *of, const arguments *given, const char *path)
{
    const char *value;
    script_add(of, "--speaker=mbsopt");
    if (option_flag(given, "opaque"))
        script_add(of, "--opaque");
    for (size_t option = 0; options_with_values[option] != NULL; option++)
        for (size_t i = 0; (value = option_nth(given, options_with_values[option], i)) != NULL; i++)
            script_add(of, "--%s=%s", options_with_values[option], value);
    script_add(of, "--");
    script_add(of, "%s", path);
}

static int import_onnx(mbs_network **network, const arguments *given, const char *path)
{
    char room[SHARE_PATH_BYTES];
    const char *importer = find_importer(room, sizeof room);
    script of;
    mbs_error error;
    mbs_error_clear(&error);
    if (importer == NULL)
        return EXIT_SYSTEM;
    script_begin(&of, importer);
    add_words(&of, given, path);
    int status = script_run(&of, "imports", path);
    if (status == EXIT_OK)
        status =
            report_error(mbs_network_load_text(network, of.text, of.length, path, &error), &error);
    script_free(&of);
    return status;
}

int check_import_options(const arguments *given)
{
    const char *name = option_flag(given, "opaque") ? "opaque" : NULL;
    for (size_t i = 0; options_with_values[i] != NULL && name == NULL; i++)
        if (option_value(given, options_with_values[i]) != NULL)
            name = options_with_values[i];
    if (name == NULL)
        return EXIT_OK;
    for (size_t i = 0; i < given->operand_count; i++)
        if (is_onnx_path(given->operands[i]))
            return EXIT_OK;
    complain("--%s is of ONNX files (named .onnx), and %s is none", name, given->operand);
    return EXIT_USAGE;
}

int fusion_asked(const arguments *given)
{
    const bool folds = option_flag(given, "inference") && !option_flag(given, "no-fold");
    const int fuses = MBS_FUSE_NORMS | (option_flag(given, "inference") ? 0 : MBS_FUSE_SUMS);
    return (folds ? MBS_FUSE_PRODUCTS : 0) | (option_flag(given, "fuse") ? fuses : 0);
}

int fuse_network(mbs_network **network, const arguments *given)
{
    const int fusion = fusion_asked(given);
    mbs_network *fused;
    mbs_error error;
    mbs_error_clear(&error);
    if (option_flag(given, "no-fold") && !option_flag(given, "inference")) {
        complain("--no-fold is of --inference, in which layers are folded");
        return EXIT_USAGE;
    }
    if (fusion == 0)
        return EXIT_OK;
    const int status = report_error(mbs_network_fuse(&fused, *network, fusion, &error), &error);
    if (status == EXIT_OK) {
        mbs_network_free(*network);
        *network = fused;
    }
    return status;
}

static int load_as_it_is(mbs_network **network, const arguments *given, const char *name)
{
    char *path;
    mbs_error error;
    mbs_error_clear(&error);
    *network = NULL;
    alive_stage(is_onnx_path(name) ? "importing" : "loading");
    if (is_onnx_path(name))
        return import_onnx(network, given, name);
    int status = check_import_options(given);
    if (status != EXIT_OK)
        return status;
    status = shipped_find(&path, SHIPPED_NETWORK, name);
    if (status != EXIT_OK)
        return status;
    status = report_error(mbs_network_load_file(network, path, &error), &error);
    free(path);
    return status;
}

int load_network(mbs_network **network, const arguments *given, const char *name)
{
    int status = load_as_it_is(network, given, name);
    if (status != EXIT_OK)
        return status;
    status = fuse_network(network, given);
    if (status != EXIT_OK) {
        mbs_network_free(*network);
        *network = NULL;
    }
    return status;
}
