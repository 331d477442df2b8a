/* src/network: the order of layers, every fault that a file may have, and the zoo. */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "network_lists.h"
#include "run.h"

/* ---- Order ----------------------------------------------------------------------------------- */

#define RELU(name, input) "{'name': '" name "', 'op': 'relu', 'inputs': ['" input "']}"
#define ADD(name, a, b)   "{'name': '" name "', 'op': 'add', 'inputs': ['" a "', '" b "']}"
#define INPUT_X           "{'name': 'x', 'shape': [3]}"

static void check_order(const char *layers, const char *expected)
{
    mbs_network *network;
    char found[200] = "";
    mbs_status status = load_lists(&network, INPUT_X, layers);
    ck_assert_msg(status == MBS_OK, "%s", error.message[0]);
    for (size_t i = 0; i < mbs_network_layer_count(network); i++) {
        mbs_layer_info info;
        ck_assert_int_eq(mbs_network_layer(network, i, &info), MBS_OK);
        strcat(strcat(found, i > 0 ? " " : ""), info.name);
        for (size_t p = 0; p < info.input_count; p++) {
            strcat(strcat(found, p == 0 ? "(" : ","), mbs_network_layer_input(network, i, p));
            /* what is read comes earlier */
            ck_assert_int_lt(network->layers[i].inputs[p], network->input_count + (int32_t)i);
        }
        strcat(found, ")");
    }
    mbs_network_free(network);
    ck_assert_str_eq(found, expected);
}

START_TEST(the_order_is_stable)
{
    check_order(RELU("a", "x") "," RELU("b", "x") "," RELU("c", "a"), "a(x) b(x) c(a)");
    check_order(RELU("c", "b") "," RELU("b", "a") "," RELU("a", "x"), "a(x) b(a) c(b)");
    /* as soon as c is available it goes before d, which stood ready all the time */
    check_order(RELU("a", "b") "," RELU("c", "a") "," RELU("b", "x") "," RELU("d", "x"),
                "b(x) a(b) c(a) d(x)");
    /* the first available in file order, not first come, first served */
    check_order(ADD("s", "p", "q") "," RELU("t", "q") "," RELU("q", "x") "," RELU(
                    "p", "x") "," RELU("u", "p"),
                "q(x) t(q) p(x) s(p,q) u(p)");
    check_order(ADD("s", "p", "p") "," RELU("p", "x"), "p(x) s(p,p)");
}
END_TEST

START_TEST(long_orders_are_what_the_rule_says)
{
    /* layer i reads layer (i * 7 + 3) mod 1000 or x; compared with the rule carried out literally
     */
    enum { LAYERS = 1000 };
    text out = TEXT_INIT;
    static int from[LAYERS];
    static bool placed[LAYERS];
    text_string(&out, "{\"format\":\"mbsopt-network/1\",\"name\":\"n\",\"inputs\":[{\"name\":\"x\","
                      "\"shape\":[1]}],\"layers\":[");
    uint32_t random = 12345;
    for (int i = 0; i < LAYERS; i++) {
        /* a layer reads one with a smaller key; keys are a permutation of the file's places */
        int key = i * 7 % LAYERS;
        random = random * 1664525u + 1013904223u;
        int key_read = key == 0 ? -1 : (int)(random >> 8) % key;
        from[i] = key_read < 0 ? -1 : key_read * 143 % LAYERS; /* 7 * 143 = 1001 */
        text_format(&out, "%s{\"name\":\"l%d\",\"op\":\"relu\",\"inputs\":[\"", i > 0 ? "," : "",
                    i);
        if (from[i] < 0)
            text_format(&out, "x\"]}");
        else
            text_format(&out, "l%d\"]}", from[i]);
    }
    text_string(&out, "]}");
    mbs_network *network;
    mbs_status status = mbs_network_load_text(&network, out.data, out.length, "long", &error);
    text_free(&out);
    ck_assert_msg(status == MBS_OK, "%s", error.message[0]);
    for (int k = 0; k < LAYERS; k++) {
        int next = 0;
        while (placed[next] || (from[next] >= 0 && !placed[from[next]]))
            next++;
        placed[next] = true;
        char name[16];
        snprintf(name, sizeof name, "l%d", next);
        ck_assert_str_eq(network->layers[k].name, name);
    }
    mbs_network_free(network);
}
END_TEST

/* ---- Faults ---------------------------------------------------------------------------------- */

/* The next line of expected.tsv as file and message, or false at the end. */
static bool next_row(char **at, char **file, char **message)
{
    char *tab = strchr(*at, '\t');
    char *end = tab != NULL ? strchr(tab, '\n') : NULL;
    if (end == NULL)
        return false;
    *tab = *end = '\0';
    *file = *at;
    *message = tab + 1;
    *at = end + 1;
    return true;
}

/* Loads the file and checks that it has as many faults as the list says: none is blamed on others.
 */
static void load_bad(const char *file, char *list)
{
    char name[256];
    mbs_network *network = NULL;
    snprintf(name, sizeof name, "tests/bad/%s", file);
    setup();
    ck_assert_msg(mbs_network_load_file(&network, source_path("%s", name), &error) == MBS_ERR_INPUT,
                  "%s", file);
    ck_assert_ptr_null(network);
    char start[270];
    size_t expected = 0;
    snprintf(start, sizeof start, "%s\t", file);
    for (char *at = list; (at = strstr(at, start)) != NULL; at += strlen(start))
        expected += at == list || at[-1] == '\n';
    ck_assert_msg(error.count == expected, "%s: %zu faults, %zu expected; the first: %s", file,
                  error.count, expected, error.message[0]);
}

START_TEST(bad_files_are_refused_for_their_faults)
{
    char *list;
    size_t length;
    ck_assert_int_eq(file_read(&list, &length, source_path("tests/bad/expected.tsv"), &error),
                     MBS_OK);
    char *original = strdup(list);
    ck_assert_ptr_nonnull(original);
    char *at = list;
    char *file;
    char *message;
    size_t rows = 0;
    for (; next_row(&at, &file, &message); rows++) {
        load_bad(file, original);
        bool found = false;
        for (size_t i = 0; i < error.count && i < MBS_ERROR_MESSAGES; i++) {
            found |= strstr(error.message[i], message) != NULL;
            ck_assert_msg(strstr(error.message[i], file) != NULL, "%s", error.message[i]);
        }
        ck_assert_msg(found, "%s: \"%s\" expected, found \"%s\"", file, message, error.message[0]);
    }
    ck_assert_str_eq(at, "");
    ck_assert_uint_gt(rows, 100);
    free(original);
    mbs_free(list);
}
END_TEST

START_TEST(every_bad_file_is_listed)
{
    char *list;
    size_t length;
    ck_assert_int_eq(file_read(&list, &length, source_path("tests/bad/expected.tsv"), &error),
                     MBS_OK);
    DIR *folder = opendir(source_path("tests/bad"));
    ck_assert_ptr_nonnull(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        size_t bytes = strlen(entry->d_name);
        if (bytes > 5 && strcmp(entry->d_name + bytes - 5, ".json") == 0)
            ck_assert_msg(strstr(list, entry->d_name) != NULL, "%s is not listed", entry->d_name);
    }
    closedir(folder);
    mbs_free(list);
}
END_TEST

START_TEST(all_faults_are_counted)
{
    mbs_network *network;
    char layers[4000] = RELU("r", "x");
    for (int i = 0; i < 30; i++)
        strcat(layers, ", {'op': 'relu', 'inputs': ['x']}");
    ck_assert_int_eq(load_lists(&network, INPUT_X, layers), MBS_ERR_INPUT);
    ck_assert_uint_eq(error.count, 30);
    ck_assert_str_eq(error.message[19],
                     "test.json: layers[20].name: is missing, expected a string that is not empty");
    ck_assert_int_eq(load_lists(&network, INPUT_X, layers), MBS_ERR_INPUT);
    ck_assert_uint_eq(error.count, 60); /* the caller's error was not empty */
}
END_TEST

START_TEST(misuse_is_refused)
{
    mbs_network *network = NULL;
    mbs_layer_info info;
    ck_assert_int_eq(mbs_network_load_file(NULL, "x", &error), MBS_ERR_ARGUMENT);
    ck_assert_int_eq(mbs_network_load_file(&network, NULL, &error), MBS_ERR_ARGUMENT);
    ck_assert_int_eq(mbs_network_load_text(NULL, "{}", 2, "x", &error), MBS_ERR_ARGUMENT);
    ck_assert_int_eq(mbs_network_load_text(&network, NULL, 0, "x", &error), MBS_ERR_ARGUMENT);
    ck_assert_int_eq(mbs_network_load_text(&network, "", 0, NULL, &error), MBS_ERR_ARGUMENT);
    ck_assert_int_eq(mbs_network_load_file(&network, "/nowhere.json", &error), MBS_ERR_IO);
    ck_assert_int_eq(mbs_network_load_file(&network, "/nowhere.json", NULL), MBS_ERR_IO);
    ck_assert_int_eq(mbs_network_load_text(&network, "[", 1, "x", NULL), MBS_ERR_INPUT);
    ck_assert_int_eq(mbs_network_layer(NULL, 0, &info), MBS_ERR_ARGUMENT);
    ck_assert_ptr_null(mbs_network_layer_input(NULL, 0, 0));
    mbs_network_free(NULL);
    ck_assert_int_eq(load_lists(&network, INPUT_X, RELU("a", "x")), MBS_OK);
    ck_assert_int_eq(mbs_network_layer(network, 1, &info), MBS_ERR_ARGUMENT);
    ck_assert_int_eq(mbs_network_layer(network, 0, NULL), MBS_ERR_ARGUMENT);
    ck_assert_ptr_null(mbs_network_layer_input(network, 0, 1));
    ck_assert_ptr_null(mbs_network_layer_input(network, 1, 0));
    ck_assert_str_eq(mbs_network_layer_input(network, 0, 0), "x");
    ck_assert_str_eq(mbs_network_name(network), "test");
    ck_assert_uint_eq(mbs_network_input_count(network), 1);
    mbs_input_info input;
    ck_assert_int_eq(mbs_network_input(network, 0, &input), MBS_OK);
    ck_assert_int_eq(input.shape.rank, network->inputs[0].shape.rank);
    ck_assert_str_eq(input.name, network->inputs[0].name);
    ck_assert_int_eq(mbs_network_input(network, 1, &input), MBS_ERR_ARGUMENT);
    ck_assert_int_eq(mbs_network_input(network, 0, NULL), MBS_ERR_ARGUMENT);
    mbs_network_free(network);
}
END_TEST

/* ---- The zoo --------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    size_t layers; /* 0: not checked */
    int64_t parameters;
} zoo[] = {
    /* as published with torchvision's and, for Inception-v4, Cadene's weights */
    {"vgg16", 0, 138357544},
    {"resnet18", 0, 11689512},
    {"resnet50", 174, 25557032},
    {"resnet101", 0, 44549160},
    {"resnet152", 0, 60192808},
    {"inception_v3", 308, 23834568},
    {"inception_v4", 0, 42679816},
    {"densenet121", 0, 7978856},
    {"mobilenet_v2", 0, 3504872},
    /* by hand: 3*96*121 + 96*256*25 + 256*384*9 + 384*384*9 + 384*256*9 + 9216*4096 + 4096*4096
     * + 4096*1000, and 96 + 256 + 384 + 384 + 256 + 4096 + 4096 + 1000 biases */
    {"alexnet", 18, 62378344},
};

START_TEST(the_zoo_has_the_published_parameters)
{
    char name[64];
    mbs_network *network;
    snprintf(name, sizeof name, "models/networks/%s.json", zoo[_i].name);
    ck_assert_msg(mbs_network_load_file(&network, source_path("%s", name), &error) == MBS_OK, "%s",
                  error.message[0]);
    ck_assert_str_eq(mbs_network_name(network), zoo[_i].name);
    ck_assert_int_eq(mbs_network_parameters(network), zoo[_i].parameters);
    if (zoo[_i].layers > 0)
        ck_assert_uint_eq(mbs_network_layer_count(network), zoo[_i].layers);
    mbs_network_free(network);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("network");
    TCase *tests = tcase_create("network");
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, the_order_is_stable);
    tcase_add_test(tests, long_orders_are_what_the_rule_says);
    tcase_add_test(tests, bad_files_are_refused_for_their_faults);
    tcase_add_test(tests, every_bad_file_is_listed);
    tcase_add_test(tests, all_faults_are_counted);
    tcase_add_test(tests, misuse_is_refused);
    tcase_add_loop_test(tests, the_zoo_has_the_published_parameters, 0, COUNT(zoo));
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
