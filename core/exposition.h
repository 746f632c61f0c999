/*
 * Exposition: metrics as the text that Prometheus reads: OpenMetrics 1.0, or the older text format
 * 0.0.4, which node_exporter's textfile collector and promtool read. They differ in what a
 * counter's family is called, and in units and the end, which are comments to the older one.
 *
 * A family is begun, then its samples are added, each with other labels; the whole has an end. The
 * text goes out in pieces through write, which has to take them; nothing is allocated.
 *
 * Values of labels may be anybody's words: what would end them is escaped, and a byte that is not
 * printable ASCII becomes "?", so that the text is UTF-8 whatever they are.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum ExpositionType {
        EXPOSITION_COUNTER, /* its name here is without "_total", which its samples have */
        EXPOSITION_GAUGE,
        EXPOSITION_HISTOGRAM,
} ExpositionType;

enum {
        /* Labels of a sample. */
        EXPOSITION_LABELS_MAX = 3,
};

typedef struct ExpositionLabel {
        const char *name; /* NULL: there are no more */
        const char *value;
} ExpositionLabel;

typedef struct Exposition {
        bool is_openmetrics;
        void (*write)(void *data, const char *text, size_t size);
        void *data;
        const char *family; /* the present one's; borrowed */
        ExpositionType type;
} Exposition;

/* The content type of what is written, as HTTP names it. */
const char *exposition_content_type(bool is_openmetrics);

/* Begins a family. unit: "seconds", "bytes", which its name ends with; NULL: it is a number of
 * things. name lives until the next one begins. help: a sentence without an end. */
void exposition_begin(Exposition *exposition, const char *name, ExpositionType type,
                      const char *unit, const char *help);
/* One sample of it, of a counter or gauge. labels: EXPOSITION_LABELS_MAX at most, or NULL. */
void exposition_add(Exposition *exposition, const ExpositionLabel *labels, uint64_t value);
/* The same of a time: in seconds. */
void exposition_add_time(Exposition *exposition, const ExpositionLabel *labels, uint64_t ns);
/* The samples of a histogram without labels: n bounds, and one count more. */
void exposition_add_histogram(Exposition *exposition, const uint64_t *bounds_ns,
                              const uint64_t *counts, size_t n, uint64_t sum_ns);
void exposition_end(Exposition *exposition);
