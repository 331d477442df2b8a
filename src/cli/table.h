/* What is printed fits the terminal: tables, whose columns and names give way, and prose. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <mbsopt/mbsopt.h>
#include <stdbool.h>
#include <stdio.h>

/* --width's smallest and largest value. */
#define NARROWEST_WIDTH 20
#define WIDEST_WIDTH    10000

/* Help is no wider than this, however wide the terminal. */
#define HELP_WIDTH 80

/* --width N and --wide, from then on for all. Says what is wrong; returns the exit status. */
int width_choose(const char *value);
void width_choose_all(void);

/*
 * The `width` (mbs_report_options) of what is written to the file `path`, or to standard output if
 * that is null or "-": what --width or --wide says; else of standard output the terminal's width,
 * or COLUMNS where it is none; else 80.
 */
int output_width(const char *path);

/* A text that is printed into `out` and then written within a width. */
typedef struct page {
    FILE *out; /* null if memory is out */
    char *text;
    size_t length;
    int width;
    int indent; /* of what is broken off a line, beyond where the line begins */
} page;

/* Begins a page of `width` (output_width). What is broken off a line is indented by 2. */
void page_begin(page *of, int width);

/* A page's text, owned by the caller (free), its lines broken at blanks where they are too wide
 * (mbs_report_wrapped); null if memory is out. Frees the page. */
char *page_text(page *of);

/* Prints it on standard output. Says what is wrong; returns the exit status. */
int page_print(page *of);

/* A table's cells in row order, as mbs_report_table takes them. */
typedef struct table {
    const mbs_table_column *columns;
    size_t column_count;
    char **cells;
    size_t count;
    size_t capacity;
    bool failed;
} table;

/* `columns` is kept by the caller until table_put. */
void table_start(table *of, const mbs_table_column *columns, size_t column_count);
void table_cell(table *of, const char *format, ...) MBS_PRINTF(2, 3);

/* Prints the table onto the page and frees its cells. */
void table_put(table *of, page *onto);

#endif
