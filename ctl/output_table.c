/* Tables. See output_table.h. */
#include "ctl/output_table.h"

#include "core/cleanup.h"
#include "core/error.h"
#include "ctl/near_word.h"
#include "ctl/shown_text.h"

#include <errno.h>
#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>

enum {
        ROOMY = 10, /* what a cell is cut down to while a column can be spared */
        ROWS_MIN = 64,
};

/* How wide each column is shown. */
typedef struct Layout {
        const OutputTable *table;
        size_t *natural; /* owned; what its cells take */
        size_t *widths;  /* owned; what is shown of that */
        size_t hidden;
        bool *hides; /* owned */
} Layout;

void output_table_open(OutputTable *table, const OutputColumn *columns, size_t n)
{
        *table = (OutputTable){.columns = columns, .column_count = n};
}

void output_table_close(OutputTable *table)
{
        for (size_t i = 0; i < table->row_count * table->column_count; i++)
                free(table->cells[i].text);
        free(table->cells);
        table->cells = NULL;
        table->row_count = table->capacity = 0;
}

OutputCell *output_table_add(OutputTable *table)
{
        const size_t n = table->column_count;
        OutputCell *row;

        if (table->row_count == table->capacity) {
                const size_t more = table->capacity ? table->capacity * 2 : ROWS_MIN;
                OutputCell *grown = reallocarray(table->cells, more * n, sizeof(*grown));

                if (!grown)
                        return NULL;
                table->cells = grown;
                table->capacity = more;
        }
        row = &table->cells[table->row_count++ * n];
        memset(row, 0, n * sizeof(*row));
        return row;
}

/* ---- Sorting --------------------------------------------------------------------------------- */

static int no_column(const OutputTable *table, const char *name)
{
        NearWord near = {.typed = name};
        char upper[32];
        size_t length = strlen(name);

        for (size_t i = 0; i <= length && length < sizeof(upper); i++)
                upper[i] = name[i] >= 'a' && name[i] <= 'z' ? (char)(name[i] - 'a' + 'A') : name[i];
        if (length < sizeof(upper))
                near.typed = upper;
        for (size_t i = 0; i < table->column_count; i++)
                near_word_try(&near, table->columns[i].heading);
        if (near.nearest)
                return error_set(EINVAL, "--sort: there is no column \"%s\"; is it %s?", name,
                                 near.nearest);
        return error_set(EINVAL, "--sort: there is no column \"%s\"; the first is %s", name,
                         table->columns[0].heading);
}

static int add_key(OutputTable *table, const char *name)
{
        OutputSortKey *key = &table->keys[table->key_count];

        if (table->key_count == OUTPUT_SORT_KEYS_MAX)
                return error_set(EINVAL, "--sort takes %d columns at most", OUTPUT_SORT_KEYS_MAX);
        key->descending = *name == '-';
        name += key->descending;
        for (key->column = 0; key->column < table->column_count; key->column++) {
                if (strcasecmp(name, table->columns[key->column].heading) == 0) {
                        table->key_count++;
                        return 0;
                }
        }
        return no_column(table, name);
}

int output_table_sort_by(OutputTable *table, const char *keys)
{
        CLEANUP(cleanup_free) char *copy = strdup(keys);
        char *rest = copy;
        int r = 0;

        if (!copy)
                return error_set(ENOMEM, "no memory for the answer");
        while (rest && r == 0)
                r = add_key(table, strsep(&rest, ","));
        return r;
}

static int compare_cells(const OutputCell *a, const OutputCell *b)
{
        /* What has no number of its own ("-") comes before all that have. */
        if (a->ranked != b->ranked)
                return a->ranked ? 1 : -1;
        if (a->ranked)
                return (a->rank > b->rank) - (a->rank < b->rank);
        return strverscmp(a->text ? a->text : "", b->text ? b->text : "");
}

static int compare_rows(const void *left, const void *right, void *data)
{
        const OutputTable *table = data;
        const OutputCell *a = *(OutputCell *const *)left, *b = *(OutputCell *const *)right;

        for (size_t i = 0; i < table->key_count; i++) {
                const OutputSortKey *key = &table->keys[i];
                const int order = compare_cells(&a[key->column], &b[key->column]);

                if (order != 0)
                        return key->descending ? -order : order;
        }
        /* As they came. */
        return (a > b) - (a < b);
}

/* The rows in their order; NULL: no memory. */
static OutputCell **sort_rows(const OutputTable *table)
{
        OutputCell **rows = calloc(table->row_count, sizeof(OutputCell *));

        if (!rows)
                return NULL;
        for (size_t i = 0; i < table->row_count; i++)
                rows[i] = &table->cells[i * table->column_count];
        if (table->key_count > 0)
                qsort_r(rows, table->row_count, sizeof(OutputCell *), compare_rows, (void *)table);
        return rows;
}

/* ---- Fitting --------------------------------------------------------------------------------- */

static void measure(Layout *layout, bool no_legend)
{
        const OutputTable *table = layout->table;
        const size_t cells = table->row_count * table->column_count;

        for (size_t i = 0; i < table->column_count; i++)
                layout->natural[i] = no_legend ? 0 : strlen(table->columns[i].heading);
        for (size_t i = 0; i < cells; i++) {
                size_t *width = &layout->natural[i % table->column_count];
                const size_t own =
                        table->cells[i].text ? shown_text_width(table->cells[i].text) : 0;

                *width = own > *width ? own : *width;
        }
        memcpy(layout->widths, layout->natural, table->column_count * sizeof(*layout->widths));
}

static size_t line_width(const Layout *layout)
{
        size_t sum = 0;

        for (size_t i = 0; i < layout->table->column_count; i++) {
                if (!layout->hides[i])
                        sum += layout->widths[i] + 1;
        }
        return sum > 0 ? sum - 1 : 0;
}

/* Cuts the widest columns, none below its heading or least. Whether the line fits then. */
static bool cut(Layout *layout, size_t width, size_t least)
{
        for (size_t line = line_width(layout); line > width; line--) {
                const OutputColumn *columns = layout->table->columns;
                size_t *widest = NULL;

                for (size_t i = 0; i < layout->table->column_count; i++) {
                        const size_t heading = strlen(columns[i].heading);
                        size_t *own = &layout->widths[i];

                        if (!layout->hides[i] && columns[i].flags & OUTPUT_CUT &&
                            *own > (heading > least ? heading : least) &&
                            (!widest || *own > *widest))
                                widest = own;
                }
                if (!widest)
                        return false;
                (*widest)--;
        }
        return true;
}

static bool hide_one(Layout *layout)
{
        for (size_t i = layout->table->column_count; i-- > 0;) {
                if (!layout->hides[i] && layout->table->columns[i].flags & OUTPUT_SPARE) {
                        layout->hides[i] = true;
                        layout->hidden++;
                        return true;
                }
        }
        return false;
}

/* What the mark of columns that are left out takes of a line. */
static size_t mark_width(const Layout *layout, const OutputFit *fit)
{
        const size_t width = shown_text_width(shown_text_ellipsis()) + 1;

        return layout->hidden == 0 || fit->no_legend || width >= fit->width ? 0 : width;
}

static void fit_to(Layout *layout, const OutputFit *fit)
{
        const size_t size = layout->table->column_count * sizeof(*layout->widths);

        while (!cut(layout, fit->width - mark_width(layout, fit), ROOMY) && hide_one(layout))
                memcpy(layout->widths, layout->natural, size);
        cut(layout, fit->width - mark_width(layout, fit), 0);
}

/* ---- Printing -------------------------------------------------------------------------------- */

static bool add_columns(struct libscols_table *shown, const Layout *layout, bool no_legend)
{
        for (size_t i = 0; i < layout->table->column_count; i++) {
                const OutputColumn *column = &layout->table->columns[i];
                const int flags = column->flags & OUTPUT_RIGHT ? SCOLS_FL_RIGHT : 0;

                /* Also where headings are not shown, a column is as wide as its own. */
                if (!layout->hides[i] &&
                    !scols_table_new_column(shown, no_legend ? "" : column->heading, 0, flags))
                        return false;
        }
        return true;
}

static bool add_row(struct libscols_table *shown, const Layout *layout, const OutputCell *row)
{
        struct libscols_line *line = scols_table_new_line(shown, NULL);
        size_t cell = 0;

        for (size_t i = 0; i < layout->table->column_count && line; i++) {
                char *text;

                if (layout->hides[i])
                        continue;
                text = shown_text_cut(row[i].text ? row[i].text : "", layout->widths[i]);
                /* Takes the text, unless it fails. */
                if (!text || scols_line_refer_data(line, cell++, text) < 0) {
                        free(text);
                        return false;
                }
        }
        return line != NULL;
}

static void print_lines(char *text, const Layout *layout, const OutputFit *fit, FILE *out)
{
        const char *mark = mark_width(layout, fit) > 0 ? shown_text_ellipsis() : NULL;
        char *rest = text, *line;

        while ((line = strsep(&rest, "\n")) && (*line || rest)) {
                shown_text_print(out, line, fit->width > 0 ? fit->width : SIZE_MAX);
                if (mark && shown_text_width(line) + shown_text_width(mark) < fit->width)
                        fprintf(out, " %s", mark);
                mark = NULL;
                fputc('\n', out);
        }
}

static int print(const Layout *layout, const OutputFit *fit, FILE *out)
{
        CLEANUP(cleanup_free) OutputCell **rows = sort_rows(layout->table);
        struct libscols_table *shown = scols_new_table();
        char *text = NULL;
        bool made = rows && shown && add_columns(shown, layout, fit->no_legend);

        for (size_t i = 0; i < layout->table->row_count && made; i++)
                made = add_row(shown, layout, rows[i]);
        if (made) {
                scols_table_set_termforce(shown, SCOLS_TERMFORCE_NEVER);
                scols_table_enable_noheadings(shown, fit->no_legend);
                made = scols_print_table_to_string(shown, &text) == 0;
        }
        if (made)
                print_lines(text, layout, fit, out);
        free(text);
        scols_unref_table(shown);
        return made ? 0 : -ENOMEM;
}

int output_table_print(const OutputTable *table, const OutputFit *fit, FILE *out)
{
        Layout layout = {.table = table};
        int r = -ENOMEM;

        if (table->row_count == 0)
                return 0;
        layout.natural = calloc(table->column_count, sizeof(*layout.natural));
        layout.widths = calloc(table->column_count, sizeof(*layout.widths));
        layout.hides = calloc(table->column_count, sizeof(*layout.hides));
        if (layout.natural && layout.widths && layout.hides) {
                measure(&layout, fit->no_legend);
                if (fit->width > 0)
                        fit_to(&layout, fit);
                r = print(&layout, fit, out);
        }
        free(layout.natural);
        free(layout.widths);
        free(layout.hides);
        return r;
}
