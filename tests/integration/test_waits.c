/*
 * kyronctl waits and why, about processes made here: one that is stopped, one that does not accept,
 * one that sleeps on unread bytes, one that does not close, and healthy ones.
 */
#include "core/cleanup.h"
#include "tests/integration/kyronctl_run.h"
#include "tests/integration/raw_session.h"
#include "tests/integration/wait_scene.h"
#include "tests/support/deadline.h"
#include "tests/support/epoll_set.h"
#include "tests/support/fixture.h"
#include "tests/support/silent_fuse.h"

#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TOLD_MS = 30000, ENTRIES_EACH = 10500, PIDS_MAX = 100000 };

/* Whether every process here has a thread of a sanitizer's, too. */
#ifdef __SANITIZE_THREAD__
enum { SANITIZER_THREAD = true };
#else
enum { SANITIZER_THREAD = false };
#endif

/* Where no daemon is. */
static const KyronctlSetup setup = {.socket_path = "/nowhere/socket"};

/* ---- Processes ------------------------------------------------------------------------------- */

static void be_stopped(int tell_fd)
{
        /* Whatever it calls itself, a table stays one. */
        prctl(PR_SET_NAME, "\033[31m\nfrozen");
        epoll_set_open();
        wait_scene_tell(tell_fd, 0);
        raise(SIGSTOP);
}

static int connect_to(const struct sockaddr_in *address)
{
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        (void)connect(fd, (const struct sockaddr *)address, sizeof(*address));
        return fd;
}

/* A backlog of one takes two. */
static void be_full(int tell_fd)
{
        struct sockaddr_in address = {
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        socklen_t length = sizeof(address);
        int set = epoll_set_open(), fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (bind(fd, (struct sockaddr *)&address, length) < 0 || listen(fd, 1) < 0 ||
            getsockname(fd, (struct sockaddr *)&address, &length) < 0)
                _exit(1);
        epoll_set_add(set, fd, EPOLLIN, 0);
        for (int i = 0; i < 3; i++)
                connect_to(&address);
        epoll_set_next(set, DEADLINE_MS, NULL);
        wait_scene_tell(tell_fd, ntohs(address.sin_port));
}

static void be_slow_to_accept(int tell_fd)
{
        TestListener listener = listen_unix(8);

        connect_unix(&listener);
        connect_unix(&listener);
        wait_scene_tell(tell_fd, 0);
}

/* The same as be_full, in a network of its own; as root, who needs no other rights for that. */
static void be_full_elsewhere(int tell_fd)
{
        struct ifreq up = {.ifr_name = "lo", .ifr_flags = IFF_UP};
        int fd;

        if (geteuid() != 0 || unshare(CLONE_NEWNET) < 0) {
                wait_scene_tell(tell_fd, 0);
                return;
        }
        fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (ioctl(fd, SIOCSIFFLAGS, &up) < 0)
                _exit(1);
        be_full(tell_fd);
}

/* It was told once, and has not read. */
static void sleep_on_bytes(int tell_fd)
{
        int set = epoll_set_open(), fds[2];

        tcp_pair(fds);
        epoll_set_add(set, fds[1], EPOLLIN | EPOLLET, 0);
        if (write(fds[0], "lost", 4) != 4)
                _exit(1);
        epoll_set_next(set, DEADLINE_MS, NULL);
        wait_scene_tell(tell_fd, 0);
        for (;;)
                epoll_set_next(set, -1, NULL);
}

/* Not a fault: it cannot pass on what it would read. */
static void sleep_behind_a_slow_peer(int tell_fd)
{
        int set = epoll_set_open(), in[2], out[2];

        tcp_pair(in);
        tcp_pair(out);
        epoll_set_add(set, in[1], EPOLLIN | EPOLLET, 0);
        if (write(in[0], "more", 4) != 4)
                _exit(1);
        epoll_set_next(set, DEADLINE_MS, NULL);
        fill(out[0]);
        wait_scene_tell(tell_fd, 0);
        for (;;)
                epoll_set_next(set, -1, NULL);
}

static void leave_open(int tell_fd)
{
        int fds[2];
        char byte;

        tcp_pair(fds);
        close(fds[0]);
        if (!wait_readable(fds[1], DEADLINE_MS) || read(fds[1], &byte, 1) != 0)
                _exit(1);
        wait_scene_tell(tell_fd, 0);
}

/* A set with a connection that has bytes. */
static int have_unread(void)
{
        int set = epoll_set_open(), fds[2];

        tcp_pair(fds);
        epoll_set_add(set, fds[1], EPOLLIN, 0);
        if (write(fds[0], "wait", 4) != 4)
                _exit(1);
        epoll_set_next(set, DEADLINE_MS, NULL);
        return set;
}

static void compute(int tell_fd)
{
        wait_scene_tell(tell_fd, (uint32_t)have_unread());
        for (;;)
                __asm__ volatile("");
}

/* In a read of a connection on which nothing comes. */
static void read_elsewhere(int tell_fd)
{
        int set = have_unread(), fds[2];
        char byte;

        tcp_pair(fds);
        fcntl(fds[0], F_SETFL, 0);
        wait_scene_tell(tell_fd, (uint32_t)set);
        if (read(fds[0], &byte, 1) < 0)
                _exit(1);
}

/* Waits for a connection and an eventfd on which nothing comes. */
static void be_healthy(int tell_fd)
{
        int set = epoll_set_open(), fds[2];

        tcp_pair(fds);
        epoll_set_add(set, fds[1], EPOLLIN | EPOLLET, 0);
        epoll_set_add(set, eventfd(0, EFD_CLOEXEC), EPOLLIN, 0);
        wait_scene_tell(tell_fd, (uint32_t)set);
        for (;;)
                epoll_set_next(set, -1, NULL);
}

/* ---- Answers --------------------------------------------------------------------------------- */

/* What waits says of a process as JSON; for json_decref(). */
static json_t *ask(pid_t pid)
{
        char word[16];
        KyronctlRun run = RUN(&setup, "waits", wait_scene_text(pid, word), "--json");
        json_t *answer;

        kyronctl_run_succeeded(&run);
        answer = kyronctl_run_json(&run);
        kyronctl_run_release(&run);
        return answer;
}

/* Its first row; or NULL. */
static json_t *row_of(json_t *answer)
{
        return json_array_get(json_object_get(answer, "waits"), 0);
}

/* Whether a row of it has this diagnosis. */
static bool is_told(pid_t pid, const char *kind, json_t **out)
{
        json_t *answer = ask(pid), *row, *diagnosis;
        bool told = false;
        size_t i, j;

        json_array_foreach(json_object_get(answer, "waits"), i, row)
        {
                json_array_foreach(json_object_get(row, "diagnoses"), j, diagnosis)
                {
                        if (told || strcmp(json_string_value(json_object_get(diagnosis, "kind")),
                                           kind) != 0)
                                continue;
                        told = true;
                        json_decref(*out);
                        *out = json_incref(diagnosis);
                }
        }
        json_decref(answer);
        return told;
}

/* Whether this machine's kernel has what sockets are seen by. */
static bool sees_sockets(void)
{
        CLEANUP(cleanup_json) json_t *diagnosis = NULL;
        pid_t pid = wait_scene_start(be_slow_to_accept, NULL);

        return is_told(pid, "not-accepted", &diagnosis);
}

static void expect_sentence(const json_t *diagnosis, const char *part)
{
        const char *sentence = json_string_value(json_object_get(diagnosis, "sentence"));

        ck_assert_msg(strstr(sentence, part) != NULL, "\"%s\" is not in: %s", part, sentence);
}

START_TEST(a_stopped_process_is_told)
{
        CLEANUP(cleanup_json) json_t *diagnosis = NULL;
        pid_t pid = wait_scene_start(be_stopped, NULL);
        int status;

        ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
        ck_assert(is_told(pid, "stopped", &diagnosis));
        expect_sentence(diagnosis, "kill -CONT");
}
END_TEST

START_TEST(a_name_breaks_no_table_which_fits_eighty_columns)
{
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};
        KyronctlSetup terminal = setup;
        pid_t pid = wait_scene_start(be_stopped, NULL);
        char word[16];

        ck_assert_int_eq(waitpid(pid, NULL, WUNTRACED), pid);
        terminal.terminal_columns = 80;
        run = RUN(&terminal, "waits", wait_scene_text(pid, word));
        ck_assert_int_eq(run.exit_status, 0);
        ck_assert_uint_eq(kyronctl_count_lines(run.out), 2);
        ck_assert_uint_le(kyronctl_text_width(run.out), 80);
        ck_assert_msg(strstr(run.out, "?[31m?fro") && !strchr(run.out, '\033'), "%s", run.out);
}
END_TEST

START_TEST(a_full_backlog_is_told)
{
        CLEANUP(cleanup_json) json_t *diagnosis = NULL;
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};
        char word[16], address[64];
        uint32_t port;
        pid_t pid = wait_scene_start(be_full, &port);

        if (!sees_sockets())
                SKIP_TEST("there are no socket diagnostics here");
        ck_assert(WAIT_UNTIL(is_told(pid, "backlog-full", &diagnosis), TOLD_MS));
        kyronctl_json_check_number(diagnosis, "amount", 2);
        snprintf(address, sizeof(address), "127.0.0.1:%u", port);
        kyronctl_json_check_text(diagnosis, "local", address);

        /* By whatever it is called. */
        for (size_t i = 0; i < 3; i++) {
                snprintf(address, sizeof(address), "%s:%u",
                         (const char *const[]){"127.0.0.1", "", "tcp:127.0.0.1"}[i], port);
                kyronctl_run_release(&run);
                run = RUN(&setup, "why", address);
                ck_assert_msg(strstr(run.out, wait_scene_text(pid, word)) &&
                                      strstr(run.out, "the backlog of 1 is full"),
                              "%s: %s%s", address, run.out, run.err);
        }
}
END_TEST

START_TEST(so_is_one_in_another_network)
{
        CLEANUP(cleanup_json) json_t *diagnosis = NULL;
        uint32_t port;
        pid_t pid = wait_scene_start(be_full_elsewhere, &port);

        if (port == 0)
                SKIP_TEST("this user may make no network");
        if (!sees_sockets())
                SKIP_TEST("there are no socket diagnostics here");
        ck_assert(WAIT_UNTIL(is_told(pid, "backlog-full", &diagnosis), TOLD_MS));
        kyronctl_json_check_number(diagnosis, "amount", 2);
}
END_TEST

START_TEST(unread_bytes_of_a_sleeper_are_told)
{
        CLEANUP(cleanup_json) json_t *diagnosis = NULL;
        pid_t pid = wait_scene_start(sleep_on_bytes, NULL),
              slow = wait_scene_start(sleep_behind_a_slow_peer, NULL);

        if (!sees_sockets())
                SKIP_TEST("there are no socket diagnostics here");
        ck_assert(WAIT_UNTIL(is_told(pid, "unread", &diagnosis), TOLD_MS));
        kyronctl_json_check_number(diagnosis, "amount", 4);
        /* As old by now, and nobody's fault here. */
        ck_assert(!is_told(slow, "unread", &diagnosis));
}
END_TEST

START_TEST(a_peer_that_does_not_read_is_told_and_who_that_is)
{
        CLEANUP(cleanup_json) json_t *diagnosis = NULL;
        pid_t pid = wait_scene_start(sleep_behind_a_slow_peer, NULL);

        if (!sees_sockets())
                SKIP_TEST("there are no socket diagnostics here");
        ck_assert(WAIT_UNTIL(is_told(pid, "peer-not-reading", &diagnosis), TOLD_MS));
        kyronctl_json_check_number(diagnosis, "peer_pid", (uint64_t)pid);
        expect_sentence(diagnosis, "has taken none of");
}
END_TEST

START_TEST(one_that_computes_and_serves_nobody_is_told)
{
        CLEANUP(cleanup_json) json_t *diagnosis = NULL;
        uint32_t set;
        pid_t pid = wait_scene_start(compute, &set);

        if (SANITIZER_THREAD)
                SKIP_TEST("a sanitizer's thread runs beside the process's own");
        if (!sees_sockets())
                SKIP_TEST("there are no socket diagnostics here");
        /* On a machine with much to do it is starved, which is as true. */
        ck_assert(WAIT_UNTIL(
                is_told(pid, "busy", &diagnosis) || is_told(pid, "starved", &diagnosis), TOLD_MS));
        kyronctl_json_check_number(diagnosis, "set", set);
        kyronctl_json_check_number(diagnosis, "amount", 1);
        expect_sentence(diagnosis, "without a pause");
}
END_TEST

START_TEST(one_that_is_blocked_is_told_in_what)
{
        CLEANUP(cleanup_json) json_t *diagnosis = NULL;
        pid_t pid = wait_scene_start(read_elsewhere, NULL);

        if (SANITIZER_THREAD)
                SKIP_TEST("a sanitizer's thread runs beside the process's own");
        if (!sees_sockets())
                SKIP_TEST("there are no socket diagnostics here");
        ck_assert(WAIT_UNTIL(is_told(pid, "blocked", &diagnosis), TOLD_MS));
        expect_sentence(diagnosis, "has slept in read on descriptor");
        expect_sentence(diagnosis, "connected to 127.0.0.1:");
        kyronctl_json_check_number(diagnosis, "peer_pid", (uint64_t)pid);
}
END_TEST

START_TEST(a_connection_that_is_not_closed_is_told)
{
        CLEANUP(cleanup_json) json_t *diagnosis = NULL;
        pid_t pid = wait_scene_start(leave_open, NULL);

        if (!sees_sockets())
                SKIP_TEST("there are no socket diagnostics here");
        ck_assert(WAIT_UNTIL(is_told(pid, "not-closed", &diagnosis), TOLD_MS));
        ck_assert_int_ge(json_integer_value(json_object_get(diagnosis, "since_ms")), 5000);
}
END_TEST

START_TEST(of_a_healthy_process_nothing_is_told)
{
        CLEANUP(cleanup_json) json_t *answer = NULL;
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};
        CLEANUP(kyronctl_run_release) KyronctlRun why = {.exit_status = -1};
        uint32_t set;
        pid_t pid = wait_scene_start(be_healthy, &set);
        char word[16], line[32];
        json_t *row;

        answer = ask(pid);
        row = row_of(answer);
        kyronctl_json_check_number(row, "set", set);
        kyronctl_json_check_number(row, "entries", 2);
        kyronctl_json_check_number(row, "unserved", 0);
        kyronctl_json_check_text(row, "state", "asleep");
        ck_assert_uint_eq(json_array_size(json_object_get(row, "diagnoses")), 0);
        ck_assert(json_is_null(json_object_get(row, "delivery")));
        ck_assert(json_is_false(json_object_get(answer, "served")));

        run = RUN(&setup, "waits", "--no-legend");
        ck_assert_int_eq(run.exit_status, 0);
        snprintf(line, sizeof(line), "%s ", wait_scene_text(pid, word));
        ck_assert_msg(!strstr(run.out, line), "%s", run.out);
        why = RUN(&setup, "why", word);
        ck_assert_msg(strstr(why.out, "nothing to worry about"), "%s", why.out);
}
END_TEST

START_TEST(sessions_are_joined_with_what_the_daemon_knows)
{
        CLEANUP(cleanup_json) json_t *answer = NULL;
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};
        CLEANUP(kyronctl_run_release) KyronctlRun why = {.exit_status = -1};
        DaemonConnection connection;
        TestDaemon daemon_process;
        KyronctlSetup with_daemon;
        int set = epoll_set_open();
        char word[16];

        test_daemon_start(&daemon_process, NULL);
        with_daemon = (KyronctlSetup){.socket_path = daemon_process.socket_path};
        connection = raw_session_open(&daemon_process, "joined");
        run = RUN(&with_daemon, "waits", wait_scene_text(getpid(), word), "--json");
        answer = kyronctl_run_json(&run);
        why = RUN(&with_daemon, "why", word);
        close(connection.fd);
        close(set);
        test_daemon_stop(&daemon_process);
        ck_assert(json_is_true(json_object_get(answer, "served")));
        kyronctl_json_check_text(row_of(answer), "delivery", "relayed");
        ck_assert_msg(strstr(why.out, "of kyron-iod, relayed"), "%s", why.out);
}
END_TEST

START_TEST(whom_nobody_knows_is_not_found)
{
        KyronctlRun run = RUN(&setup, "waits", "no-such-program");

        kyronctl_run_failed(&run, 5, "no process, user or program \"no-such-program\"");
        kyronctl_run_release(&run);
        run = RUN(&setup, "why", "unix:/nowhere/at/all");
        kyronctl_run_failed(&run, 5, "no process, session or socket");
        kyronctl_run_release(&run);
}
END_TEST

START_TEST(another_user_sees_less_and_is_told_so)
{
        CLEANUP(cleanup_json) json_t *answer = NULL;
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};
        KyronctlSetup other = setup;
        pid_t pid = wait_scene_start(be_healthy, NULL), frozen = wait_scene_start(be_stopped, NULL);
        char word[16];

        if (geteuid() != 0)
                SKIP_TEST("only root can run kyronctl as another user");
        ck_assert_int_eq(waitpid(frozen, NULL, WUNTRACED), frozen);
        other.as_another_user = true;
        run = RUN(&other, "why", wait_scene_text(pid, word));
        ck_assert_msg(strstr(run.out, "for root and its own user to see"), "%s", run.out);
        kyronctl_run_release(&run);
        run = RUN(&other, "waits", wait_scene_text(frozen, word), "--json");
        answer = kyronctl_run_json(&run);
        kyronctl_json_check_number(answer, "not_seen", 1);
        kyronctl_json_check_text(row_of(answer), "state", "stopped");
        ck_assert(json_is_null(json_object_get(row_of(answer), "set")));
}
END_TEST

/* As no other process is called, also beside another run of this test. */
static char own_name[16];

static void be_healthy_by_name(int tell_fd)
{
        prctl(PR_SET_NAME, own_name);
        be_healthy(tell_fd);
}

/*
 * Has a process whose set is locked until its file's server answers, and tells which; 0: none.
 * Whoever has that file open hangs when it closes it, so it is not of this process; the server goes
 * with it.
 */
static void have_a_silent_file(int tell_fd)
{
        int file = silent_fuse_open(S_IFREG), set;
        pid_t pid = file < 0 ? 0 : fork();

        if (pid == 0 && file >= 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                prctl(PR_SET_NAME, own_name);
                set = epoll_set_open();
                epoll_set_add(set, file, EPOLLIN, 0);
                _exit(0);
        }
        wait_scene_tell(tell_fd, (uint32_t)pid);
}

/* Whether it waits for that server. */
static bool is_held_up(pid_t pid)
{
        char path[64], where[128] = "";
        FILE *file;

        snprintf(path, sizeof(path), "/proc/%d/wchan", (int)pid);
        file = fopen(path, "re");
        if (file && !fgets(where, sizeof(where), file))
                *where = '\0';
        if (file)
                fclose(file);
        return strstr(where, "request_wait_answer") != NULL;
}

/* The process that a run of kyronctl left behind, and that became our child; 0: there is none. */
static pid_t find_left_behind(void)
{
        char path[64], name[32];
        pid_t found = 0, parent;

        for (pid_t pid = getpid() + 1; pid < getpid() + PIDS_MAX && found == 0; pid++) {
                CLEANUP(cleanup_fclose) FILE *file = NULL;

                snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
                file = fopen(path, "re");
                if (file && fscanf(file, "%*d (%31[^)]) %*c %d", name, &parent) == 2 &&
                    parent == getpid() && strcmp(name, "kyronctl") == 0)
                        found = pid;
        }
        return found;
}

/* Beside its own pipe, whose other end is gone, it has nothing open but what it reads. */
static void expect_nothing_of_ours(pid_t pid)
{
        char path[64], link[128];
        ssize_t n;

        for (int fd = 0; fd < 64; fd++) {
                snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
                n = readlink(path, link, sizeof(link) - 1);
                link[n > 0 ? n : 0] = '\0';
                if (fd <= STDERR_FILENO)
                        ck_assert_str_eq(link, "/dev/null");
                else if (n > 0 && fd > STDERR_FILENO + 1)
                        ck_assert_msg(strncmp(link, "/proc/", 6) == 0, "%d: %s", fd, link);
        }
}

START_TEST(a_set_that_cannot_be_read_holds_nobody_up)
{
        CLEANUP(cleanup_json) json_t *answer = NULL;
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};
        uint32_t pid;
        pid_t healthy, left;
        char word[16];

        ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
        snprintf(own_name, sizeof(own_name), "silent%d", (int)getpid());
        wait_scene_start(have_a_silent_file, &pid);
        if (pid == 0)
                SKIP_TEST("there is no FUSE here, or no right to mount it");
        healthy = wait_scene_start(be_healthy_by_name, NULL);
        if (!WAIT_UNTIL(is_held_up((pid_t)pid), DEADLINE_MS))
                SKIP_TEST("this kernel's epoll does not wait for the file");
        run = RUN(&setup, "waits", own_name, "--json");
        ck_assert_int_eq(run.exit_status, 0);
        answer = kyronctl_run_json(&run);
        ck_assert_int_ge(json_integer_value(json_object_get(answer, "sets_hung")), 1);
        ck_assert_int_ge(json_integer_value(json_object_get(answer, "left_behind")), 1);
        left = find_left_behind();
        ck_assert_int_gt(left, 0);
        expect_nothing_of_ours(left);
        ck_assert(json_is_null(json_object_get(
                kyronctl_json_find(json_object_get(answer, "waits"), "pid", pid), "entries")));
        kyronctl_json_check_text(kyronctl_json_find(json_object_get(answer, "waits"), "pid", pid),
                                 "state", "locked");
        ck_assert(json_is_integer(json_object_get(
                kyronctl_json_find(json_object_get(answer, "waits"), "pid", (uint64_t)healthy),
                "entries")));
        kyronctl_run_release(&run);
        run = RUN(&setup, "waits", wait_scene_text((pid_t)pid, word));
        ck_assert_msg(strstr(run.err, "did not answer") && strstr(run.err, "left behind: 1"), "%s",
                      run.err);
}
END_TEST

/* More entries than are read unasked, of two files: one for each number that they once had. */
static void fill_set(int tell_fd)
{
        int set = epoll_set_open();

        for (int file = 0; file < 2; file++) {
                int event = eventfd(0, EFD_CLOEXEC);

                for (int number = 100; number < 100 + ENTRIES_EACH; number++) {
                        if (dup2(event, number) < 0 || epoll_set_add(set, number, EPOLLIN, 0) < 0)
                                _exit(1);
                        close(number);
                }
        }
        wait_scene_tell(tell_fd, (uint32_t)set);
}

START_TEST(a_very_large_set_is_read_on_request)
{
        CLEANUP(cleanup_json) json_t *answer = NULL;
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};
        pid_t pid = wait_scene_start(fill_set, NULL);
        char word[16];

        answer = ask(pid);
        kyronctl_json_check_number(answer, "large", 1);
        ck_assert(json_is_null(json_object_get(row_of(answer), "entries")));
        json_decref(answer);
        run = RUN(&setup, "waits", wait_scene_text(pid, word), "--large", "--json");
        answer = kyronctl_run_json(&run);
        kyronctl_json_check_number(answer, "large", 0);
        kyronctl_json_check_number(row_of(answer), "entries", 2 * ENTRIES_EACH);
        kyronctl_run_release(&run);
        run = RUN(&setup, "waits", word);
        ck_assert_msg(strstr(run.out, " ? ") && strstr(run.err, "--large"), "%s%s", run.out,
                      run.err);
}
END_TEST

TEST_SUITE(test_waits)
{
        TCase *tc = tcase_create("waits");

        tcase_set_timeout(tc, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(tc, NULL, wait_scene_end);
        tcase_add_test(tc, a_stopped_process_is_told);
        tcase_add_test(tc, a_name_breaks_no_table_which_fits_eighty_columns);
        tcase_add_test(tc, a_full_backlog_is_told);
        tcase_add_test(tc, so_is_one_in_another_network);
        tcase_add_test(tc, unread_bytes_of_a_sleeper_are_told);
        tcase_add_test(tc, a_peer_that_does_not_read_is_told_and_who_that_is);
        tcase_add_test(tc, one_that_computes_and_serves_nobody_is_told);
        tcase_add_test(tc, one_that_is_blocked_is_told_in_what);
        tcase_add_test(tc, a_connection_that_is_not_closed_is_told);
        tcase_add_test(tc, of_a_healthy_process_nothing_is_told);
        tcase_add_test(tc, sessions_are_joined_with_what_the_daemon_knows);
        tcase_add_test(tc, whom_nobody_knows_is_not_found);
        tcase_add_test(tc, another_user_sees_less_and_is_told_so);
        tcase_add_test(tc, a_set_that_cannot_be_read_holds_nobody_up);
        tcase_add_test(tc, a_very_large_set_is_read_on_request);
        suite_add_tcase(suite, tc);
}
