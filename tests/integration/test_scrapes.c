/*
 * Who scrapes the daemon: is told all of it over HTTP, and who only pretends to costs the daemon
 * little, and its clients nothing.
 */
#include "core/cleanup.h"
#include "daemon/scrape/scrape_request.h"
#include "daemon/scrape/scrapes.h"
#include "tests/integration/kyronctl_run.h"
#include "tests/support/config_file.h"
#include "tests/support/deadline.h"
#include "tests/support/fd_message.h"
#include "tests/support/fixture.h"
#include "tests/support/hostile_scene.h"
#include "tests/support/random.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <unistd.h>

enum { ANSWER_MAX = 256 * 1024, CROWD = 1000 };

static const char good[] = "GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n";
static const char openmetrics[] =
        "GET /metrics HTTP/1.1\r\nHost: here\r\nAccept: application/openmetrics-text\r\n\r\n";

static ConfigFile config;
static const TestDaemon *kyron_iod = &scene.daemon;
static struct sockaddr_in tcp;
static struct sockaddr_un local;
static char answer[ANSWER_MAX];

/* Whoever runs the tests sees and may do all. */
static const char *own_group(void)
{
        const struct group *group = getgrgid(getegid());

        ck_assert_ptr_nonnull(group);
        return group->gr_name;
}

/* With the port that the kernel chose. */
static void find_address(void)
{
        const KyronctlSetup setup = {.socket_path = kyron_iod->socket_path};
        CLEANUP(kyronctl_run_release) KyronctlRun run = RUN(&setup, "listeners", "--json");
        CLEANUP(cleanup_json) json_t *list = kyronctl_run_json(&run);
        unsigned port = 0;

        for (size_t i = 0; i < json_array_size(list); i++) {
                const char *address =
                        json_string_value(json_object_get(json_array_get(list, i), "address"));

                sscanf(address, "tcp:127.0.0.1:%u", &port);
        }
        ck_assert_uint_gt(port, 0);
        tcp = (struct sockaddr_in){
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                .sin_port = htons((uint16_t)port),
        };
}

static void configure(void)
{
        config_file_make(&config);
        local = (struct sockaddr_un){.sun_family = AF_UNIX};
        snprintf(local.sun_path, sizeof(local.sun_path), "%.80s/m", config.directory);
        config_file_write(
                &config,
                "admin-group = \"%s\"\n"
                "listener one { address = \"tcp:127.0.0.1:0\" mode = metrics }\n"
                "listener two { address = \"unix:%s\" mode = metrics socket-mode = 0600 }\n",
                own_group(), local.sun_path);
}

static void set_up(void)
{
        const char *options[] = {"--config", config.path, NULL};

        configure();
        hostile_scene_start(options);
        find_address();
}

static void tear_down(void)
{
        hostile_scene_tear_down();
        unlink(local.sun_path);
        config_file_remove(&config);
}

static int dial_tcp(void)
{
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(connect(fd, (struct sockaddr *)&tcp, sizeof(tcp)), 0);
        ck_assert_int_eq(fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK), 0);
        return fd;
}

static int dial_local(void)
{
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(connect(fd, (struct sockaddr *)&local, sizeof(local)), 0);
        ck_assert_int_eq(fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK), 0);
        return fd;
}

static bool serves_local(void)
{
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        bool serves = connect(fd, (struct sockaddr *)&local, sizeof(local)) == 0;

        close(fd);
        return serves;
}

static void say(int fd, const char *text)
{
        ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* All that comes until the end, and the descriptor's end. */
static const char *hear_end(int take_fd)
{
        size_t size = 0;
        ssize_t n = 1;

        while (n > 0) {
                ck_assert(wait_readable(take_fd, DEADLINE_MS));
                n = read(take_fd, answer + size, sizeof(answer) - 1 - size);
                size += n > 0 ? (size_t)n : 0;
        }
        answer[size] = '\0';
        close(take_fd);
        return answer;
}

static const char *ask(int take_fd, const char *request)
{
        say(take_fd, request);
        return hear_end(take_fd);
}

static void expect_begin(const char *text, const char *begin)
{
        ck_assert_msg(strncmp(text, begin, strlen(begin)) == 0, "%.200s", text);
}

/* The answer is as long as it says, and has its end. */
static void expect_whole(const char *text)
{
        const char *length = strstr(text, "\r\nContent-Length: ");
        const char *body = strstr(text, "\r\n\r\n");

        expect_begin(text, "HTTP/1.1 200 OK\r\n");
        ck_assert_ptr_nonnull(length);
        ck_assert_ptr_nonnull(body);
        ck_assert_uint_eq(strtoul(length + 18, NULL, 10), strlen(body + 4));
        ck_assert_str_eq(text + strlen(text) - 7, "\n# EOF\n");
}

/* ---- Who asks ------------------------------------------------------------------------------- */

START_TEST(it_is_told_in_the_format_that_is_taken)
{
        const char *text = ask(dial_tcp(), openmetrics);

        expect_whole(text);
        ck_assert_ptr_nonnull(strstr(text, "Content-Type: application/openmetrics-text; "));
        ck_assert_ptr_nonnull(strstr(text, "\n# TYPE kyron_iod_events counter\n"));
        ck_assert_ptr_nonnull(strstr(text, "\nkyron_iod_up 1\n"));
        text = ask(dial_local(), good);
        expect_whole(text);
        ck_assert_ptr_nonnull(strstr(text, "Content-Type: text/plain; version=0.0.4; "));
        ck_assert_ptr_nonnull(strstr(text, "\n# TYPE kyron_iod_events_total counter\n"));
        /* Of the programs, whoever asks. */
        ck_assert_ptr_nonnull(strstr(text, "\nkyron_iod_program_sessions{program=\""));
        ck_assert_ptr_nonnull(
                strstr(text, "\nkyron_iod_listener_up{listener=\"two\",uid=\"\"} 1\n"));
}
END_TEST

START_TEST(what_is_no_request_for_metrics_is_refused)
{
        char *long_one = calloc(1, SCRAPE_REQUEST_MAX + 1);

        expect_begin(ask(dial_tcp(), "GET / HTTP/1.1\r\n\r\n"), "HTTP/1.1 404 Not Found\r\n");
        expect_begin(ask(dial_tcp(), "POST /metrics HTTP/1.1\r\nContent-Length: 9\r\n\r\n"),
                     "HTTP/1.1 405 Method Not Allowed\r\nAllow: GET\r\n");
        expect_begin(ask(dial_local(), "hello\r\n\r\n"), "HTTP/1.1 400 Bad Request\r\n");
        memset(long_one, 'a', SCRAPE_REQUEST_MAX);
        expect_begin(ask(dial_local(), long_one), "HTTP/1.1 400 Bad Request\r\n");
        free(long_one);
}
END_TEST

START_TEST(a_request_may_come_byte_by_byte)
{
        int fd = dial_tcp();

        for (size_t i = 0; i < strlen(good); i++)
                ck_assert_int_eq(send(fd, good + i, 1, MSG_NOSIGNAL), 1);
        expect_whole(hear_end(fd));
}
END_TEST

START_TEST(of_many_requests_at_once_one_is_answered)
{
        char many[3 * sizeof(good)];
        const char *text;

        snprintf(many, sizeof(many), "%s%s%s", good, good, good);
        text = ask(dial_local(), many);
        expect_whole(text);
        ck_assert_ptr_null(strstr(text + 1, "HTTP/1.1 200"));
}
END_TEST

/* ---- Who only pretends ----------------------------------------------------------------------- */

START_TEST(those_who_never_ask_are_gone_after_a_while)
{
        int silent[SCRAPES_MAX], fd;

        for (size_t i = 0; i < SCRAPES_MAX; i++) {
                silent[i] = i % 2 == 0 ? dial_tcp() : dial_local();
                say(silent[i], "GET /metrics HT");
        }
        /* Who comes behind them waits for no longer than they may. */
        fd = dial_tcp();
        say(fd, good);
        hostile_scene_check_neighbour();
        expect_whole(hear_end(fd));
        for (size_t i = 0; i < SCRAPES_MAX; i++) {
                ck_assert(wait_readable(silent[i], DEADLINE_MS));
                close(silent[i]);
        }
}
END_TEST

/* A thousand connections, each with something else in it. */
START_TEST(a_crowd_costs_the_daemon_a_few_descriptors)
{
        static int crowd[CROWD];
        struct rlimit files;
        uint64_t random = 3;
        size_t before;

        getrlimit(RLIMIT_NOFILE, &files);
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
        if (files.rlim_cur < CROWD + 100)
                SKIP_TEST("%d descriptors may not be opened here", CROWD + 100);
        before = test_daemon_count_descriptors(&scene.daemon);
        for (size_t i = 0; i < CROWD; i++) {
                uint8_t bytes[64];

                crowd[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
                ck_assert_int_ge(crowd[i], 0);
                (void)connect(crowd[i], (struct sockaddr *)&tcp, sizeof(tcp));
                random_bytes(&random, bytes, sizeof(bytes));
                (void)!send(crowd[i], i % 3 == 0 ? (const void *)good : bytes,
                            i % 3 == 0 ? strlen(good) : random_below(&random, sizeof(bytes)),
                            MSG_NOSIGNAL);
                if (i % 100 == 0) {
                        hostile_scene_check_neighbour();
                        ck_assert_uint_le(test_daemon_count_descriptors(&scene.daemon),
                                          before + SCRAPES_MAX + 128);
                }
        }
        for (size_t i = 0; i < CROWD; i++)
                close(crowd[i]);
        hostile_scene_check_neighbour();
        expect_whole(ask(dial_tcp(), good));
}
END_TEST

START_TEST(one_that_does_not_read_waits_alone)
{
        const int small = 2048;
        int fds[SCRAPES_MAX - 1];

        for (size_t i = 0; i < SCRAPES_MAX - 1; i++) {
                fds[i] = dial_tcp();
                setsockopt(fds[i], SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
                say(fds[i], good);
        }
        hostile_scene_check_neighbour();
        expect_whole(ask(dial_local(), good));
        for (size_t i = 0; i < SCRAPES_MAX - 1; i++)
                close(fds[i]);
}
END_TEST

/* They could be files whose closing takes long. */
START_TEST(descriptors_are_closed_and_nothing_is_answered)
{
        int fd = dial_local(), pipe[2];
        char byte;

        pipe_pair(pipe);
        ck_assert_int_gt(fd_message_send(fd, good, strlen(good), &pipe[1], 1), 0);
        close(pipe[1]);
        ck_assert_str_eq(hear_end(fd), "");
        ck_assert(wait_readable(pipe[0], DEADLINE_MS));
        ck_assert_int_eq(read(pipe[0], &byte, 1), 0);
        close(pipe[0]);
}
END_TEST

/* ---- What becomes of the listener ------------------------------------------------------------ */

static void reload(void)
{
        const KyronctlSetup setup = {.socket_path = kyron_iod->socket_path};
        CLEANUP(kyronctl_run_release) KyronctlRun run = RUN(&setup, "reload");

        ck_assert_msg(run.exit_status == 0, "%s", run.err);
}

START_TEST(a_reload_opens_and_closes_it)
{
        int fd;

        config_file_write(&config,
                          "admin-group = \"%s\"\n"
                          "listener two { address = \"unix:%s\" mode = metrics }\n",
                          own_group(), local.sun_path);
        reload();
        expect_whole(ask(dial_local(), good));
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert(WAIT_UNTIL(connect(fd, (struct sockaddr *)&tcp, sizeof(tcp)) < 0 &&
                                     errno == ECONNREFUSED,
                             DEADLINE_MS));
        close(fd);
        config_file_write(&config,
                          "admin-group = \"%s\"\n"
                          "listener one { address = \"tcp:127.0.0.1:%u\" mode = metrics }\n"
                          "listener two { address = \"unix:%s\" mode = take }\n",
                          own_group(), ntohs(tcp.sin_port), local.sun_path);
        reload();
        expect_whole(ask(dial_tcp(), good));
        /* Before the scene compares what the daemon has. */
        config_file_write(&config,
                          "admin-group = \"%s\"\n"
                          "listener one { address = \"tcp:127.0.0.1:%u\" mode = metrics }\n"
                          "listener two { address = \"unix:%s\" mode = metrics }\n",
                          own_group(), ntohs(tcp.sin_port), local.sun_path);
        reload();
        /* Its file is another one, which a thread makes. */
        ck_assert(WAIT_UNTIL(serves_local(), DEADLINE_MS));
        expect_whole(ask(dial_local(), good));
}
END_TEST

/* 0: it was being handed over. */
static double start_time(void)
{
        static const char name[] = "\nkyron_iod_start_time_seconds ";
        const char *text = ask(dial_tcp(), good), *found = strstr(text, name);

        return found ? strtod(found + strlen(name), NULL) : 0;
}

START_TEST(it_goes_on_in_the_next_program)
{
        const char *options[] = {"--config", config.path, NULL};
        TestDaemon own;
        double before;

        configure();
        test_daemon_start(&own, options);
        kyron_iod = &own;
        find_address();
        before = start_time();
        ck_assert_double_gt(before, 0);
        ck_assert_int_eq(kill(own.pid, SIGUSR2), 0);
        ck_assert(WAIT_UNTIL(start_time() > before, DEADLINE_MS));
        expect_whole(ask(dial_local(), good));
        kyron_iod = &scene.daemon;
        test_daemon_stop(&own);
        config_file_remove(&config);
}
END_TEST

TEST_SUITE(test_scrapes)
{
        TCase *asking = tcase_create("asking"), *pretending = tcase_create("pretending"),
              *changing = tcase_create("changing"), *handed_over = tcase_create("handed_over");

        tcase_set_timeout(asking, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(asking, set_up, tear_down);
        tcase_add_test(asking, it_is_told_in_the_format_that_is_taken);
        tcase_add_test(asking, what_is_no_request_for_metrics_is_refused);
        tcase_add_test(asking, a_request_may_come_byte_by_byte);
        tcase_add_test(asking, of_many_requests_at_once_one_is_answered);
        suite_add_tcase(suite, asking);
        tcase_set_timeout(pretending, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(pretending, set_up, tear_down);
        tcase_add_test(pretending, those_who_never_ask_are_gone_after_a_while);
        tcase_add_test(pretending, a_crowd_costs_the_daemon_a_few_descriptors);
        tcase_add_test(pretending, one_that_does_not_read_waits_alone);
        tcase_add_test(pretending, descriptors_are_closed_and_nothing_is_answered);
        suite_add_tcase(suite, pretending);
        tcase_set_timeout(changing, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(changing, set_up, tear_down);
        tcase_add_test(changing, a_reload_opens_and_closes_it);
        suite_add_tcase(suite, changing);
        tcase_set_timeout(handed_over, TEST_TIMEOUT_SECONDS);
        tcase_add_test(handed_over, it_goes_on_in_the_next_program);
        suite_add_tcase(suite, handed_over);
}
