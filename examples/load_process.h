/*
 * One process's share of a load: a handle, its connections, and a ticker for what no event tells:
 * that a datagram got lost, that a Unix listener has room again.
 *
 * To be opened after fork(): a handle is of the process that opened it.
 */
#pragma once

#include "load.h"

typedef struct LoadConnection LoadConnection;

typedef struct LoadProcess {
        const LoadOptions *options;
        uint32_t number;
        KyronIoDriverHandle *handle;
        LoadConnection **connections;
        uint64_t connection_count; /* that exist */
        uint64_t unfinished;       /* of all */
        KyronTimer *ticker;
        KyronOperation tick;
        uint64_t ticks;
        uint64_t random; /* for chaos */
        unsigned complaints;
        int64_t started_ns;
        LoadTotals totals;
} LoadProcess;

/* Makes all round trips, within the deadline; totals tell how that went. */
void load_process_run(LoadProcess *process, const LoadOptions *options, uint32_t number);

/* Leaves everything open for so long. */
void load_process_hold(LoadProcess *process, uint64_t seconds);
void load_process_close(LoadProcess *process);

/* Counts an error and says what went wrong, unless this process has said enough already. */
void load_process_fail(LoadProcess *process, LoadProtocol protocol, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* The time since it started. */
double load_process_seconds(const LoadProcess *process);
