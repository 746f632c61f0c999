/* Metrics as text. See exposition.h. */
#include "core/exposition.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
        PIECE_MAX = 512,
        SECONDS_MAX = 40, /* of a time as text */
        NS_DIGITS = 9,
};

static const char *const type_names[] = {
        [EXPOSITION_COUNTER] = "counter",
        [EXPOSITION_GAUGE] = "gauge",
        [EXPOSITION_HISTOGRAM] = "histogram",
};

const char *exposition_content_type(bool is_openmetrics)
{
        return is_openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                              : "text/plain; version=0.0.4; charset=utf-8";
}

static void put(Exposition *exposition, const char *text)
{
        exposition->write(exposition->data, text, strlen(text));
}

/* What is longer than a piece was made here, and is not. */
static void print(Exposition *exposition, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
static void print(Exposition *exposition, const char *format, ...)
{
        char piece[PIECE_MAX];
        va_list args;

        va_start(args, format);
        vsnprintf(piece, sizeof(piece), format, args);
        va_end(args);
        put(exposition, piece);
}

/* A label's value, a piece at a time. */
static void put_value(Exposition *exposition, const char *text)
{
        char piece[PIECE_MAX];
        size_t n = 0;

        for (; *text; text++) {
                char c = *text;

                if (n + 2 > sizeof(piece)) {
                        exposition->write(exposition->data, piece, n);
                        n = 0;
                }
                if (c == '\\' || c == '"' || c == '\n') {
                        piece[n++] = '\\';
                        c = c == '\n' ? 'n' : c;
                } else if (c < ' ' || c > '~') {
                        c = '?';
                }
                piece[n++] = c;
        }
        exposition->write(exposition->data, piece, n);
}

static const char *counter_suffix(const Exposition *exposition)
{
        return exposition->type == EXPOSITION_COUNTER ? "_total" : "";
}

void exposition_begin(Exposition *exposition, const char *name, ExpositionType type,
                      const char *unit, const char *help)
{
        const char *suffix;

        exposition->family = name;
        exposition->type = type;
        suffix = exposition->is_openmetrics ? "" : counter_suffix(exposition);
        print(exposition, "# HELP %s%s %s.\n", name, suffix, help);
        print(exposition, "# TYPE %s%s %s\n", name, suffix, type_names[type]);
        if (unit && exposition->is_openmetrics)
                print(exposition, "# UNIT %s %s\n", name, unit);
}

/* A sample's name and labels. */
static void put_name(Exposition *exposition, const char *suffix, const ExpositionLabel *labels)
{
        print(exposition, "%s%s", exposition->family, suffix);
        for (size_t i = 0; labels && i < EXPOSITION_LABELS_MAX && labels[i].name; i++) {
                print(exposition, "%s%s=\"", i == 0 ? "{" : ",", labels[i].name);
                put_value(exposition, labels[i].value);
                put(exposition, "\"");
        }
        put(exposition, labels && labels[0].name ? "} " : " ");
}

/* As OpenMetrics writes numbers of this kind: "0.0", "0.00001", "10.0". */
static const char *seconds_text(uint64_t ns, char out[static SECONDS_MAX])
{
        int n = snprintf(out, SECONDS_MAX, "%" PRIu64 ".%0*" PRIu64, ns / 1000000000, NS_DIGITS,
                         ns % 1000000000);

        while (out[n - 1] == '0' && out[n - 2] != '.')
                out[--n] = '\0';
        return out;
}

void exposition_add(Exposition *exposition, const ExpositionLabel *labels, uint64_t value)
{
        put_name(exposition, counter_suffix(exposition), labels);
        print(exposition, "%" PRIu64 "\n", value);
}

void exposition_add_time(Exposition *exposition, const ExpositionLabel *labels, uint64_t ns)
{
        char seconds[SECONDS_MAX];

        put_name(exposition, counter_suffix(exposition), labels);
        print(exposition, "%s\n", seconds_text(ns, seconds));
}

void exposition_add_histogram(Exposition *exposition, const uint64_t *bounds_ns,
                              const uint64_t *counts, size_t n, uint64_t sum_ns)
{
        char seconds[SECONDS_MAX];
        uint64_t all = 0;

        for (size_t i = 0; i <= n; i++) {
                const ExpositionLabel bound[EXPOSITION_LABELS_MAX] = {
                        {"le", i < n ? seconds_text(bounds_ns[i], seconds) : "+Inf"},
                };

                all += counts[i];
                put_name(exposition, "_bucket", bound);
                print(exposition, "%" PRIu64 "\n", all);
        }
        print(exposition, "%s_sum %s\n", exposition->family, seconds_text(sum_ns, seconds));
        print(exposition, "%s_count %" PRIu64 "\n", exposition->family, all);
}

void exposition_end(Exposition *exposition)
{
        put(exposition, "# EOF\n");
}
