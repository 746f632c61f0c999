/*
 * What came of a torture: all results, as JSON beside the build, and the newest of each case as a
 * table in a document, between two lines that mark its place. Cases that were not run this time
 * keep the row they had.
 */
#pragma once

#include "tests/torture/torture.h"

/* Reads the results there are; {} if there are none. The caller's. */
json_t *report_read(const char *path);
void report_put(json_t *results, const TortureCase *case_, const Result *result);
void report_write(const json_t *results, const char *path);

/* Puts the table in its place in the document. */
void report_write_document(const json_t *results, const char *path);
