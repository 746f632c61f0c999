/* How healthy clients fared. See spell.h. */
#include "tests/torture/spell.h"

#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
        LINE_MS = 30000,
        SPELLS_MAX = 16,
};

/* The caller's; NULL: it has ended. */
static json_t *next_line(Process *client, Result *result)
{
        json_t *line;

        kill(client->pid, SIGUSR1);
        line = process_read_json(client, LINE_MS);
        if (!line)
                result_break(result, "a healthy client has ended early");
        return line;
}

void spell_begin(Process *client, Result *result)
{
        /* What was before does not count. */
        json_decref(next_line(client, result));
}

static double milliseconds(const json_t *line, const char *key)
{
        return json_number_value(json_object_get(line, key)) / 1e6;
}

bool spell_end(Process *client, Spell *spell, Result *result)
{
        json_t *line = next_line(client, result);

        *spell = (Spell){
                .p50_ms = milliseconds(line, "p50_ns"),
                .p99_ms = milliseconds(line, "p99_ns"),
                .longest_ms = milliseconds(line, "longest_ns"),
        };
        json_decref(line);
        return line != NULL;
}

void spell_last(int ms)
{
        nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}, NULL);
}

static int compare(const void *a, const void *b)
{
        double difference = *(const double *)a - *(const double *)b;

        return difference < 0 ? -1 : difference > 0;
}

/* Of the times that are at this offset. */
static double median(const Spell *spells, int n, size_t offset)
{
        double values[SPELLS_MAX];

        for (int i = 0; i < n; i++)
                memcpy(&values[i], (const char *)&spells[i] + offset, sizeof(values[i]));
        qsort(values, (size_t)n, sizeof(values[0]), compare);
        return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

Spell spell_median(const Spell *spells, int n)
{
        Spell all = {
                .p50_ms = median(spells, n, offsetof(Spell, p50_ms)),
                .p99_ms = median(spells, n, offsetof(Spell, p99_ms)),
        };

        for (int i = 0; i < n; i++) {
                if (all.longest_ms < spells[i].longest_ms)
                        all.longest_ms = spells[i].longest_ms;
        }
        return all;
}

double spell_ratio(Spell quiet, Spell other)
{
        return quiet.p99_ms > 0 ? other.p99_ms / quiet.p99_ms : 0;
}
