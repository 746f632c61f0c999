/*
 * Output: a list of rows, as a table for people or as a JSON array for programs, and the pieces
 * of text that verbs share. Nothing is written before the list is complete, so that a failure on
 * the way leaves no half answer; what cannot be written is found by main(), when it flushes.
 */
#pragma once

#include "ctl/verb.h"

#include <jansson.h>
#include <stddef.h>
#include <sys/types.h>

struct libscols_table;
struct libscols_line;

enum {
        OUTPUT_RIGHT = 1 << 0, /* numbers */
        OUTPUT_CUT = 1 << 1,   /* cut where the line would not fit a terminal; never elsewhere */

        OUTPUT_DURATION_MAX = 32, /* bytes of its text */
};

typedef struct OutputColumn {
        const char *heading;
        unsigned flags;
} OutputColumn;

typedef struct OutputList {
        bool no_legend;
        bool failed; /* for want of memory; the list goes on and fails at the end */
        size_t count;
        json_t *array; /* NULL: a table */
        struct libscols_table *table;
        struct libscols_line *line;
        size_t cell;
} OutputList;

/* EXIT_CODE_OK, or EXIT_CODE_FAILED with error_text(). output_list_close() is allowed then too. */
ExitCode output_list_open(OutputList *list, const CommandLine *command_line,
                          const OutputColumn *columns, size_t n);
void output_list_close(OutputList *list);

/* JSON: adds take_object; NULL is taken for a want of memory. */
void output_list_append(OutputList *list, json_t *take_object);
/* Table: begins a row, and fills its cells from left to right. */
void output_list_begin_row(OutputList *list);
void output_list_cell(OutputList *list, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* Writes the list. Where there is nothing, a table says so ("no sessions") on standard error. */
ExitCode output_list_print(OutputList *list, const char *what);

/* Writes take_value, and releases it. NULL is taken for a want of memory. */
ExitCode output_json(json_t *take_value);

/* The same in one line. */
ExitCode output_json_line(json_t *take_value);

/* Add a member to *object. When memory is short, *object is released and becomes NULL, and
 * whatever is added after that is lost with it. */
void output_add(json_t **object, const char *key, json_t *take_value);
void output_add_text(json_t **object, const char *key, const char *text);
void output_add_number(json_t **object, const char *key, uint64_t number);
/* Nanoseconds since 1970 as "2025-01-31T12:00:00Z". */
void output_add_time(json_t **object, const char *key, uint64_t nanoseconds);

/* A duration in the largest unit that is full: "3d", "2h", "5min", "12s", "40ms". Returns buffer.
 */
const char *output_duration(uint64_t ms, char buffer[static OUTPUT_DURATION_MAX]);

/* Replaces what is not printable ASCII by "?", so that nobody's text can steer a terminal. */
void output_make_printable(char *text);
