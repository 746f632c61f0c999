/*
 * Sessions whose files the kernel has to be asked about: who registers, gives up the ids and keeps
 * the files open. Asking takes as long as there are files, and only that session may wait for it.
 * See tests/support/hostile_scene.h for what holds at the end of every test here.
 */
#include "daemon/driver/io_driver.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"
#include "tests/support/hostile_scene.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
        REGISTRATIONS = 8192,
        /* What a session may have open in the kernel (io_driver.c). */
        WATCHES = 2 * REGISTRATIONS + IO_DRIVER_CLOSING_MAX,
        /* What a neighbour is answered at least while the kernel is asked. */
        ANSWERS_MIN = 10,
        ATTEMPTS = 40,
};

static const char *const options[] = {"--max-registrations-per-session", "8192", NULL};

static int files[WATCHES];
static uint32_t registered;
static clockid_t daemon_clock;

/* Processor time of the daemon's: it goes on only while the daemon does something. */
static uint64_t now_us(void)
{
        struct timespec now;

        ck_assert_int_eq(clock_gettime(daemon_clock, &now), 0);
        return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void set_up(void)
{
        hostile_scene_start(options);
        ck_assert_int_eq(clock_getcpuclockid(scene.daemon.pid, &daemon_clock), 0);
}

static bool may_open(rlim_t count)
{
        struct rlimit limit;

        getrlimit(RLIMIT_NOFILE, &limit);
        if (limit.rlim_max < count)
                return false;
        limit.rlim_cur = limit.rlim_max;
        return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

/* Registers n more files, each in the next slot, whose older registration that ends. */
static void register_more(size_t n)
{
        uint64_t sources[FRAME_SOURCES_MAX];

        for (size_t i = 0; i < n; i++)
                sources[i] = raw_source((registered + (uint32_t)i) % REGISTRATIONS,
                                        1 + (registered + (uint32_t)i) / REGISTRATIONS,
                                        READINESS_READABLE);
        raw_client_add(&scene.client, 0, sources, &files[registered], n);
        registered += (uint32_t)n;
}

static void fill_set(void)
{
        registered = 0;
        for (size_t i = 0; i < WATCHES; i++)
                files[i] = open_eventfd();
        while (registered < WATCHES)
                register_more(WATCHES - registered < FRAME_SOURCES_MAX ? WATCHES - registered
                                                                       : FRAME_SOURCES_MAX);
        raw_client_status(&scene.client);
}

static void close_files(void)
{
        for (size_t i = 0; i < WATCHES; i++)
                close(files[i]);
}

typedef struct Asking {
        uint64_t took_us;
        uint32_t answers;    /* to the neighbour meanwhile */
        uint64_t longest_us; /* what the daemon did while the neighbour waited for one of them */
} Asking;

/* One more registration, for which the kernel is asked. */
static Asking ask(void)
{
        const uint64_t source = raw_source(0, registered, READINESS_READABLE);
        const uint64_t first = now_us();
        Asking asking = {.answers = 0};
        uint64_t before = first, now;
        int file = open_eventfd();

        raw_client_add(&scene.client, 7, &source, &file, 1);
        do {
                raw_client_status(&scene.neighbour);
                now = now_us();
                if (now - before > asking.longest_us)
                        asking.longest_us = now - before;
                before = now;
                asking.answers++;
        } while (!wait_readable(scene.client.socket_fd, 0));
        asking.took_us = now - first;
        raw_client_expect_source_refused(
                &scene.client, 7, source, EDQUOT,
                "files this session gave up are still open: close them, or remove them");
        registered++;
        close(file);
        return asking;
}

/* The machine lets a neighbour wait, too, so it is one of many attempts that has to be good. If the
 * loop waited for the kernel, none would be. */
START_TEST(asking_the_kernel_about_a_session_holds_up_no_other)
{
        Asking asking = {.answers = 0};
        bool good = false;

        if (!may_open(WATCHES + 100))
                SKIP_TEST("this process may not open %d files", WATCHES + 100);
        raw_client_open(&scene.client, scene.daemon.socket_path);
        fill_set();
        for (int i = 0; i < ATTEMPTS && !good; i++) {
                /* The kernel is asked once a second: also when the set was being filled. */
                nanosleep(&(struct timespec){.tv_sec = 1, .tv_nsec = 100000000}, NULL);
                asking = ask();
                good = asking.answers >= ANSWERS_MIN && asking.longest_us <= asking.took_us / 2;
                printf("%d entries, %lu us of the daemon's: %u answers, the longest in %lu us\n",
                       WATCHES, (unsigned long)asking.took_us, asking.answers,
                       (unsigned long)asking.longest_us);
        }
        fflush(stdout);
        close_files();
        ck_assert(good);
}
END_TEST

TEST_SUITE(test_reconciling)
{
        TCase *many = tcase_create("many");

        tcase_add_checked_fixture(many, set_up, hostile_scene_tear_down);
        tcase_set_timeout(many, TEST_TIMEOUT_SECONDS);
        tcase_add_test(many, asking_the_kernel_about_a_session_holds_up_no_other);
        suite_add_tcase(suite, many);
}
