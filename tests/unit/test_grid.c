/* src/report: what tables are made of: figures, grids, short names and broken lines. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "mbsopt/mbsopt.h"
#include "report/figures.h"
#include "report/grid.h"
#include "report/short_names.h"
#include "run.h"

START_TEST(figures_round_to_the_nearest)
{
    ck_assert_str_eq(figure_ratio(0, 1000, 1).text, "0.0");
    ck_assert_str_eq(figure_ratio(1049, 1000, 1).text, "1.0");
    ck_assert_str_eq(figure_ratio(1050, 1000, 1).text, "1.1");
    ck_assert_str_eq(figure_ratio(1999, 1000, 1).text, "2.0");
    ck_assert_str_eq(figure_ratio(1005, 1000, 3).text, "1.005");
    ck_assert_str_eq(figure_ratio(7, 1, 0).text, "7");
    ck_assert_str_eq(figure_ratio(INT64_MAX, 1000000000000, 2).text, "9223372.04");
    ck_assert_str_eq(figure_integer(INT64_MIN).text, "-9223372036854775808");
}
END_TEST

START_TEST(figures_choose_their_unit)
{
    ck_assert_str_eq(figure_traffic(0).text, "0 B");
    ck_assert_str_eq(figure_traffic(999).text, "999 B");
    ck_assert_str_eq(figure_traffic(1000).text, "1.00 kB");
    ck_assert_str_eq(figure_traffic(INT64_C(3293583360)).text, "3.29 GB");
    ck_assert_str_eq(figure_traffic(INT64_MAX).text, "9223372.04 TB");
    ck_assert_str_eq(figure_space(1023).text, "1023 B");
    ck_assert_str_eq(figure_space(10349445).text, "9.87 MiB");
    ck_assert_str_eq(figure_space(20971520).text, "20.0 MiB");
    ck_assert_str_eq(figure_space(524288).text, "512 KiB");
    ck_assert_str_eq(figure_exact_space(10485760).text, "10 MiB");
    ck_assert_str_eq(figure_exact_space(1000000).text, "976.56 KiB (1000000 B)");
    ck_assert_str_eq(figure_exact_space(INT64_MAX).text, "8388608.00 TiB (9223372036854775807 B)");
}
END_TEST

START_TEST(percent_survives_any_size)
{
    ck_assert_str_eq(figure_percent(0, 0).text, "0.0");
    ck_assert_str_eq(figure_percent(1, 3).text, "33.3");
    ck_assert_str_eq(figure_percent(INT64_MAX, INT64_MAX).text, "100.0");
    ck_assert_str_eq(figure_percent(INT64_MAX, 1).text, "1000000000.0");
}
END_TEST

static char *rendered(grid *table)
{
    char *result = NULL;
    text out = TEXT_INIT;
    grid_finish(table, &out);
    ck_assert_int_eq(text_finish(&out, &result, NULL), MBS_OK);
    return result;
}

START_TEST(grid_aligns_and_leaves_no_trailing_blanks)
{
    grid table;
    grid_start(&table, false);
    grid_add_column(&table, (grid_column){.head = {"", "name"}, .gap = ""});
    grid_add_column(&table, (grid_column){.head = {"", ""}, .gap = " .. "});
    grid_add_column(&table, (grid_column){.head = {"", "n"}, .gap = "  ", .right = true});
    const char *const cells[] = {"ä", "bb", "1", "漢字漢字漢", "", "200"};
    for (size_t i = 0; i < 6; i++)
        grid_cell(&table, STYLE_PLAIN, cells[i]);
    grid_rule(&table);
    grid_cell(&table, STYLE_BOLD, "sum");
    grid_end_row(&table);
    char *result = rendered(&table);
    ck_assert_str_eq(result, "name                n\n"
                             "ä          .. bb    1\n"
                             "漢字漢字漢        200\n"
                             "─────────────────────\n"
                             "sum\n");
    mbs_free(result);
}
END_TEST

START_TEST(grid_shortens_in_the_middle)
{
    grid table;
    char name[301];
    memset(name, 'x', 300);
    memcpy(name, "first", 5);
    memcpy(name + 296, "last", 5);
    grid_start(&table, false);
    grid_add_column(&table, (grid_column){.head = {"", ""}, .gap = "", .flexible = true});
    grid_add_column(&table, (grid_column){.head = {"", ""}, .gap = " .. ", .flexible = true});
    grid_add_column(&table, (grid_column){.head = {"", "n"}, .gap = "  ", .right = true});
    grid_cell(&table, STYLE_PLAIN, name);
    grid_cell(&table, STYLE_PLAIN, "short");
    grid_cell(&table, STYLE_PLAIN, "1");
    grid_wide_cell(&table, STYLE_PLAIN, name);
    grid_cell(&table, STYLE_PLAIN, "2");
    char *result = rendered(&table);
    ck_assert_ptr_nonnull(strstr(result, "firstx"));
    char *save = NULL;
    for (char *line = strtok_r(result, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save))
        ck_assert_uint_eq(utf8_width(line), GRID_WIDTH);
    mbs_free(result);
}
END_TEST

/* Columns go by rank and come back where there is room; what went is named. */
START_TEST(grid_hides_columns_by_rank)
{
    static const struct {
        int width;
        const char *text;
    } cases[] = {
        {40, "name             n    b     a\n"
             "abcdefghijklmno  1  300  4000\n"},
        {28, "name             n    b\n"
             "abcdefghijklmno  1  300\n"
             "not shown at this width\n"
             "  (--wide shows all): a\n"},
        /* a goes before b, but without b there is room for a */
        {22, "name             n\n"
             "abcdefghijklmno  1\n"
             "not shown at this\n"
             "  width (--wide shows\n"
             "  all): b, a\n"},
        {-1, "name             n    b     a\n"
             "abcdefghijklmno  1  300  4000\n"},
    };
    static const mbs_table_column columns[] = {{{"", "name"}, 0, 1, 0, NULL},
                                               {{"", "n"}, 1, 0, 0, NULL},
                                               {{"", "b"}, 1, 0, 1, NULL},
                                               {{"", "a"}, 1, 0, 2, NULL}};
    static const char *const cells[] = {"abcdefghijklmno", "1", "300", "4000"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const mbs_report_options options = {.width = cases[i].width};
        char *result = NULL;
        ck_assert_int_eq(mbs_report_table(&result, columns, 4, cells, 1, &options, NULL), MBS_OK);
        ck_assert_str_eq(result, cases[i].text);
        mbs_free(result);
    }
}
END_TEST

START_TEST(tables_are_of_some_columns)
{
    static const mbs_table_column columns[21] = {{{"", "name"}, 0, 1, 0, NULL}};
    static const char *const cells[] = {"a\tb", NULL, "漢", "ä", NULL};
    char *result = NULL;
    ck_assert_int_eq(mbs_report_table(&result, columns, 0, NULL, 0, NULL, NULL), MBS_ERR_ARGUMENT);
    ck_assert_int_eq(mbs_report_table(&result, columns, 21, NULL, 0, NULL, NULL), MBS_ERR_ARGUMENT);
    ck_assert_int_eq(mbs_report_table(&result, columns, 1, cells, 5, NULL, NULL), MBS_OK);
    ck_assert_str_eq(result, "name\na\\x09b\n──────\n漢\nä\n──────\n");
    mbs_free(result);
    ck_assert_int_eq(mbs_report_table(&result, columns, 1, NULL, 0, NULL, NULL), MBS_OK);
    ck_assert_str_eq(result, "name\n");
    mbs_free(result);
}
END_TEST

/* All forms differ and fit, and the middle is tried first. */
START_TEST(names_are_shortened_to_forms_that_differ)
{
    short_names list = {0};
    char names[300][40];
    for (int i = 0; i < 300; i++) {
        snprintf(names[i], sizeof names[i], "layer%d.aaaaaaaaaaaaa%c%d.conv", i / 100, "xyz"[i % 3],
                 i % 100);
        ck_assert(short_names_add(&list, names[i]) && short_names_add(&list, names[i]));
    }
    ck_assert(short_names_add(&list, "short") && short_names_add(&list, "first.name.and.last"));
    ck_assert(short_names_add(&list, "層層層層層層層層層層"));
    ck_assert_uint_eq(list.count, 303);
    for (size_t width = 12; width < 20; width++) {
        text forms[303];
        ck_assert(short_names_settle(&list, width));
        for (size_t i = 0; i < list.count; i++) {
            forms[i] = (text)TEXT_INIT;
            const size_t shown = short_names_put(&forms[i], &list, list.all[i].name);
            ck_assert_uint_eq(shown, utf8_width(forms[i].data));
            ck_assert_uint_le(shown, width);
            for (size_t j = 0; j < i; j++)
                ck_assert_str_ne(forms[i].data, forms[j].data);
        }
        ck_assert_str_eq(forms[300].data, "short");
        if (width == 13) {
            ck_assert_str_eq(forms[301].data, "first.…d.last");
            ck_assert_str_eq(forms[302].data, "層層層…層層層");
        }
        for (size_t i = 0; i < list.count; i++) {
            list.all[i] = (short_name){.name = list.all[i].name};
            text_free(&forms[i]);
        }
    }
    short_names_free(&list);
}
END_TEST

START_TEST(lines_are_broken_at_blanks)
{
    static const struct {
        const char *text;
        const char *wrapped;
        int indent;
        int width;
    } cases[] = {
        {"one two three\n", "one two\n  three\n", 2, 8},
        {"one two three", "one two\nthree", 0, 8},
        {"  one two three\n\nfour\n", "  one two\n    three\n\nfour\n", 2, 10},
        {"abcdefghijkl", "abcde\nfghij\nkl", 0, 5},
        {"--name  what it is for\n", "--name  what it\n        is for\n", 2, 16},
        {"up to 8.5 MiB of it\n", "up to\n8.5 MiB\nof it\n", 0, 9},
        {"\x1b[1mone\x1b[0m two\n", "\x1b[1mone\x1b[0m\ntwo\n", 0, 5},
        {"漢字 漢字\n", "漢字\n漢字\n", 0, 6},
        {"漢字\n", "漢\n字\n", 0, 1},
        {"one two", "one two", 2, 0},
        {"one two  \n", "one\n  two\n", 2, 6},
        {"\xff\xff\xff\xff", "\xff\xff\n\xff\xff", 0, 2},
        {"", "", 2, 8},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *result = NULL;
        ck_assert_int_eq(
            mbs_report_wrapped(&result, cases[i].text, cases[i].indent, cases[i].width, NULL),
            MBS_OK);
        ck_assert_str_eq(result, cases[i].wrapped);
        mbs_free(result);
    }
}
END_TEST

START_TEST(text_is_made_safe)
{
    text out = TEXT_INIT;
    char *result = NULL;
    text_safe(&out,
              "a\tb\x1b[1m\x7f \xc3\xa4 \xff \xc2\x9b \xe2\x80\xae \xe2\x81\xa6 \xe2\x80\xa6");
    ck_assert_int_eq(text_finish(&out, &result, NULL), MBS_OK);
    ck_assert_str_eq(result, "a\\x09b\\x1b[1m\\x7f ä \\xff \\xc2\\x9b \\xe2\\x80\\xae "
                             "\\xe2\\x81\\xa6 …");
    mbs_free(result);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("grid");
    TCase *tests = tcase_create("grid");
    tcase_add_test(tests, figures_round_to_the_nearest);
    tcase_add_test(tests, figures_choose_their_unit);
    tcase_add_test(tests, percent_survives_any_size);
    tcase_add_test(tests, grid_aligns_and_leaves_no_trailing_blanks);
    tcase_add_test(tests, grid_shortens_in_the_middle);
    tcase_add_test(tests, grid_hides_columns_by_rank);
    tcase_add_test(tests, tables_are_of_some_columns);
    tcase_add_test(tests, names_are_shortened_to_forms_that_differ);
    tcase_add_test(tests, lines_are_broken_at_blanks);
    tcase_add_test(tests, text_is_made_safe);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
