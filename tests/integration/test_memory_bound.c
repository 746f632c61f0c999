/*
 * The daemon's memory for each thing it has for its clients is at most what kyron-iod(8) says,
 * under MEMORY: as many of them as here are made, and what the daemon has grown by is compared.
 */
#include "core/cleanup.h"
#include "daemon/budget/watches.h"
#include "daemon/config/config.h"
#include "daemon/config/options.h"
#include "daemon/config/policy.h"
#include "daemon/listen/worker.h"
#include "tests/support/client.h"
#include "tests/support/config_file.h"
#include "tests/support/hostile_scene.h"
#include "tests/support/pulse_client.h"
#include "tests/support/scale.h"
#include "tests/support/service_frames.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
        SESSIONS = 200,
        DIRECT = 1000,             /* sessions */
        DIRECT_REGISTRATIONS = 16, /* of each, before */
        REGISTRATIONS = 20000,
        SPARSE_SESSIONS = 64,
        SPARSE = 256, /* registrations of each of these, as many slots apart */
        PEAK = 4096,  /* at once, of a session that has given them up */
        HOLDS = 500,
        WORKERS = 100,
        IDLE_WORKERS = 2000,
        SLOTS = 1024, /* of a worker */
        CONNECTIONS = 500,
        /* Memory is had by the page and by the arena, not by the thing. */
        SLACK_KIB = 256,
};

static TestDaemon kyron_iod;
static ConfigFile config;
static RawClient clients[SESSIONS];
static size_t before_kib;

static void set_up(void)
{
        const char *options[] = {"--config", config.path, "--max-registrations-per-session",
                                 "32768", NULL};
        struct rlimit files;

        getrlimit(RLIMIT_NOFILE, &files);
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
        config_file_make(&config);
        config_file_write(&config,
                          "policy \"user:%u\" { listen = {\"tcp:127.0.0.1:*\"} hold = {\"*\"} }\n",
                          (unsigned)geteuid());
        test_daemon_start(&kyron_iod, options);
        for (int i = 0; i < SESSIONS; i++)
                clients[i].socket_fd = -1;
        raw_client_open(&clients[0], kyron_iod.socket_path);
        before_kib = test_daemon_resident_kib(&kyron_iod);
}

static void tear_down(void)
{
        for (int i = 0; i < SESSIONS; i++) {
                if (clients[i].socket_fd >= 0)
                        raw_client_close(&clients[i]);
        }
        test_daemon_stop(&kyron_iod);
        config_file_remove(&config);
}

/* What the man page's table says of a thing, in bytes. */
static unsigned long stated(const char *thing)
{
        const char *tree = getenv("KYRON_SOURCE_DIR");
        char path[512], line[512], row[128], unit[16] = "";
        unsigned long amount = 0;
        FILE *page;

        snprintf(path, sizeof(path), "%s/man/kyron-iod.8.scd", tree ? tree : ".");
        snprintf(row, sizeof(row), "|  %s\n", thing);
        page = fopen(path, "re");
        ck_assert_msg(page != NULL, "%s: %m", path);
        while (amount == 0 && fgets(line, sizeof(line), page)) {
                if (strcmp(line, row) == 0 && fgets(line, sizeof(line), page))
                        ck_assert_int_eq(sscanf(line, ":] %lu %15s", &amount, unit), 2);
        }
        fclose(page);
        ck_assert_msg(amount > 0, "the page says nothing of %s", thing);
        return strcmp(unit, "KiB") == 0 ? amount * 1024 : amount;
}

/* Once the daemon has seen all that was sent. besides: bytes of what else was made. */
static void check_besides(const char *thing, unsigned long count, unsigned long besides)
{
        size_t now_kib, bound_kib = (stated(thing) * count + besides) / 1024 + SLACK_KIB;

        if (BUILT_WITH_SANITIZER)
                SKIP_TEST("a sanitizer takes memory of its own");
        raw_client_status(&clients[0]);
        now_kib = test_daemon_resident_kib(&kyron_iod);
        ck_assert_msg(now_kib <= before_kib + bound_kib, "%lu of %s: %zu KiB, at most %zu stated",
                      count, thing, now_kib - before_kib, bound_kib);
        printf("%s: %zu bytes each, %lu stated\n", thing,
               now_kib > before_kib ? (now_kib - before_kib) * 1024 / count : 0, stated(thing));
}

static void check(const char *thing, unsigned long count)
{
        check_besides(thing, count, 0);
}

/* ---- the sums ---- */

/* The amount after these words; the page is broken into lines anywhere. */
static unsigned long stated_sum(const char *file, const char *words)
{
        static char text[256 * 1024];
        const char *tree = getenv("KYRON_SOURCE_DIR");
        char path[512];
        unsigned long amount = 0;
        char *found;
        size_t size;
        FILE *page;

        snprintf(path, sizeof(path), "%s/%s", tree ? tree : ".", file);
        page = fopen(path, "re");
        ck_assert_msg(page != NULL, "%s: %m", path);
        size = fread(text, 1, sizeof(text) - 1, page);
        text[size] = '\0';
        fclose(page);
        for (char *at = text; (at = strchr(at, '\n'));)
                *at = ' ';
        found = strstr(text, words);
        ck_assert_msg(found != NULL, "%s does not say \"%s\"", file, words);
        ck_assert_int_eq(sscanf(found + strlen(words), "%lu", &amount), 1);
        return amount;
}

static unsigned long sum_of_sessions(unsigned long sessions)
{
        return sessions * (stated("a session") + stated("answers that wait for a session") +
                           WORKER_PER_SESSION_MAX * stated("a worker"));
}

static unsigned long sum_of_registrations(unsigned long registrations)
{
        return registrations *
               (stated("a registration") + stated("a connection in a worker's hands"));
}

START_TEST(the_sums_are_those_of_the_figures_and_fit_the_service)
{
        enum { USERS = 1024, THREADS_BEYOND = 128, BATCHES = 240 };
        const unsigned long mib = 1024 * 1024, listeners = POLICY_LISTENERS_PER_USER_MAX;
        unsigned long user, all, kernel, page_user, page_all, page_kernel, service;

        user = stated("a user") + (listeners + 1) * stated("a thread that closes") +
               sum_of_sessions(OPTIONS_SESSIONS_PER_USER_MAX) +
               sum_of_registrations(OPTIONS_REGISTRATIONS_PER_USER_MAX) +
               listeners * stated("a listener") +
               WORKER_OFFERED_MAX / 2 * stated("an unused id of a worker") +
               POLICY_CONNECTS_PER_USER_MAX * stated("a connect") +
               POLICY_HOLDS_PER_USER_MAX * stated("a hold");
        all = stated("the daemon itself") + USERS * stated("a user") +
              (USERS + listeners + THREADS_BEYOND) * stated("a thread that closes") +
              sum_of_sessions(OPTIONS_SESSIONS_MAX) +
              BATCHES * stated("a packet of more than 16 descriptors") +
              sum_of_registrations(WATCHES_MAX) + listeners * stated("a listener") +
              WORKER_OFFERED_MAX * stated("an unused id of a worker") +
              CONFIG_DESCRIPTORS_MAX * (stated("a connection") + stated("a hold")) +
              CONFIG_DESCRIPTORS_MAX / 2 * stated("a connect");
        kernel = WATCHES_MAX * stated("a registration, in the kernel") +
                 OPTIONS_SESSIONS_MAX * (stated("unread packets, in the kernel") +
                                         stated("a pulse, in the kernel"));
        page_user = stated_sum("man/kyron-iod.8.scd", "takes at most ");
        page_all = stated_sum("man/kyron-iod.8.scd", "who have 64 listeners between them, ");
        page_kernel = stated_sum("man/kyron-iod.8.scd", " MiB, and ");
        service = stated_sum("systemd/kyron-iod.service.in", "MemoryMax=") * 1024;
        printf("a user: %lu MiB of %lu; all: %lu of %lu; kernel: %lu of %lu; service: %lu\n",
               user / mib, page_user, all / mib, page_all, kernel / mib, page_kernel, service);
        ck_assert_uint_le(user / mib, page_user);
        ck_assert_uint_le(all / mib, page_all);
        ck_assert_uint_le(kernel / mib, page_kernel);
        ck_assert_uint_le(page_all + page_kernel, service);
}
END_TEST

START_TEST(the_daemon_itself)
{
        size_t bound_kib = stated("the daemon itself") / 1024;

        if (BUILT_WITH_SANITIZER)
                SKIP_TEST("a sanitizer takes memory of its own");
        ck_assert_msg(before_kib <= bound_kib, "%zu KiB", before_kib);
        printf("the daemon itself: %zu KiB\n", before_kib);
}
END_TEST

START_TEST(sessions)
{
        for (int i = 1; i < SESSIONS; i++)
                raw_client_open(&clients[i], kyron_iod.socket_path);
        check("a session", SESSIONS - 1);
}
END_TEST

static void show_all_sessions(void)
{
        for (uint64_t after = 0, more = 1; more;) {
                const Iod__Sessions *page;
                RawBytes body = {0}, frame = {0};

                raw_put_number(&body, 1, after);
                raw_put_frame(&frame, 0, 7, RAW_LIST_SESSIONS, &body);
                ck_assert_int_eq(raw_client_send(&clients[0], &frame, NULL, 0), 0);
                page = raw_client_expect(&clients[0], IOD__FRAME__BODY_SESSIONS)->sessions;
                after = page->next;
                more = page->more;
        }
}

/* The page is its client's, and counts here while it is mapped and was shown. */
START_TEST(pulses)
{
        static PulsePage *pages[SESSIONS];

        for (int i = 1; i < SESSIONS; i++) {
                raw_client_connect(&clients[i], kyron_iod.socket_path);
                pulse_client_hello(&clients[i]);
                pages[i] = pulse_client_map(pulse_client_welcome(&clients[i]));
        }
        show_all_sessions();
        check_besides("a pulse, in the kernel", SESSIONS - 1, (SESSIONS - 1) * stated("a session"));
        for (int i = 1; i < SESSIONS; i++)
                pulse_client_unmap(pages[i]);
}
END_TEST

START_TEST(registrations)
{
        for (uint32_t slot = 0; slot < REGISTRATIONS; slot++) {
                uint64_t source = raw_source(slot, 1, 1);
                int fd = open_eventfd();

                raw_client_add(&clients[0], 0, &source, &fd, 1);
                /* The daemon is not told, and has it still. */
                close(fd);
        }
        check("a registration", REGISTRATIONS);
}
END_TEST

/* A packet at a time, of as many as there are or fewer. */
static void add_all(RawClient *client, const uint64_t *sources, const int *fds, size_t n)
{
        for (size_t i = 0; i < n; i += FRAME_SOURCES_MAX)
                raw_client_add(client, 0, sources + i, fds + i,
                               n - i < FRAME_SOURCES_MAX ? n - i : FRAME_SOURCES_MAX);
}

START_TEST(registrations_however_their_slots_are_chosen)
{
        uint64_t sources[SPARSE];
        int fds[SPARSE];

        for (uint32_t i = 0; i < SPARSE; i++) {
                sources[i] = raw_source(i * 128, 1, 1);
                fds[i] = open_eventfd();
        }
        for (int i = 1; i <= SPARSE_SESSIONS; i++) {
                raw_client_open(&clients[i], kyron_iod.socket_path);
                add_all(&clients[i], sources, fds, SPARSE);
                raw_client_status(&clients[i]);
        }
        ck_assert_uint_eq(raw_client_status(&clients[0])->registrations, SPARSE_SESSIONS * SPARSE);
        check_besides("a registration", SPARSE_SESSIONS * SPARSE,
                      SPARSE_SESSIONS * stated("a session"));
        for (uint32_t i = 0; i < SPARSE; i++)
                close(fds[i]);
}
END_TEST

/* Each slot once, but always with the same file: all but the first are refused. */
START_TEST(refused_ones_take_nothing)
{
        uint64_t sources[FRAME_SOURCES_MAX];
        int fds[FRAME_SOURCES_MAX];
        int fd = open_eventfd();

        for (uint32_t i = 0; i < FRAME_SOURCES_MAX; i++) {
                sources[i] = raw_source(i * 128, 1, 1);
                fds[i] = fd;
        }
        for (int i = 1; i <= SPARSE_SESSIONS; i++) {
                raw_client_open(&clients[i], kyron_iod.socket_path);
                raw_client_add(&clients[i], 1, sources, fds, FRAME_SOURCES_MAX);
                raw_client_expect(&clients[i], IOD__FRAME__BODY_REFUSED);
        }
        check_besides("a registration", SPARSE_SESSIONS, SPARSE_SESSIONS * stated("a session"));
        close(fd);
}
END_TEST

START_TEST(those_given_up_take_nothing)
{
        static uint64_t sources[PEAK];
        static int fds[PEAK];
        RawBytes packet, body;

        for (uint32_t i = 0; i < PEAK; i++) {
                sources[i] = raw_source(i, 1, 1);
                fds[i] = open_eventfd();
        }
        for (int i = 1; i <= SPARSE_SESSIONS; i++) {
                raw_client_open(&clients[i], kyron_iod.socket_path);
                add_all(&clients[i], sources, fds, PEAK);
                for (size_t gone = 0; gone < PEAK; gone += FRAME_SOURCES_MAX) {
                        size_t left = PEAK - gone;

                        packet.size = body.size = 0;
                        raw_put_packed(&body, RAW_ADD_GONE, sources + gone,
                                       left < FRAME_SOURCES_MAX ? left : FRAME_SOURCES_MAX);
                        raw_put_frame(&packet, 0, 0, RAW_ADD_IO_SOURCE, &body);
                        ck_assert_int_eq(raw_client_send(&clients[i], &packet, NULL, 0), 0);
                }
                ck_assert_uint_eq(raw_client_status(&clients[i])->registrations, 0);
        }
        check_besides("a registration", PEAK, SPARSE_SESSIONS * stated("a session"));
        for (uint32_t i = 0; i < PEAK; i++)
                close(fds[i]);
}
END_TEST

/* The daemon has its socket, and what it has of any session. */
START_TEST(what_has_gone_direct_takes_no_more_than_a_session)
{
        static uint64_t sources[PEAK];
        static int fds[PEAK];

        for (uint32_t i = 0; i < PEAK; i++) {
                sources[i] = raw_source(i, 1, 1);
                fds[i] = open_eventfd();
        }
        for (int i = 1; i <= SPARSE_SESSIONS; i++) {
                raw_client_open(&clients[i], kyron_iod.socket_path);
                add_all(&clients[i], sources, fds, PEAK);
                raw_client_set_delivery(&clients[i], 1, IOD__DELIVERY__DELIVERY_DIRECT);
                raw_client_expect(&clients[i], IOD__FRAME__BODY_DONE);
                ck_assert_uint_eq(raw_client_status(&clients[i])->registrations, 0);
        }
        check_besides("a session", SPARSE_SESSIONS, PEAK * stated("a registration"));
        for (uint32_t i = 0; i < PEAK; i++)
                close(fds[i]);
}
END_TEST

/* Its page, which its client writes, and the tables for it included. */
START_TEST(a_direct_session_and_its_pulse_take_what_is_said)
{
        static PulsePage *pages[DIRECT];
        static int sockets[DIRECT];
        const char *words = "page that its client writes, it takes at most ";
        size_t tables_kib = test_daemon_memory_kib(&kyron_iod, "VmPTE"), now_kib, bound_kib;
        uint64_t sources[DIRECT_REGISTRATIONS];
        int fds[DIRECT_REGISTRATIONS];
        RawClient *client = &clients[1];

        if (BUILT_WITH_SANITIZER)
                SKIP_TEST("a sanitizer takes memory of its own");
        if (raw_client_status(&clients[0])->sessions_max <= DIRECT)
                SKIP_TEST("the limit of open files is too low for %d sessions", DIRECT);
        for (uint32_t i = 0; i < DIRECT_REGISTRATIONS; i++) {
                sources[i] = raw_source(i, 1, 1);
                fds[i] = open_eventfd();
        }
        for (int i = 0; i < DIRECT; i++) {
                raw_client_connect(client, kyron_iod.socket_path);
                pulse_client_hello(client);
                pages[i] = pulse_client_map(pulse_client_welcome(client));
                add_all(client, sources, fds, DIRECT_REGISTRATIONS);
                raw_client_set_delivery(client, 1, IOD__DELIVERY__DELIVERY_DIRECT);
                raw_client_expect(client, IOD__FRAME__BODY_DONE);
                sockets[i] = STEAL_FD(client->socket_fd);
        }
        show_all_sessions();
        ck_assert_uint_eq(raw_client_status(&clients[0])->registrations, 0);
        now_kib = test_daemon_resident_kib(&kyron_iod) - before_kib +
                  test_daemon_memory_kib(&kyron_iod, "VmPTE") - tables_kib;
        bound_kib = stated_sum("man/kyron-iod.8.scd", words) * DIRECT + SLACK_KIB;
        printf("a direct session with its pulse: %zu bytes\n", now_kib * 1024 / DIRECT);
        ck_assert_msg(now_kib <= bound_kib, "%zu KiB, at most %zu stated", now_kib, bound_kib);
        for (int i = 0; i < DIRECT; i++) {
                pulse_client_unmap(pages[i]);
                close(sockets[i]);
        }
        for (uint32_t i = 0; i < DIRECT_REGISTRATIONS; i++)
                close(fds[i]);
}
END_TEST

START_TEST(holds)
{
        int fd = open_eventfd();

        for (int i = 0; i < HOLDS; i++) {
                Iod__Frame frame = IOD__FRAME__INIT;
                Iod__Hold hold = IOD__HOLD__INIT;
                char name[32];

                snprintf(name, sizeof(name), "thing-%d", i);
                hold.name = name;
                hold.time_to_live_ms = 60000;
                frame.sequence = (uint32_t)i + 1;
                frame.body_case = IOD__FRAME__BODY_HOLD;
                frame.hold = &hold;
                service_send(&clients[0], &frame, &fd, 1);
                raw_client_expect(&clients[0], IOD__FRAME__BODY_DONE);
        }
        close(fd);
        check("a hold", HOLDS);
}
END_TEST

START_TEST(workers)
{
        for (int i = 0; i < WORKERS; i++) {
                char name[32];

                snprintf(name, sizeof(name), "site-%d", i % 32);
                service_join(&clients[0], (uint32_t)i + 1, name, "tcp:127.0.0.1:0", 0, SLOTS, NULL);
                raw_client_expect(&clients[0], IOD__FRAME__BODY_JOINED);
        }
        check_besides("a worker", WORKERS, WORKERS * SLOTS * stated("an unused id of a worker"));
}
END_TEST

/* That offer nothing: they take no room for what they could. */
START_TEST(workers_without_credit)
{
        for (int i = 0; i < IDLE_WORKERS; i++) {
                int client = i / 250;
                char name[32];

                if (i > 0 && i % 250 == 0)
                        raw_client_open(&clients[client], kyron_iod.socket_path);
                snprintf(name, sizeof(name), "site-%d", i % 8);
                service_join(&clients[client], (uint32_t)i + 1, name, "tcp:127.0.0.1:0", 0, 0,
                             NULL);
                raw_client_expect(&clients[client], IOD__FRAME__BODY_JOINED);
        }
        check("a worker", IDLE_WORKERS);
}
END_TEST

/* That say nothing yet, of a listener that waits for their first bytes. */
START_TEST(connections)
{
        Iod__ListenerOptions options = IOD__LISTENER_OPTIONS__INIT;
        struct sockaddr_in there = {
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        int peers[CONNECTIONS];
        const Iod__Frame *joined;
        unsigned port;

        if (raw_client_status(&clients[0])->descriptors_kept_max < CONNECTIONS)
                SKIP_TEST("the limit of open files is too low for %d connections", CONNECTIONS);
        options.when_readable = true;
        options.silent_ms = 60000;
        service_join(&clients[0], 1, "site", "tcp:127.0.0.1:0", 0, SLOTS, &options);
        joined = raw_client_expect(&clients[0], IOD__FRAME__BODY_JOINED);
        ck_assert_int_eq(sscanf(joined->joined->address, "tcp:127.0.0.1:%u", &port), 1);
        there.sin_port = htons((uint16_t)port);
        for (int i = 0; i < CONNECTIONS; i++) {
                peers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
                ck_assert_int_eq(connect(peers[i], (struct sockaddr *)&there, sizeof(there)), 0);
        }
        ck_assert(WAIT_UNTIL(raw_client_status(&clients[0])->descriptors_kept == CONNECTIONS,
                             DEADLINE_MS));
        check("a connection", CONNECTIONS);
        for (int i = 0; i < CONNECTIONS; i++)
                close(peers[i]);
}
END_TEST

TEST_SUITE(test_memory_bound)
{
        TCase *tcase = tcase_create("memory_bound");

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        tcase_add_test(tcase, the_sums_are_those_of_the_figures_and_fit_the_service);
        tcase_add_test(tcase, the_daemon_itself);
        tcase_add_test(tcase, sessions);
        tcase_add_test(tcase, pulses);
        tcase_add_test(tcase, registrations);
        tcase_add_test(tcase, registrations_however_their_slots_are_chosen);
        tcase_add_test(tcase, refused_ones_take_nothing);
        tcase_add_test(tcase, those_given_up_take_nothing);
        tcase_add_test(tcase, what_has_gone_direct_takes_no_more_than_a_session);
        tcase_add_test(tcase, a_direct_session_and_its_pulse_take_what_is_said);
        tcase_add_test(tcase, holds);
        tcase_add_test(tcase, workers);
        tcase_add_test(tcase, workers_without_credit);
        tcase_add_test(tcase, connections);
        suite_add_tcase(suite, tcase);
}
