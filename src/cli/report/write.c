/* The page: the parts that are the same in all, with the data between them. */
#include <stdlib.h>
#include <string.h>

#include "output.h"
#include "report/report.h"

/* Text as HTML shows it. */
static void put_html(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '<')
            fputs("&lt;", out);
        else if (*text == '&')
            fputs("&amp;", out);
        else
            fputc(*text, out);
    }
}

/*
 * JSON that ends no script element and begins no comment, whatever the names in it are; without the
 * blanks between its words, of which plan files have many.
 */
static void put_inert(FILE *out, const char *json)
{
    bool in_string = false;
    for (; *json != '\0'; json++) {
        if (*json == '"')
            in_string = !in_string;
        if (in_string && *json == '\\')
            fputc(*json++, out);
        if (*json == '<')
            fputs("\\u003c", out);
        else if (in_string || *json != ' ')
            fputc(*json, out);
    }
}

/* For browsers that run no scripts: what `mbsopt plan` shows. */
static mbs_status put_tables(FILE *out, const report *of, mbs_error *error)
{
    const mbs_report_options options = {.hardware = &of->setup.hardware};
    mbs_status status = MBS_OK;
    for (size_t n = 0; n < of->sweep.network_count && status == MBS_OK; n++) {
        char *table;
        status = mbs_report_plan_table(&table, of->networks[n].plan, &options, error);
        if (status != MBS_OK)
            return status;
        fputs("<pre>", out);
        put_html(out, table);
        fputs("</pre>\n", out);
        mbs_free(table);
    }
    return status;
}

static mbs_status put_data(FILE *out, const report *of, mbs_error *error)
{
    char *data = NULL;
    size_t length;
    FILE *stream = open_memstream(&data, &length);
    if (stream == NULL)
        return MBS_ERR_MEMORY;
    mbs_status status = report_put_data(stream, of, error);
    const bool failed = ferror(stream) != 0;
    if ((fclose(stream) != 0 || failed) && status == MBS_OK)
        status = MBS_ERR_MEMORY;
    if (status == MBS_OK)
        put_inert(out, data);
    free(data);
    return status;
}

static mbs_status put_page(FILE *out, const report *of, mbs_error *error)
{
    fputs(report_page_parts[0], out);
    mbs_status status = put_tables(out, of, error);
    fputs(report_page_parts[1], out);
    if (status == MBS_OK)
        status = put_data(out, of, error);
    fputs(report_page_parts[2], out);
    return status;
}

int report_page(char **page, const report *of)
{
    size_t length;
    mbs_error error;
    mbs_error_clear(&error);
    *page = NULL;
    FILE *out = open_memstream(page, &length);
    mbs_status status = out != NULL ? put_page(out, of, &error) : MBS_ERR_MEMORY;
    const bool failed = out == NULL || ferror(out) != 0;
    if (out != NULL && (fclose(out) != 0 || failed) && status == MBS_OK)
        status = MBS_ERR_MEMORY;
    return report_error(status, &error);
}
