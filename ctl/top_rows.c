/* Rows of kyronctl top. See top_rows.h. */
#include "ctl/top_rows.h"

#include "core/clock.h"
#include "core/error.h"
#include "ctl/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- A row ----------------------------------------------------------------------------------- */

static int no_memory(void)
{
        return error_set(ENOMEM, "no memory for the machine's processes");
}

static TopRow *add(TopRows *rows, pid_t pid, uint32_t uid, const char *program)
{
        TopRow *row;

        if (rows->count == rows->capacity) {
                const size_t more = rows->capacity ? rows->capacity * 2 : 64;
                TopRow *grown = reallocarray(rows->rows, more, sizeof(*grown));

                if (!grown)
                        return NULL;
                rows->rows = grown;
                rows->capacity = more;
        }
        row = &rows->rows[rows->count++];
        *row = (TopRow){.pid = pid, .uid = uid, .loop = LOOP_UNKNOWN};
        snprintf(row->program, sizeof(row->program), "%s", program);
        output_make_printable(row->program);
        return row;
}

/* The one that does most of two. */
static LoopState busier(LoopState one, LoopState other)
{
        static const LoopState busiest[] = {LOOP_STOPPED, LOOP_BLOCKED, LOOP_STARVED, LOOP_BUSY,
                                            LOOP_RUNNING, LOOP_WAITING, LOOP_ASLEEP};

        for (size_t i = 0; i < sizeof(busiest) / sizeof(busiest[0]); i++) {
                if (one == busiest[i] || other == busiest[i])
                        return busiest[i];
        }
        return LOOP_UNKNOWN;
}

static void count_sets(TopRow *row, const WaitView *view, const Process *before)
{
        const Process *process = row->process;

        row->counted = true;
        for (size_t i = 0; i < process->set_count; i++) {
                const WaitSet *set = &process->sets[i];
                uint64_t oldest_ms = 0;

                row->loop = busier(row->loop, loop_look(before, process, set).state);
                row->counted = row->counted && set->status == WAIT_SET_READ;
                row->entries += set->count;
                row->unserved +=
                        count_unserved(&view->first, &view->second, process, set, &oldest_ms);
                row->backlog += count_backlog(&view->second, process, set);
                if (oldest_ms > row->oldest_ms)
                        row->oldest_ms = oldest_ms;
        }
}

/* What its threads used of a processor between the two samples. */
static void count_processor(TopRow *row, const Process *before)
{
        const Process *process = row->process;
        size_t j = 0;

        for (size_t i = 0; i < process->thread_count; i++) {
                const ThreadState *now = &process->threads[i], *then = NULL;

                /* Both are in the kernel's order, so that most are found at once. */
                for (size_t tried = 0; tried < before->thread_count && !then; tried++, j++) {
                        j = j < before->thread_count ? j : 0;
                        if (before->threads[j].tid == now->tid)
                                then = &before->threads[j];
                }
                if (!then || !now->runs_known || !then->runs_known ||
                    now->read_ns <= then->read_ns || now->run_ns < then->run_ns)
                        continue;
                row->processor_known = true;
                row->processor += (unsigned)((now->run_ns - then->run_ns) * 1000 /
                                             (now->read_ns - then->read_ns));
        }
}

static void count_findings(TopRow *row, const WaitFindings *findings)
{
        for (size_t i = 0; i < findings->count; i++) {
                const Diagnosis *each = &findings->found[i];

                if (!row->wrong || each->kind < row->gravest)
                        row->gravest = each->kind;
                row->wrong = true;
                if (each->since_ms > row->oldest_ms)
                        row->oldest_ms = each->since_ms;
        }
}

static int add_process(TopRows *rows, const WaitView *view, const Process *process)
{
        const Process *before = sample_find(&view->first, process);
        TopRow *row;

        wait_view_find(view, process, &rows->findings);
        if (process->set_count == 0 && rows->findings.count == 0)
                return 0;
        row = add(rows, process->pid, process->uid, process->stat.name);
        if (!row)
                return no_memory();
        row->process = process;
        row->delivery = wait_view_delivery(view, process->pid);
        count_sets(row, view, before);
        if (before)
                count_processor(row, before);
        count_findings(row, &rows->findings);
        return 0;
}

/* ---- Sessions -------------------------------------------------------------------------------- */

static int compare_pids(const void *left, const void *right)
{
        const TopRow *a = left, *b = right;

        return (a->pid > b->pid) - (a->pid < b->pid);
}

static TopRow *find_row(TopRow *rows, size_t count, pid_t pid)
{
        const TopRow key = {.pid = pid};

        return count > 0 ? bsearch(&key, rows, count, sizeof(*rows), compare_pids) : NULL;
}

static int compare_counts(const void *left, const void *right)
{
        const TopCount *a = left, *b = right;

        return (a->session > b->session) - (a->session < b->session);
}

static const TopCount *find_count(const TopRows *rows, uint64_t session)
{
        const TopCount key = {.session = session};

        return rows->counted > 0 ? bsearch(&key, rows->counts, rows->counted, sizeof(*rows->counts),
                                           compare_counts)
                                 : NULL;
}

/* Those of processes that have no row yet: without sets, or not seen. */
static int add_sessions(TopRows *rows, const WaitView *view, const ListFilter *filter)
{
        size_t sorted = rows->count;

        for (size_t i = 0; i < view->session_count; i++) {
                const WaitSession *session = &view->sessions[i];
                TopRow *row;

                if (!list_filter_takes(filter, session->uid, session->pid) ||
                    find_row(rows->rows, sorted, session->pid))
                        continue;
                row = add(rows, session->pid, session->uid, session->program);
                if (!row)
                        return no_memory();
                row->delivery = wait_view_delivery(view, session->pid);
                qsort(rows->rows, rows->count, sizeof(*rows->rows), compare_pids);
                sorted = rows->count;
        }
        return 0;
}

static void count_events(TopRows *rows, const WaitView *view)
{
        const uint64_t ms = view->sessions_ms - rows->counted_ms;

        for (size_t i = 0; i < view->session_count && rows->counted_ms > 0 && ms > 0; i++) {
                const WaitSession *session = &view->sessions[i];
                const TopCount *before = find_count(rows, session->session);
                TopRow *row = find_row(rows->rows, rows->count, session->pid);

                /* By its own word, the count of a direct session can be anything. */
                if (!row || !before || session->events < before->events)
                        continue;
                row->events_known = true;
                row->events += (session->events - before->events) * 1000 / ms;
        }
}

static int keep_counts(TopRows *rows, const WaitView *view)
{
        TopCount *counts = calloc(view->session_count + 1, sizeof(*counts));

        if (!counts)
                return no_memory();
        for (size_t i = 0; i < view->session_count; i++)
                counts[i] = (TopCount){view->sessions[i].session, view->sessions[i].events};
        free(rows->counts);
        rows->counts = counts;
        rows->counted = view->session_count;
        rows->counted_ms = view->sessions_ms;
        return 0;
}

/* ---- A look ---------------------------------------------------------------------------------- */

/* What was wrong at the look before, and still is, has been so since. */
static void go_on(TopRows *rows, uint64_t elapsed_ms)
{
        for (size_t i = 0; i < rows->count; i++) {
                TopRow *row = &rows->rows[i];
                const TopRow *before = find_row(rows->before, rows->before_count, row->pid);

                if (before && row->wrong && before->wrong && row->gravest == before->gravest &&
                    before->oldest_ms + elapsed_ms > row->oldest_ms)
                        row->oldest_ms = before->oldest_ms + elapsed_ms;
        }
}

int top_rows_make(TopRows *rows, const WaitView *view, const ListFilter *filter)
{
        const uint64_t now_ms = clock_now_ms();
        int r = 0;

        free(rows->before);
        rows->before = rows->rows;
        rows->before_count = rows->count;
        if (rows->before_count > 0)
                qsort(rows->before, rows->before_count, sizeof(*rows->before), compare_pids);
        rows->rows = NULL;
        rows->count = rows->capacity = 0;
        for (size_t i = 0; i < view->second.count && r == 0; i++) {
                const Process *process = &view->second.processes[i];

                if (list_filter_takes(filter, process->uid, process->pid))
                        r = add_process(rows, view, process);
        }
        if (r == 0)
                r = add_sessions(rows, view, filter);
        if (r < 0)
                return r;
        count_events(rows, view);
        go_on(rows, now_ms - rows->looked_ms);
        rows->looked_ms = now_ms;
        return keep_counts(rows, view);
}

void top_rows_free(TopRows *rows)
{
        free(rows->rows);
        free(rows->before);
        free(rows->counts);
        *rows = (TopRows){.count = 0};
}

static int compare_rows(const void *left, const void *right, void *data)
{
        const TopOrder order = *(const TopOrder *)data;
        const TopRow *a = left, *b = right;

        if (order == TOP_BY_EVENTS && a->events != b->events)
                return a->events > b->events ? -1 : 1;
        if (order == TOP_BY_PROCESSOR && a->processor != b->processor)
                return a->processor > b->processor ? -1 : 1;
        if (a->wrong != b->wrong)
                return a->wrong ? -1 : 1;
        if (a->oldest_ms != b->oldest_ms)
                return a->oldest_ms > b->oldest_ms ? -1 : 1;
        return compare_pids(a, b);
}

void top_rows_sort(TopRows *rows, TopOrder order)
{
        if (rows->count > 0)
                qsort_r(rows->rows, rows->count, sizeof(*rows->rows), compare_rows, &order);
}
