/*
 * TopRows: what kyronctl top shows, a row a process that waits: for an epoll set, by a session of
 * the daemon's, or with something that is wrong. Made anew of each look, which the one before it
 * makes rates of, and durations that go on.
 */
#pragma once

#include "ctl/list_filter.h"
#include "ctl/wait_view.h"

typedef enum TopOrder {
        TOP_BY_OLDEST,
        TOP_BY_EVENTS,
        TOP_BY_PROCESSOR,
        TOP_ORDERS,
} TopOrder;

typedef struct TopRow {
        pid_t pid;
        uint32_t uid;
        char program[PROCESS_NAME_MAX]; /* printable */
        const Process *process;         /* of the second sample; NULL: it is not seen there */
        const char *delivery;           /* NULL: it has no session */
        bool counted;                   /* its sets were read: */
        size_t entries;
        uint64_t unserved;
        uint64_t backlog;
        uint64_t oldest_ms;    /* of what is wrong or unserved: for so long at least */
        bool events_known;     /* it has a session that was there before: */
        uint64_t events;       /* a second */
        bool processor_known;  /* its threads were seen before: */
        unsigned processor;    /* in thousandths of one */
        bool wrong;            /* a diagnosis says so, the gravest of this kind; */
        DiagnosisKind gravest; /* else: */
        LoopState loop;        /* of the set that does most */
} TopRow;

/* A session's count at the last look. */
typedef struct TopCount {
        uint64_t session;
        uint64_t events;
} TopCount;

typedef struct TopRows {
        size_t count;
        TopRow *rows; /* owned */
        size_t capacity;
        size_t before_count;
        TopRow *before; /* owned; those of the look before, by pid; without processes */
        uint64_t looked_ms;
        size_t counted;
        TopCount *counts; /* owned; by session */
        uint64_t counted_ms;
        WaitFindings findings; /* of the process that has its turn */
} TopRows;

/* Makes the rows of this look, by pid. The rows use the view. 0 or -ENOMEM with error_text(). */
int top_rows_make(TopRows *rows, const WaitView *view, const ListFilter *filter);
void top_rows_free(TopRows *rows);

/* The most first; what is wrong before what is not. */
void top_rows_sort(TopRows *rows, TopOrder order);
