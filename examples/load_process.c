/* One process's share of a load. See load_process.h. */
#include "load_process.h"

#include "load_connection.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
        TICK_NS = 20 * 1000 * 1000,
        OPENED_PER_TURN = 32,
        COMPLAINTS_MAX = 5,
};

#define SECOND_NS INT64_C(1000000000)

static int64_t now_ns(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return now.tv_sec * SECOND_NS + now.tv_nsec;
}

double load_process_seconds(const LoadProcess *process)
{
        return (double)(now_ns() - process->started_ns) / (double)SECOND_NS;
}

void load_process_fail(LoadProcess *process, LoadProtocol protocol, const char *format, ...)
{
        char text[256];
        va_list args;

        process->totals.of[protocol].errors++;
        if (process->complaints++ >= COMPLAINTS_MAX)
                return;
        va_start(args, format);
        vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        fprintf(stderr, "echo_load: process %u: %s%s\n", process->number, text,
                process->complaints == COMPLAINTS_MAX ? " (and more of the kind)" : "");
}

/* What concerns no connection counts as the first target's. */
static void fail(LoadProcess *process, const char *what)
{
        load_process_fail(process, process->options->targets[0].protocol, "%s: %s", what,
                          kyron_error_text());
}

static void on_tick(KyronOperation *operation)
{
        LoadProcess *process = operation->user;
        int r = operation->result < 0 ? (int)operation->result : 0;

        while (r == 0) {
                process->ticks++;
                for (uint64_t i = 0; i < process->connection_count; i++)
                        load_connection_tick(process->connections[i]);
                r = kyron_timer_wait(process->ticker, operation);
        }
        if (r < 0)
                fail(process, "the ticker");
}

/* One turn; false when the time is up or the daemon has gone. */
static bool turn(LoadProcess *process, int64_t until_ns)
{
        int64_t rest_ns = until_ns - now_ns();
        int r;

        if (rest_ns <= 0)
                return false;
        if (rest_ns > 3600 * SECOND_NS)
                rest_ns = 3600 * SECOND_NS;
        r = kyron_io_driver_handle_process_io(process->handle, (int)(rest_ns / 1000000) + 1);
        if (r >= 0 || r == -EINTR)
                return true;
        fail(process, "process_io");
        return false;
}

static bool start(LoadProcess *process)
{
        KyronOptions library = process->options->library;

        library.program = "echo_load";
        kyron_operation_init(&process->tick, on_tick, process);
        if (kyron_io_driver_handle_open(&process->handle, &library) < 0 ||
            kyron_timer_new(&process->ticker, process->handle) < 0 ||
            kyron_timer_every(process->ticker, TICK_NS) < 0 ||
            kyron_timer_wait(process->ticker, &process->tick) < 0) {
                fail(process, "cannot start");
                return false;
        }
        return true;
}

/* Opens all connections, with turns in between: those that are open need not wait for the rest. */
static bool open_connections(LoadProcess *process)
{
        uint64_t count = process->options->connections;

        process->connections = calloc(count, sizeof(*process->connections));
        process->unfinished = count;
        for (uint64_t i = 0; i < count; i++) {
                const LoadTarget *target =
                        &process->options->targets[i % process->options->target_count];
                LoadConnection *connection = NULL;

                if (process->connections)
                        connection = load_connection_new(process, target, (uint32_t)i);
                if (!connection) {
                        load_process_fail(process, target->protocol,
                                          "no memory for connection %" PRIu64, i);
                        return false;
                }
                process->connections[process->connection_count++] = connection;
                load_connection_open(connection);
                if (i % OPENED_PER_TURN == 0 &&
                    kyron_io_driver_handle_process_io(process->handle, 0) < 0) {
                        fail(process, "process_io");
                        return false;
                }
        }
        return true;
}

void load_process_run(LoadProcess *process, const LoadOptions *options, uint32_t number)
{
        int64_t until_ns;

        *process = (LoadProcess){.options = options, .number = number};
        process->random = options->seed + number;
        process->started_ns = now_ns();
        until_ns = process->started_ns + (int64_t)options->deadline_s * SECOND_NS;
        if (!start(process) || !open_connections(process))
                return;
        while (process->unfinished > 0 && turn(process, until_ns))
                ;
        for (uint64_t i = 0; process->unfinished > 0 && i < process->connection_count; i++)
                load_connection_give_up(process->connections[i]);
}

void load_process_hold(LoadProcess *process, uint64_t seconds)
{
        int64_t until_ns = now_ns() + (int64_t)seconds * SECOND_NS;

        if (process->ticker)
                kyron_timer_after(process->ticker, 0);
        while (process->handle && turn(process, until_ns))
                ;
}

void load_process_close(LoadProcess *process)
{
        for (uint64_t i = 0; i < process->connection_count; i++)
                load_connection_free(process->connections[i]);
        free(process->connections);
        kyron_operation_cancel(&process->tick);
        kyron_timer_close(process->ticker);
        kyron_io_driver_handle_close(process->handle);
}
