/*
 * OutputTable: rows of cells for people, sorted as they asked, and fit to where they are shown.
 *
 * Where a terminal is too narrow, cells are cut, down to some ten letters; then columns are left
 * out that can be spared, the last first, which the heading tells by "…"; then cells are cut to
 * their headings, and in the end lines.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
        OUTPUT_RIGHT = 1 << 0, /* numbers */
        OUTPUT_CUT = 1 << 1,   /* cut where the line would not fit a terminal; never elsewhere */
        OUTPUT_SPARE = 1 << 2, /* left out there, if cutting is not enough */

        OUTPUT_SORT_KEYS_MAX = 8,
};

typedef struct OutputColumn {
        const char *heading;
        unsigned flags;
} OutputColumn;

typedef struct OutputCell {
        char *text; /* owned; printable; NULL: nothing */
        bool ranked;
        uint64_t rank; /* sorts it, if it is ranked; else its text does */
} OutputCell;

typedef struct OutputSortKey {
        size_t column;
        bool descending;
} OutputSortKey;

typedef struct OutputTable {
        const OutputColumn *columns;
        size_t column_count;
        OutputSortKey keys[OUTPUT_SORT_KEYS_MAX];
        size_t key_count;
        size_t row_count;
        size_t capacity;
        OutputCell *cells; /* owned; of one row after the other */
} OutputTable;

typedef struct OutputFit {
        size_t width; /* 0: nothing is cut */
        bool no_legend;
} OutputFit;

void output_table_open(OutputTable *table, const OutputColumn *columns, size_t n);
void output_table_close(OutputTable *table);

/* What it is to be sorted by: "COLUMN[,-COLUMN]...", of -COLUMN the most first. 0 or -EINVAL with
 * error_text(). */
int output_table_sort_by(OutputTable *table, const char *keys);

/* Adds a row, whose cells are to be filled in; NULL: no memory. */
OutputCell *output_table_add(OutputTable *table);

/* Sorts and prints; nothing if there is no row. 0 or -ENOMEM. */
int output_table_print(const OutputTable *table, const OutputFit *fit, FILE *out);
