/*
 * Output: a list of rows, as a table for people or as a JSON array for programs, and the pieces
 * of text that verbs share. Nothing is written before the list is complete, so that a failure on
 * the way leaves no half answer; what cannot be written is found by main(), when it flushes.
 */
#pragma once

#include "ctl/output_table.h"
#include "ctl/verb.h"

#include <jansson.h>
#include <stddef.h>
#include <sys/types.h>

enum { OUTPUT_DURATION_MAX = 32 }; /* bytes of its text */

typedef struct OutputList {
        bool no_legend;
        bool wide;
        bool failed; /* for want of memory; the list goes on and fails at the end */
        size_t count;
        json_t *array; /* NULL: a table */
        OutputTable table;
        OutputCell *row; /* of the table, the one that is filled in, */
        size_t cell;     /* and so many of its cells are */
} OutputList;

/* EXIT_CODE_OK, or another exit code with error_text(). output_list_close() is allowed then too. */
ExitCode output_list_open(OutputList *list, const CommandLine *command_line,
                          const OutputColumn *columns, size_t n);
void output_list_close(OutputList *list);

/* JSON: adds take_object; NULL is taken for a want of memory. */
void output_list_append(OutputList *list, json_t *take_object);
/* Table: begins a row, and fills its cells from left to right. Nobody's text breaks it: what is not
 * printable becomes "?". */
void output_list_begin_row(OutputList *list);
void output_list_cell(OutputList *list, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
/* What --sort goes by, for the cell just filled, if it is not its text. (Of numbers, it may be.) */
void output_list_rank(OutputList *list, uint64_t rank);

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

/* Replaces what is not printable by "?", so that nobody's text can steer a terminal. */
void output_make_printable(char *text);
