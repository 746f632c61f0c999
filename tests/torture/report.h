/*
 * What came of a torture: a line for each case, all results as JSON beside the build, and the
 * newest of each case in a document, between two lines that mark the place: a table of what healthy
 * clients had beside the attacks, and a list of all cases. Cases that were not run this time keep
 * what they had.
 */
#pragma once

#include "tests/torture/torture.h"

/* Reads the results there are; {} if there are none. The caller's. */
json_t *report_read(const char *path);
void report_put(json_t *results, const TortureCase *case_, const Result *result);
void report_write(const json_t *results, const char *path);

/* The case's line, on standard output. */
void report_print(const TortureCase *case_, const Result *result);

/* Puts all into its place in the document. */
void report_write_document(const json_t *results, const char *path);
