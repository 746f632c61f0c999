/*
 * WaitView: two samples of the machine's waits, most of a second apart, and the daemon's sessions,
 * if there is a daemon. It runs with kyronctl's caller's rights; the daemon gives it none.
 */
#pragma once

#include "ctl/query.h"
#include "ctl/session_view.h"
#include "ctl/user_name.h"
#include "waits/diagnosis.h"

#include <jansson.h>

enum {
        /* With what the samples take themselves, it is a second. */
        WAIT_VIEW_APART_MS = 750,
        /* Of one process; the others are counted. */
        WAIT_VIEW_DIAGNOSES_MAX = 1000,
};

typedef struct WaitSession {
        uint64_t session;
        int32_t pid;
        uint32_t uid;
        char program[FRAME_PROGRAM_MAX + 1]; /* printable */
        uint64_t events;                     /* that it was told; of a direct one by its own word */
        bool direct;
        bool waiting; /* has not read what it was sent */
} WaitSession;

typedef struct WaitView {
        Sample first;
        Sample second;
        bool served; /* by a daemon; then these are its sessions, as far as this user may see them
                      */
        uint64_t sessions_ms; /* when they were told, of CLOCK_MONOTONIC */
        size_t session_count;
        WaitSession *sessions; /* owned; by number */
        SessionView then;      /* what the daemon told beside the first, */
        SessionView now;       /* and the second, for what is wrong with sessions */
} WaitView;

/* What is wrong with one process. */
typedef struct WaitFindings {
        size_t count;
        size_t more; /* than there is room for */
        Diagnosis found[WAIT_VIEW_DIAGNOSES_MAX];
} WaitFindings;

/* Takes some two seconds at most. wants: see SampleOptions; NULL: every process.
 * wait_view_release() is allowed after a failure too. */
ExitCode wait_view_take(WaitView *out, const CommandLine *command_line,
                        bool (*wants)(void *data, const Process *process), void *data);
void wait_view_release(WaitView *view);

/* The same in steps, for who goes on looking: the first sample; and each time one more, after which
 * the two are the last two. query: open, or NULL: there is no daemon. */
ExitCode wait_view_begin(WaitView *out, const SampleOptions *options);
ExitCode wait_view_go_on(WaitView *view, const SampleOptions *options, Query *query);

void wait_view_find(const WaitView *view, const Process *process, WaitFindings *out);

/* "relayed", "direct", or "both" for a process with several sessions; NULL: it has none. */
const char *wait_view_delivery(const WaitView *view, pid_t pid);

/* Says on standard error what could not be seen, and why; nothing if all was. */
void wait_view_say_unseen(const WaitView *view);
/* An object with the same, and when the samples were taken. */
json_t *wait_view_object(const WaitView *view);
