/* The pulse that comes with a Welcome, or something else in its place: each session has its own. */
#include "client/handle/io_driver_handle.h"
#include "core/sealed_bytes.h"
#include "tests/support/memfd_note.h"
#include "tests/support/scripted_daemon.h"

#include <unistd.h>

enum { SLOTS = 16 };

static ScriptedDaemon kyron_iod;
static KyronIoDriverHandle *handle;
static uint64_t epoch;

static void set_up(void)
{
        const KyronOptions options = {.outage_ms = DEADLINE_MS};

        epoch = 1;
        scripted_daemon_start_with(&kyron_iod, SLOTS, &options);
        handle = kyron_iod.handle;
}

static void tear_down(void)
{
        scripted_daemon_stop(&kyron_iod);
}

/* The daemon ends, and the next one welcomes the handle with this; whether there is a pulse then.
 */
static bool is_taken(int take_fd)
{
        scripted_daemon_vanish(&kyron_iod);
        scripted_daemon_await_hello(&kyron_iod);
        ck_assert_ptr_null(handle->pulse.page);
        scripted_daemon_welcome_with_pulse(&kyron_iod, ++epoch, take_fd);
        ck_assert(PROCESS_UNTIL(handle, kyron_io_driver_handle_session(handle) != 0));
        return handle->pulse.page != NULL;
}

START_TEST(each_session_has_its_own)
{
        size_t before = count_descriptors();

        ck_assert_ptr_null(handle->pulse.page);
        for (int i = 0; i < 3; i++) {
                ck_assert(is_taken(sealed_bytes_new_writable("a pulse", PULSE_BYTES)));
                process(handle, 1);
                ck_assert_uint_gt(atomic_load(&handle->pulse.page->turns), 0);
                ck_assert(!is_taken(-1));
        }
        ck_assert_uint_eq(count_descriptors(), before);
}
END_TEST

START_TEST(the_session_goes_on_without_what_is_none)
{
        size_t before = count_descriptors();
        int ends[2];

        ck_assert(!is_taken(memfd_note(PULSE_BYTES, 0)));
        process(handle, 1);
        pipe_pair(ends);
        close(ends[0]);
        ck_assert(!is_taken(ends[1]));
        process(handle, 1);
        ck_assert_uint_eq(count_descriptors(), before);
}
END_TEST

TEST_SUITE(test_pulse_given)
{
        TCase *tcase = tcase_create("pulse given");

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_test(tcase, each_session_has_its_own);
        tcase_add_test(tcase, the_session_goes_on_without_what_is_none);
        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, tcase);
}
