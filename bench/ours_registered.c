/*
 * ours_registered N: has N eventfds registered with kyron-iod. Once the daemon has them all it
 * writes a line of JSON, what they take here: bytes_each, with what the caller keeps for each. Each
 * number it then reads, it wakes so many of them, at random and one after another, and writes a
 * line: p50_us and p99_us from the write to the waker. Ends with its input.
 */
#include "bench/program.h"
#include "tests/torture/latency.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <kyron.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>

enum {
        COUNT_MAX = 1000000,
        TURN = 253, /* registrations of one turn: a packet */
};

typedef struct Registered {
        KyronBridgedFd *bridged_fd;
        KyronWaker waker;
} Registered;

static KyronIoDriverHandle *handle;
static bool is_woken;

static void on_ready(KyronWaker *waker)
{
        (void)waker;
        is_woken = true;
}

static void turn(int timeout_ms)
{
        int r = kyron_io_driver_handle_process_io(handle, timeout_ms);

        if (r < 0 && r != -EINTR)
                program_fail("%s", kyron_error_text());
}

static void drain(int fd)
{
        uint64_t value;

        if (eventfd_read(fd, &value) < 0 && errno != EAGAIN)
                program_check(-1, "an eventfd");
}

/* Waits for it: what was ready is read until there is no more. */
static void wait_for(Registered *registered)
{
        KyronAsyncRegistration *registration =
                kyron_bridged_fd_registration(registered->bridged_fd);
        KyronReadyEvent event;
        int r;

        while ((r = kyron_async_registration_request_readiness(registration, KYRON_READABLE,
                                                               &registered->waker, &event)) == 0) {
                drain(kyron_bridged_fd_fd(registered->bridged_fd));
                kyron_async_registration_clear_readiness(registration, &event, KYRON_READABLE);
        }
        if (r < 0)
                program_fail("a registration: %s", kyron_error_text());
}

static void add(Registered *registered)
{
        int fd = program_check(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd");

        if (kyron_bridged_fd_new(&registered->bridged_fd, handle, fd) < 0)
                program_fail("a registration: %s", kyron_error_text());
        registered->waker = (KyronWaker){.wake = on_ready};
        wait_for(registered);
}

/* Nanoseconds from the write to the waker. */
static int64_t wake(Registered *registered)
{
        int64_t from_ns;

        is_woken = false;
        from_ns = now_ns();
        program_check(eventfd_write(kyron_bridged_fd_fd(registered->bridged_fd), 1), "an eventfd");
        while (!is_woken)
                turn(-1);
        return now_ns() - from_ns;
}

static size_t memory_bytes(void)
{
        FILE *file = fopen("/proc/self/smaps_rollup", "re");
        char line[256];
        size_t kib = 0;

        while (file && fgets(line, sizeof(line), file)) {
                if (sscanf(line, "Anonymous: %zu kB", &kib) == 1)
                        break;
        }
        if (file)
                fclose(file);
        return kib * 1024;
}

static void say(json_t *line)
{
        json_dumpf(line, stdout, JSON_COMPACT);
        puts("");
        fflush(stdout);
        json_decref(line);
}

static void wake_some(Registered *all, size_t count, uint64_t times)
{
        static Latency latency;

        latency = (Latency){.count = 0};
        while (times-- > 0) {
                Registered *one = &all[(size_t)random() % count];

                latency_add(&latency, (uint64_t)wake(one));
                wait_for(one);
        }
        say(json_pack("{s:f, s:f}", "p50_us", (double)latency_percentile(&latency, 0.5) / 1e3,
                      "p99_us", (double)latency_percentile(&latency, 0.99) / 1e3));
}

int main(int argc, char **argv)
{
        const KyronOptions options = {.program = "ours_registered"};
        Registered *all;
        size_t count, before;
        uint64_t times;

        program_begin("ours_registered");
        if (argc != 2)
                program_fail("how many?");
        count = program_number(argv[1], 1, COUNT_MAX);
        if (kyron_io_driver_handle_open(&handle, &options) < 0)
                program_fail("%s", kyron_error_text());
        before = memory_bytes();
        all = calloc(count, sizeof(*all));
        if (!all)
                program_fail("no memory");
        for (size_t i = 0; i < count; i++) {
                add(&all[i]);
                if (i % TURN == TURN - 1)
                        turn(0);
        }
        /* The daemon reads in order: who wakes the last one has them all. */
        wake(&all[count - 1]);
        wait_for(&all[count - 1]);
        say(json_pack("{s:f}", "bytes_each", (double)(memory_bytes() - before) / (double)count));
        while (scanf("%" SCNu64, &times) == 1)
                wake_some(all, count, times);
        return 0;
}
