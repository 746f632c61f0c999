/*
 * kyronctl why follows who waits for whom: over connections, pipes and pairs, to the process whose
 * doing it is.
 */
#include "core/cleanup.h"
#include "tests/integration/kyronctl_run.h"
#include "tests/integration/wait_scene.h"
#include "tests/support/deadline.h"
#include "tests/support/epoll_set.h"
#include "tests/support/fixture.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TOLD_MS = 30000 };

/* Whether every process here has a thread of a sanitizer's, too. */
#ifdef __SANITIZE_THREAD__
enum { SANITIZER_THREAD = true };
#else
enum { SANITIZER_THREAD = false };
#endif

/* Where no daemon is. */
static const KyronctlSetup setup = {.socket_path = "/nowhere/socket"};

/* Between the parts, which inherit them. */
static struct sockaddr_in server_address;
static int pipe_fds[2], back_fds[2];

static int listen_there(int backlog)
{
        socklen_t length = sizeof(server_address);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        server_address = (struct sockaddr_in){
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        if (bind(fd, (struct sockaddr *)&server_address, length) < 0 || listen(fd, backlog) < 0 ||
            getsockname(fd, (struct sockaddr *)&server_address, &length) < 0)
                _exit(1);
        return fd;
}

static int connect_there(void)
{
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (connect(fd, (struct sockaddr *)&server_address, sizeof(server_address)) < 0)
                _exit(1);
        return fd;
}

static void run_on(void)
{
        for (;;)
                __asm__ volatile("");
}

/* Has a listener in a set, and computes. */
static void compute_before_a_listener(int tell_fd)
{
        int fd = listen_there(8), set = epoll_set_open();

        epoll_set_add(set, fd, EPOLLIN, 0);
        wait_scene_tell(tell_fd, ntohs(server_address.sin_port));
        run_on();
}

/* Accepts one connection, reads what it is asked, and computes. */
static void compute_on_a_request(int tell_fd)
{
        int listener = listen_there(8), fd;
        char byte;

        wait_scene_tell(tell_fd, ntohs(server_address.sin_port));
        fd = accept(listener, NULL, NULL);
        if (fd < 0 || read(fd, &byte, 1) != 1)
                _exit(1);
        run_on();
}

/* Asks, and waits in a set, as a proxy does. */
static void ask_and_wait(int tell_fd)
{
        int fd = connect_there(), set = epoll_set_open();

        epoll_set_add(set, fd, EPOLLIN, 0);
        if (write(fd, "?", 1) != 1)
                _exit(1);
        wait_scene_tell(tell_fd, 0);
        for (;;)
                epoll_set_next(set, -1, NULL);
}

static void read_pipe(int tell_fd)
{
        char byte;

        close(pipe_fds[1]);
        wait_scene_tell(tell_fd, 0);
        if (read(pipe_fds[0], &byte, 1) < 0)
                _exit(1);
}

/* Has the pipe's other end, and reads another one. */
static void read_back(int tell_fd)
{
        char byte;

        close(pipe_fds[0]);
        close(back_fds[1]);
        wait_scene_tell(tell_fd, 0);
        if (read(back_fds[0], &byte, 1) < 0)
                _exit(1);
}

/* Has that one's other end, and reads the first: both wait for ever. */
static void read_pipe_and_have_the_other(int tell_fd)
{
        close(back_fds[0]);
        read_pipe(tell_fd);
}

static void sleep_with_the_pipe(int tell_fd)
{
        close(pipe_fds[0]);
        wait_scene_tell(tell_fd, 0);
}

/* ---- Answers --------------------------------------------------------------------------------- */

/* What why says of a process as JSON; for json_decref(). */
static json_t *ask(pid_t pid)
{
        char word[16];
        KyronctlRun run = RUN(&setup, "why", wait_scene_text(pid, word), "--json");
        json_t *answer;

        kyronctl_run_succeeded(&run);
        answer = kyronctl_run_json(&run);
        kyronctl_run_release(&run);
        return answer;
}

static json_t *link_of(json_t *answer, size_t place)
{
        return json_array_get(json_object_get(json_array_get(answer, 0), "chain"), place);
}

/* Whether the first link has this reason, and the next process is this. */
static bool is_told(pid_t pid, const char *reason, pid_t next, json_t **out)
{
        const char *said;

        json_decref(*out);
        *out = ask(pid);
        said = json_string_value(json_object_get(link_of(*out, 0), "reason"));
        return said && strcmp(said, reason) == 0 &&
               json_integer_value(json_object_get(link_of(*out, 0), "next_pid")) == next;
}

static void expect_sentence(json_t *answer, size_t link, const char *part)
{
        const char *sentence =
                json_string_value(json_object_get(link_of(answer, link), "sentence"));

        ck_assert_msg(sentence && strstr(sentence, part), "\"%s\" is not in: %s", part, sentence);
}

static bool sees_sockets(void)
{
        return access("/proc/sys/net/core/somaxconn", R_OK) == 0;
}

START_TEST(who_asks_one_that_computes_is_told_whom)
{
        CLEANUP(cleanup_json) json_t *answer = NULL;
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};
        uint32_t port;
        pid_t server = wait_scene_start(compute_before_a_listener, &port), proxy;
        char word[16], place[64], line[64];

        if (!sees_sockets())
                SKIP_TEST("there are no socket diagnostics here");
        server_address.sin_family = AF_INET;
        server_address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        server_address.sin_port = htons((uint16_t)port);
        proxy = wait_scene_start(ask_and_wait, NULL);
        ck_assert(WAIT_UNTIL(is_told(proxy, "not-accepted", server, &answer), TOLD_MS));
        snprintf(place, sizeof(place), "waits for 127.0.0.1:%u", port);
        expect_sentence(answer, 0, place);
        expect_sentence(answer, 0, "1 connection not accepted");
        ck_assert_uint_eq(json_array_size(json_object_get(json_array_get(answer, 0), "chain")), 1);
        run = RUN(&setup, "why", wait_scene_text(proxy, word));
        snprintf(line, sizeof(line), " %d there has ", (int)server);
        ck_assert_msg(strstr(run.out, line) && !strstr(run.out, "nothing to worry"), "%s", run.out);
}
END_TEST

START_TEST(so_is_one_whose_request_was_read)
{
        CLEANUP(cleanup_json) json_t *answer = NULL;
        uint32_t port;
        pid_t server = wait_scene_start(compute_on_a_request, &port), proxy;

        server_address.sin_family = AF_INET;
        server_address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        server_address.sin_port = htons((uint16_t)port);
        proxy = wait_scene_start(ask_and_wait, NULL);
        ck_assert(WAIT_UNTIL(is_told(proxy, "no-answer", server, &answer), TOLD_MS));
        expect_sentence(answer, 0, "has not been answered for at least");
}
END_TEST

START_TEST(a_pipe_leads_to_who_has_its_other_end)
{
        CLEANUP(cleanup_json) json_t *answer = NULL;
        pid_t reader, writer;

        ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
        reader = wait_scene_start(read_pipe, NULL);
        writer = wait_scene_start(sleep_with_the_pipe, NULL);
        close(pipe_fds[0]);
        close(pipe_fds[1]);
        ck_assert(WAIT_UNTIL(is_told(reader, "call", writer, &answer), TOLD_MS));
        expect_sentence(answer, 0, "has slept in read on descriptor");
        expect_sentence(answer, 0, ", a pipe for at least");
        expect_sentence(answer, 0, SANITIZER_THREAD ? "there " : "there has slept in ");
}
END_TEST

START_TEST(two_that_wait_for_each_other_are_a_circle)
{
        CLEANUP(cleanup_json) json_t *answer = NULL;
        pid_t one, other;

        ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
        ck_assert_int_eq(pipe2(back_fds, O_CLOEXEC), 0);
        one = wait_scene_start(read_pipe_and_have_the_other, NULL);
        other = wait_scene_start(read_back, NULL);
        close(pipe_fds[0]);
        close(pipe_fds[1]);
        close(back_fds[0]);
        close(back_fds[1]);
        ck_assert(WAIT_UNTIL(is_told(one, "call", other, &answer) && link_of(answer, 1), TOLD_MS));
        ck_assert(json_is_true(json_object_get(json_array_get(answer, 0), "circle")));
        expect_sentence(answer, 0, "waits, too");
        expect_sentence(answer, 1, "which is where this began");
        ck_assert_uint_eq(json_array_size(json_object_get(json_array_get(answer, 0), "chain")), 2);
}
END_TEST

TEST_SUITE(test_why)
{
        TCase *tc = tcase_create("why");

        tcase_set_timeout(tc, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(tc, NULL, wait_scene_end);
        tcase_add_test(tc, who_asks_one_that_computes_is_told_whom);
        tcase_add_test(tc, so_is_one_whose_request_was_read);
        tcase_add_test(tc, a_pipe_leads_to_who_has_its_other_end);
        tcase_add_test(tc, two_that_wait_for_each_other_are_a_circle);
        suite_add_tcase(suite, tc);
}
