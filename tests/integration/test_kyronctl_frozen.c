/*
 * kyronctl sessions of programs that do not go on: each is told as frozen, and why, whoever waits
 * for its descriptors; and of those that go on none is.
 */
#include "core/cleanup.h"
#include "tests/integration/kyronctl_run.h"
#include "tests/support/client.h"
#include "tests/support/hostile_scene.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static KyronctlSetup setup;

/* ---- A program with one descriptor to read from ------------------------------------------------
 */

typedef struct Reader {
        pid_t pid;
        int writer; /* what is written here, it is to read */
        int begun;  /* readable once it waits */
} Reader;

static KyronBridgedFd *bridged;
static char byte;
static bool hangs; /* in its completion, for good */

static void on_read(KyronOperation *operation)
{
        while (hangs)
                pause();
        kyron_bridged_fd_read(bridged, operation, &byte, 1);
}

static void run_reader(KyronDelivery delivery, int take_fd, int begun_fd)
{
        const KyronOptions options = {
                .socket_path = setup.socket_path,
                .program = "reader",
                .delivery = delivery,
        };
        KyronIoDriverHandle *handle;
        KyronOperation operation;
        const KyronServedBy wanted =
                delivery == KYRON_DELIVERY_DIRECT ? KYRON_SERVED_DIRECTLY : KYRON_SERVED_BY_DAEMON;

        if (kyron_io_driver_handle_open(&handle, &options) < 0 ||
            kyron_bridged_fd_new(&bridged, handle, take_fd) < 0)
                _exit(1);
        kyron_operation_init(&operation, on_read, NULL);
        kyron_bridged_fd_read(bridged, &operation, &byte, 1);
        while (kyron_io_driver_handle_served_by(handle) != wanted)
                kyron_io_driver_handle_process_io(handle, 10);
        kyron_io_driver_handle_process_io(handle, 10);
        put_byte(begun_fd);
        /* Also after it was stopped, which interrupts the wait. */
        for (;;)
                kyron_io_driver_handle_process_io(handle, -1);
}

static Reader reader_start(KyronDelivery delivery, bool is_to_hang)
{
        Reader reader;
        int ends[2], begun[2];

        pipe_pair(ends);
        pipe_pair(begun);
        reader.writer = ends[1];
        reader.begun = begun[0];
        reader.pid = fork();
        if (reader.pid == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                hangs = is_to_hang;
                run_reader(delivery, ends[0], begun[1]);
        }
        close(ends[0]);
        close(begun[1]);
        ck_assert(wait_readable(reader.begun, DEADLINE_MS));
        return reader;
}

static void reader_end(const Reader *reader)
{
        kill(reader->pid, SIGKILL);
        ck_assert(wait_exit(reader->pid, DEADLINE_MS, NULL));
        close(reader->writer);
        close(reader->begun);
}

static void set_up(void)
{
        unsetenv("KYRON_DELIVERY");
        hostile_scene_set_up();
        setup = (KyronctlSetup){.socket_path = scene.daemon.socket_path};
}

/* ---- Frozen programs --------------------------------------------------------------------------
 */

/* The state that sessions tells of a process, and why it is frozen. */
static bool is_told(pid_t pid, const char *state, const char *why)
{
        CLEANUP(kyronctl_run_release) KyronctlRun run = RUN(&setup, "sessions", "--json");
        CLEANUP(cleanup_json) json_t *array = NULL;
        const json_t *session;
        const char *said;

        kyronctl_run_succeeded(&run);
        array = kyronctl_run_json(&run);
        session = kyronctl_json_find(array, "pid", (uint64_t)pid);
        ck_assert_ptr_nonnull(session);
        if (strcmp(json_string_value(json_object_get(session, "state")), state) != 0)
                return false;
        said = json_string_value(json_object_get(session, "frozen"));
        return why ? said && strcmp(said, why) == 0 : !said;
}

static const KyronDelivery deliveries[] = {KYRON_DELIVERY_RELAYED, KYRON_DELIVERY_DIRECT};

START_TEST(a_stopped_program_is_told_as_frozen_until_it_goes_on)
{
        const Reader reader = reader_start(deliveries[_i], false);

        ck_assert(is_told(reader.pid, "serving", NULL));
        kill(reader.pid, SIGSTOP);
        ck_assert(WAIT_UNTIL(is_told(reader.pid, "frozen", "stopped"), DEADLINE_MS));
        kill(reader.pid, SIGCONT);
        ck_assert(WAIT_UNTIL(is_told(reader.pid, "serving", NULL), DEADLINE_MS));
        reader_end(&reader);
}
END_TEST

START_TEST(a_program_that_never_comes_back_to_its_loop_is_told_as_frozen)
{
        const Reader reader = reader_start(deliveries[_i], true);

        ck_assert(is_told(reader.pid, "serving", NULL));
        put_byte(reader.writer);
        ck_assert(WAIT_UNTIL(is_told(reader.pid, "frozen", "runs"), DEADLINE_MS));
        reader_end(&reader);
}
END_TEST

/* It hangs, and there is more for it. */
START_TEST(what_it_has_not_read_is_told_with_since_when)
{
        const Reader reader = reader_start(KYRON_DELIVERY_RELAYED, true);

        put_byte(reader.writer);
        ck_assert(WAIT_UNTIL(is_told(reader.pid, "frozen", "runs"), DEADLINE_MS));
        put_byte(reader.writer);
        ck_assert(WAIT_UNTIL(is_told(reader.pid, "frozen", "unread"), DEADLINE_MS));
        reader_end(&reader);
}
END_TEST

START_TEST(a_program_that_reads_is_never_told_as_frozen)
{
        const Reader reader = reader_start(deliveries[_i], false);

        for (int i = 0; i < 20; i++) {
                put_byte(reader.writer);
                ck_assert(is_told(reader.pid, "serving", NULL));
        }
        reader_end(&reader);
}
END_TEST

TEST_SUITE(test_kyronctl_frozen)
{
        TCase *frozen = tcase_create("frozen");

        tcase_add_checked_fixture(frozen, set_up, hostile_scene_tear_down);
        tcase_set_timeout(frozen, TEST_TIMEOUT_SECONDS);
        tcase_add_loop_test(frozen, a_stopped_program_is_told_as_frozen_until_it_goes_on, 0, 2);
        tcase_add_loop_test(frozen, a_program_that_never_comes_back_to_its_loop_is_told_as_frozen,
                            0, 2);
        tcase_add_test(frozen, what_it_has_not_read_is_told_with_since_when);
        tcase_add_loop_test(frozen, a_program_that_reads_is_never_told_as_frozen, 0, 2);
        suite_add_tcase(suite, frozen);
}
