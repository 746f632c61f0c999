/*
 * kyronctl registrations, of direct sessions: what each one's process waits for is shown as /proc
 * has it; where it cannot be, that is said, and nothing that a process does keeps others from being
 * shown.
 */
#include "client/handle/io_driver_handle.h"
#include "core/cleanup.h"
#include "core/io_id.h"
#include "tests/integration/kyronctl_run.h"
#include "tests/integration/lying_daemon.h"
#include "tests/support/client.h"
#include "tests/support/epoll_set.h"
#include "tests/support/hostile_scene.h"
#include "tests/support/pulse_client.h"
#include "tests/support/silent_fuse.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>

enum { MOVE = 5 /* the sequence of SetDelivery */ };

static KyronctlSetup setup;

static void set_up_with(const char *const *options)
{
        hostile_scene_start(options);
        setup = (KyronctlSetup){.socket_path = scene.daemon.socket_path};
}

static void set_up(void)
{
        set_up_with(NULL);
}

/* ---- A client with a set of its own ---------------------------------------------------------- */

static PulsePage *page;
static int set;

static void become_direct(void)
{
        raw_client_set_delivery(&scene.client, MOVE, IOD__DELIVERY__DELIVERY_DIRECT);
        ck_assert_uint_eq(raw_client_expect(&scene.client, IOD__FRAME__BODY_DONE)->sequence, MOVE);
}

/* It says that it waits in its set, with two registrations. */
static void open_client(void)
{
        int fd;

        set = epoll_set_open();
        raw_client_connect(&scene.client, scene.daemon.socket_path);
        pulse_client_hello(&scene.client);
        fd = pulse_client_welcome(&scene.client);
        ck_assert_int_ge(fd, 0);
        page = pulse_client_map(fd);
        pulse_client_write(page, 0, 0, 2, 0);
        atomic_store(&page->set, (uint64_t)set);
        become_direct();
}

static void set_up_client(void)
{
        set_up();
        open_client();
}

static void tear_down_client(void)
{
        pulse_client_unmap(page);
        close(set);
        hostile_scene_tear_down();
}

/* The neighbour's is the first, the client's or the program's the second; those of kyronctl come
 * later, and may not have ended yet. */
static uint64_t session_of(size_t which)
{
        const Iod__Sessions *sessions;

        raw_client_request(&scene.neighbour, 3, RAW_LIST_SESSIONS);
        sessions = raw_client_expect(&scene.neighbour, IOD__FRAME__BODY_SESSIONS)->sessions;
        ck_assert_uint_gt(sessions->n_entry, which);
        return sessions->entry[which]->session;
}

static uint64_t client_session(void)
{
        return session_of(1);
}

static json_t *list_registrations(void)
{
        CLEANUP(kyronctl_run_release) KyronctlRun run = RUN(&setup, "registrations", "--json");

        kyronctl_run_succeeded(&run);
        return kyronctl_run_json(&run);
}

/* The neighbour's is shown alone, and this is said. */
static void check_not_shown(const KyronctlRun *run, const char *reason)
{
        CLEANUP(cleanup_json) json_t *array = kyronctl_run_json(run);
        char head[128];

        snprintf(head, sizeof(head), "session %" PRIu64 " (", client_session());
        ck_assert_int_eq(run->exit_status, 0);
        ck_assert_uint_eq(json_array_size(array), 1);
        kyronctl_json_check_text(json_array_get(array, 0), "delivery", "relayed");
        ck_assert_msg(strncmp(run->err, head, strlen(head)) == 0, "%s", run->err);
        ck_assert_msg(strstr(run->err, reason) != NULL, "%s", run->err);
        ck_assert_uint_eq(kyronctl_count_lines(run->err), 1);
}

/* ---- What is shown --------------------------------------------------------------------------- */

enum { LISTENER, UDP, UNIX, PIPE, EVENTFD, TIMERFD, FDS };

static KyronIoDriverHandle *handle;
static KyronBridgedFd *bridged[FDS];
static KyronOperation operations[FDS];
static int fds[FDS];

static ssize_t wait_on(int borrow_fd, KyronOperation *operation)
{
        (void)borrow_fd;
        (void)operation;
        return -EAGAIN;
}

static void nothing(KyronOperation *operation)
{
        (void)operation;
}

static int open_inet(int type)
{
        const struct sockaddr_in address = {
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

        ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
        if (type == SOCK_STREAM)
                ck_assert_int_eq(listen(fd, 1), 0);
        return fd;
}

/* One of each kind, waited for by a direct handle of the library. */
static void set_up_program(void)
{
        KyronOptions options = {.program = "direct_program", .delivery = KYRON_DELIVERY_DIRECT};
        int pair[2];

        set_up();
        unsetenv("KYRON_DELIVERY");
        options.socket_path = scene.daemon.socket_path;
        ck_assert_int_eq(kyron_io_driver_handle_open(&handle, &options), 0);
        fds[LISTENER] = open_inet(SOCK_STREAM);
        fds[UDP] = open_inet(SOCK_DGRAM);
        unix_pair(SOCK_SEQPACKET, pair);
        close(pair[1]);
        fds[UNIX] = pair[0];
        pipe_pair(pair);
        close(pair[0]);
        fds[PIPE] = pair[1];
        fds[EVENTFD] = open_eventfd();
        fds[TIMERFD] = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
        for (int i = 0; i < FDS; i++) {
                ck_assert_int_eq(kyron_bridged_fd_new(&bridged[i], handle, fds[i]), 0);
                kyron_operation_init(&operations[i], nothing, NULL);
                kyron_bridged_fd_async_call(bridged[i], &operations[i],
                                            i == PIPE ? KYRON_WRITABLE : KYRON_READABLE, wait_on);
        }
        ck_assert(PROCESS_UNTIL(handle,
                                kyron_io_driver_handle_served_by(handle) == KYRON_SERVED_DIRECTLY));
        for (int i = 0; i < 3; i++)
                process(handle, 0);
}

static void tear_down_program(void)
{
        for (int i = 0; i < FDS; i++)
                kyron_bridged_fd_close(bridged[i]);
        kyron_io_driver_handle_close(handle);
        hostile_scene_tear_down();
}

START_TEST(a_direct_programs_descriptors_are_shown_as_proc_has_them)
{
        static const char *const kinds[FDS] = {
                [LISTENER] = "tcp", [UDP] = "udp",         [UNIX] = "unix-seqpacket",
                [PIPE] = "pipe",    [EVENTFD] = "eventfd", [TIMERFD] = "timerfd",
        };
        CLEANUP(cleanup_json) json_t *array = list_registrations();
        const json_t *listener;

        /* And the neighbour's; without the handle's own. */
        ck_assert_uint_eq(json_array_size(array), FDS + 1);
        for (int i = 0; i < FDS; i++) {
                const json_t *row = kyronctl_json_find(array, "descriptor", (uint64_t)fds[i]);

                ck_assert_ptr_nonnull(row);
                kyronctl_json_check_number(row, "session", kyron_io_driver_handle_session(handle));
                kyronctl_json_check_number(row, "pid", (uint64_t)getpid());
                kyronctl_json_check_number(row, "uid", getuid());
                kyronctl_json_check_text(row, "program", "direct_program");
                kyronctl_json_check_text(row, "delivery", "direct");
                kyronctl_json_check_words(row, "interest", i == PIPE ? "writable" : "readable");
                ck_assert(json_is_null(json_object_get(row, "slot")));
                ck_assert(json_is_null(json_object_get(row, "generation")));
                ck_assert(json_is_null(json_object_get(row, "readiness")));
                ck_assert(json_is_null(json_object_get(row, "events")));
                ck_assert(json_is_false(json_object_get(row, "stale")));
                if (i != LISTENER && i != UDP && i != UNIX)
                        kyronctl_json_check_text(row, "kind", kinds[i]);
        }
        listener = kyronctl_json_find(array, "descriptor", (uint64_t)fds[LISTENER]);
        if (json_is_null(json_object_get(listener, "local")))
                SKIP_TEST("there are no socket diagnostics here");
        ck_assert(json_is_true(json_object_get(listener, "listening")));
        for (int i = LISTENER; i <= UNIX; i++)
                kyronctl_json_check_text(kyronctl_json_find(array, "descriptor", (uint64_t)fds[i]),
                                         "kind", kinds[i]);
}
END_TEST

START_TEST(they_stand_beside_those_of_relayed_sessions)
{
        CLEANUP(kyronctl_run_release) KyronctlRun run = RUN(&setup, "registrations");
        char id[32];
        const char *relayed, *direct;

        snprintf(id, sizeof(id), "\n%" PRIu64 ".0 ", session_of(0));
        relayed = strstr(run.out, id);
        snprintf(id, sizeof(id), "\n%" PRIu64 ":%d ", kyron_io_driver_handle_session(handle),
                 fds[EVENTFD]);
        direct = strstr(run.out, id);
        kyronctl_run_succeeded(&run);
        ck_assert_msg(relayed && direct && relayed < direct, "%s", run.out);
        ck_assert_ptr_nonnull(strstr(direct, " direct_program eventfd r   -     direct "));
        ck_assert_uint_eq(kyronctl_count_lines(run.out), FDS + 2);
}
END_TEST

START_TEST(one_session_is_shown_alone)
{
        CLEANUP(cleanup_json) json_t *array = NULL;
        CLEANUP(kyronctl_run_release) KyronctlRun own = {.exit_status = -1};
        CLEANUP(kyronctl_run_release) KyronctlRun other = {.exit_status = -1};
        char number[32];

        snprintf(number, sizeof(number), "%" PRIu64, kyron_io_driver_handle_session(handle));
        own = RUN(&setup, "registrations", "--session", number, "--json");
        kyronctl_run_succeeded(&own);
        array = kyronctl_run_json(&own);
        ck_assert_uint_eq(json_array_size(array), FDS);
        snprintf(number, sizeof(number), "%" PRIu64, session_of(0));
        other = RUN(&setup, "registrations", "--session", number, "--no-legend");
        kyronctl_run_succeeded(&other);
        ck_assert_uint_eq(kyronctl_count_lines(other.out), 1);
}
END_TEST

START_TEST(relayed_again_they_are_the_daemons)
{
        CLEANUP(cleanup_json) json_t *array = NULL;

        ck_assert_int_eq(kyron_io_driver_handle_set_delivery(handle, KYRON_DELIVERY_RELAYED), 0);
        ck_assert(PROCESS_UNTIL(handle,
                                raw_client_status(&scene.neighbour)->registrations == FDS + 1));
        array = list_registrations();
        ck_assert_uint_eq(json_array_size(array), FDS + 1);
        for (size_t i = 0; i <= FDS; i++)
                kyronctl_json_check_text(json_array_get(array, i), "delivery", "relayed");
}
END_TEST

/* ---- What has changed since it was added ----------------------------------------------------- */

static json_t *find_row(json_t *array, int number)
{
        json_t *row = kyronctl_json_find(array, "descriptor", (uint64_t)number);

        ck_assert_ptr_nonnull(row);
        return row;
}

START_TEST(a_number_that_is_closed_or_another_files_is_stale)
{
        CLEANUP(cleanup_json) json_t *array = NULL;
        int ends[2][2], copies[2];

        for (int i = 0; i < 2; i++) {
                unix_pair(SOCK_STREAM, ends[i]);
                ck_assert_int_eq(epoll_set_add(set, ends[i][0], EPOLLIN | EPOLLET, 7), 0);
                copies[i] = dup(ends[i][0]);
        }
        close(ends[0][0]);
        ck_assert_int_eq(dup2(scene.neighbour_fd, ends[1][0]), ends[1][0]);
        ck_assert_int_eq(epoll_set_add(set, ends[0][1], EPOLLPRI, 7), 0);
        array = list_registrations();
        ck_assert_uint_eq(json_array_size(array), 4);
        for (int i = 0; i < 2; i++) {
                const json_t *row = find_row(array, ends[i][0]);

                ck_assert(json_is_true(json_object_get(row, "stale")));
                ck_assert_uint_ne((uint64_t)json_integer_value(json_object_get(row, "inode")), 0);
                close(copies[i]);
        }
        ck_assert(json_is_false(json_object_get(find_row(array, ends[0][1]), "stale")));
        kyronctl_json_check_words(find_row(array, ends[0][1]), "interest", "priority");
        close(ends[0][1]);
        close(ends[1][0]);
        close(ends[1][1]);
}
END_TEST

START_TEST(what_is_the_clients_own_is_left_out)
{
        CLEANUP(cleanup_json) json_t *array = NULL;
        int first = open_eventfd(), second = open_eventfd();

        ck_assert_int_eq(epoll_set_add(set, first, EPOLLIN, IO_ID_QUIET), 0);
        ck_assert_int_eq(epoll_set_add(set, second, EPOLLIN, IO_ID_QUIET + 1), 0);
        array = list_registrations();
        ck_assert_uint_eq(json_array_size(array), 2);
        kyronctl_json_check_text(find_row(array, second), "kind", "eventfd");
        close(first);
        close(second);
}
END_TEST

/* ---- What is not shown, and said ------------------------------------------------------------- */

static KyronctlRun run_json(void)
{
        return RUN(&setup, "registrations", "--json");
}

START_TEST(a_number_that_is_no_epoll_set_is_told)
{
        const uint64_t numbers[] = {(uint64_t)scene.neighbour_fd, 1000000, INT32_MAX, UINT64_MAX};

        for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
                CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};

                atomic_store(&page->set, numbers[i]);
                run = run_json();
                check_not_shown(&run, "waits itself for 2 descriptors, it says: and what it names "
                                      "is no epoll set\n");
        }
}
END_TEST

START_TEST(who_does_not_say_where_is_told)
{
        CLEANUP(kyronctl_run_release) KyronctlRun first = {.exit_status = -1};
        CLEANUP(kyronctl_run_release) KyronctlRun second = {.exit_status = -1};

        atomic_store(&page->set, 0);
        first = run_json();
        check_not_shown(&first,
                        "waits itself for 2 descriptors, it says: it does not tell where\n");
        atomic_store(&page->magic, 0);
        second = run_json();
        check_not_shown(&second, "waits itself: it does not tell where\n");
}
END_TEST

START_TEST(where_nothing_is_shown_it_is_not_said_that_there_is_nothing)
{
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};
        char number[32];

        snprintf(number, sizeof(number), "%" PRIu64, client_session());
        atomic_store(&page->set, 0);
        run = RUN(&setup, "registrations", "--session", number);
        ck_assert_int_eq(run.exit_status, 0);
        ck_assert_str_eq(run.out, "");
        ck_assert_uint_eq(kyronctl_count_lines(run.err), 1);
        ck_assert_ptr_nonnull(strstr(run.err, "it does not tell where\n"));
}
END_TEST

/* Of a process that nobody but root may look into. */
START_TEST(without_the_right_it_is_said_whose_they_are)
{
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};

        if (geteuid() == 0)
                SKIP_TEST("root may look into every process");
        ck_assert_int_eq(prctl(PR_SET_DUMPABLE, 0), 0);
        run = run_json();
        ck_assert_int_eq(prctl(PR_SET_DUMPABLE, 1), 0);
        check_not_shown(&run, "waits itself for 2 descriptors, it says: root may see which\n");
}
END_TEST

/* The admin group sees every session, and has no right to look into their processes. */
START_TEST(the_admin_group_is_told_how_many_and_whose_they_are)
{
        static const char *const options[] = {"--admin-group", "nogroup", NULL};
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};

        if (geteuid() != 0)
                SKIP_TEST("needs root");
        tear_down_client();
        set_up_with(options);
        ck_assert_int_eq(chmod(scene.daemon.directory, 0755), 0);
        open_client();
        setup.as_another_user = true;
        run = run_json();
        if (run.exit_status == 126 || run.exit_status == 4)
                SKIP_TEST("other users may not reach %s or the socket", kyronctl_program());
        check_not_shown(&run, "waits itself for 2 descriptors, it says: root may see which\n");
}
END_TEST

/* ---- Who holds up ---------------------------------------------------------------------------- */

typedef struct Holder {
        int file_fd;
        pid_t thread;
} Holder;

/* It has the set's lock meanwhile. */
static void *hold_set(void *data)
{
        Holder *holder = data;

        holder->thread = (pid_t)syscall(SYS_gettid);
        epoll_set_add(set, holder->file_fd, EPOLLIN, 7);
        return NULL;
}

static bool is_in_epoll_ctl(const Holder *holder)
{
        CLEANUP(cleanup_fclose) FILE *file = NULL;
        char path[64];
        long call = -1;

        snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", (int)holder->thread);
        file = fopen(path, "re");
        return file && fscanf(file, "%ld", &call) == 1 && call == SYS_epoll_ctl;
}

/* A client whose set is locked: says so with a byte, and that there is no such thing here with
 * none. It is a process of its own, since whoever inherits the file could not even be executed. */
static _Noreturn void hold_up(int begun_fd)
{
        Holder holder = {.file_fd = silent_fuse_open(S_IFREG)};
        pthread_t thread;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (holder.file_fd < 0)
                _exit(0);
        open_client();
        ck_assert_int_eq(pthread_create(&thread, NULL, hold_set, &holder), 0);
        ck_assert(WAIT_UNTIL(holder.thread != 0 && is_in_epoll_ctl(&holder), DEADLINE_MS));
        put_byte(begun_fd);
        for (;;)
                pause();
}

START_TEST(a_set_that_cannot_be_read_holds_up_nobody)
{
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};
        int begun[2];
        pid_t child;
        char byte;

        pipe_pair(begun);
        child = fork();
        if (child == 0) {
                close(begun[0]);
                hold_up(begun[1]);
        }
        close(begun[1]);
        ck_assert(wait_readable(begun[0], DEADLINE_MS));
        if (read(begun[0], &byte, 1) != 1) {
                ck_assert(wait_exit(child, DEADLINE_MS, NULL));
                SKIP_TEST("no file system of one's own here");
        }
        run = run_json();
        check_not_shown(&run, "its epoll set cannot be listed in time\n");
        ck_assert_int_eq(kill(child, SIGKILL), 0);
        ck_assert(wait_exit(child, DEADLINE_MS, NULL));
        close(begun[0]);
}
END_TEST

/* ---- A daemon that lies ---------------------------------------------------------------------- */

static struct {
        uint64_t pid_namespace;
        int32_t pid,
                later_pid; /* of the session; and when it is asked for again, 0: it has ended */
        uint32_t set;
} lie;

static bool answer_session(int fd, const Iod__Frame *request, int32_t pid)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Sessions sessions = IOD__SESSIONS__INIT;
        Iod__SessionEntry session = IOD__SESSION_ENTRY__INIT;
        Iod__SessionEntry *pointer = &session;
        Iod__Pulse pulse = IOD__PULSE__INIT;

        session.session = 7;
        session.pid = pid;
        session.uid = getuid();
        session.program = (char *)"\033[7mliar";
        session.delivery = IOD__DELIVERY__DELIVERY_DIRECT;
        session.pulse = &pulse;
        pulse.set = lie.set;
        sessions.entry = &pointer;
        sessions.n_entry = 1;
        frame.body_case = IOD__FRAME__BODY_SESSIONS;
        frame.sessions = &sessions;
        return lying_daemon_answer(fd, request, &frame);
}

static bool answer_status(int fd, const Iod__Frame *request)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Status status = IOD__STATUS__INIT;

        status.pid_namespace = lie.pid_namespace;
        frame.body_case = IOD__FRAME__BODY_STATUS;
        frame.status = &status;
        return lying_daemon_answer(fd, request, &frame);
}

static bool answer_nothing(int fd, const Iod__Frame *request)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Registrations registrations = IOD__REGISTRATIONS__INIT;

        frame.body_case = IOD__FRAME__BODY_REGISTRATIONS;
        frame.registrations = &registrations;
        return lying_daemon_answer(fd, request, &frame);
}

static bool reply(int fd, const Iod__Frame *request)
{
        switch (request->body_case) {
        case IOD__FRAME__BODY_LIST_SESSIONS:
                if (request->list_sessions->session == 0)
                        return answer_session(fd, request, lie.pid);
                return lie.later_pid == 0 ? lying_daemon_refuse(fd, request, ENOENT, "it ended")
                                          : answer_session(fd, request, lie.later_pid);
        case IOD__FRAME__BODY_GET_STATUS:
                return answer_status(fd, request);
        default:
                return answer_nothing(fd, request);
        }
}

/* Of this process, which has a set with one file. */
static void set_up_lie(void)
{
        struct stat file;

        set = epoll_set_open();
        ck_assert_int_eq(epoll_set_add(set, set, EPOLLIN, 7), -EINVAL);
        ck_assert_int_eq(stat("/proc/self/ns/pid", &file), 0);
        lie.pid_namespace = file.st_ino;
        lie.pid = lie.later_pid = getpid();
        lie.set = (uint32_t)set;
}

static void tear_down_lie(void)
{
        close(set);
}

static KyronctlRun run_lied_to(void)
{
        const Lie its_lie = {.reply = reply};
        LyingDaemon liar;
        KyronctlSetup lied_to;
        KyronctlRun run;

        lying_daemon_start(&liar, &its_lie);
        lied_to = (KyronctlSetup){.socket_path = liar.socket_path};
        run = RUN(&lied_to, "registrations");
        lying_daemon_stop(&liar);
        return run;
}

static void check_lied_to(const char *out, const char *err)
{
        CLEANUP(kyronctl_run_release) KyronctlRun run = run_lied_to();

        ck_assert_int_eq(run.exit_status, 0);
        ck_assert_msg(strstr(run.out, out) && (*out || !*run.out), "%s", run.out);
        ck_assert_msg(strstr(run.err, err) && (*err || !*run.err), "%s", run.err);
}

START_TEST(what_may_be_another_process_is_not_shown)
{
        int fd = open_eventfd();
        pid_t child;

        ck_assert_int_eq(epoll_set_add(set, fd, EPOLLIN, 7), 0);
        check_lied_to(" ?[7mliar eventfd ", "");
        lie.pid_namespace++;
        check_lied_to("", "the daemon numbers processes in another pid namespace\n");
        lie.pid_namespace = 0;
        check_lied_to("", "the daemon numbers processes in another pid namespace\n");
        tear_down_lie();
        set_up_lie();
        lie.later_pid = 0;
        check_lied_to("", "no registrations\n");
        lie.later_pid = getpid() + 1;
        check_lied_to("", "no registrations\n");
        child = fork();
        if (child == 0)
                _exit(0);
        ck_assert(wait_exit(child, DEADLINE_MS, NULL));
        lie.pid = lie.later_pid = child;
        check_lied_to("", "its process cannot be seen from here\n");
        lie.pid = lie.later_pid = 0;
        check_lied_to("", "its process cannot be seen from here\n");
        close(fd);
}
END_TEST

TEST_SUITE(test_kyronctl_direct)
{
        TCase *program = tcase_create("a program");
        TCase *client = tcase_create("a client");
        TCase *holder = tcase_create("who holds up");
        TCase *lied_to = tcase_create("a daemon that lies");

        tcase_set_timeout(program, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(program, set_up_program, tear_down_program);
        tcase_add_test(program, a_direct_programs_descriptors_are_shown_as_proc_has_them);
        tcase_add_test(program, they_stand_beside_those_of_relayed_sessions);
        tcase_add_test(program, one_session_is_shown_alone);
        tcase_add_test(program, relayed_again_they_are_the_daemons);
        suite_add_tcase(suite, program);
        tcase_set_timeout(client, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(client, set_up_client, tear_down_client);
        tcase_add_test(client, a_number_that_is_closed_or_another_files_is_stale);
        tcase_add_test(client, what_is_the_clients_own_is_left_out);
        tcase_add_test(client, a_number_that_is_no_epoll_set_is_told);
        tcase_add_test(client, who_does_not_say_where_is_told);
        tcase_add_test(client, where_nothing_is_shown_it_is_not_said_that_there_is_nothing);
        tcase_add_test(client, without_the_right_it_is_said_whose_they_are);
        tcase_add_test(client, the_admin_group_is_told_how_many_and_whose_they_are);
        suite_add_tcase(suite, client);
        tcase_set_timeout(holder, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(holder, set_up, hostile_scene_tear_down);
        tcase_add_test(holder, a_set_that_cannot_be_read_holds_up_nobody);
        suite_add_tcase(suite, holder);
        tcase_set_timeout(lied_to, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(lied_to, set_up_lie, tear_down_lie);
        tcase_add_test(lied_to, what_may_be_another_process_is_not_shown);
        suite_add_tcase(suite, lied_to);
}
