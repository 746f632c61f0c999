/*
 * client/pulse: the loop's words reach the page, and a file whose size could change, or that is
 * none in memory, is not written to.
 */
#include "client/handle/pulse.h"

#include "core/clock.h"
#include "core/sealed_bytes.h"
#include "tests/support/fixture.h"
#include "tests/support/memfd_note.h"
#include "tests/support/pulse_client.h"

#include <errno.h>
#include <linux/memfd.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static Pulse pulse;

static void set_up(void)
{
        pulse = (Pulse){.page = NULL};
}

static void tear_down(void)
{
        pulse_unmap(&pulse);
}

static int new_file(void)
{
        int fd = sealed_bytes_new_writable("a pulse", PULSE_BYTES);

        ck_assert_int_ge(fd, 0);
        return fd;
}

START_TEST(what_the_loop_does_is_in_the_page)
{
        int fd = new_file();
        PulsePage *page;
        uint64_t state;

        pulse.turns = 41;
        pulse.events = 99;
        pulse_tell_set(&pulse, 17);
        pulse_map(&pulse, dup(fd));
        page = mmap(NULL, PULSE_BYTES, PROT_READ, MAP_SHARED, fd, 0);
        ck_assert_ptr_ne(page, MAP_FAILED);
        ck_assert_uint_eq(atomic_load(&page->magic), PULSE_MAGIC);
        ck_assert_uint_eq(atomic_load(&page->turns), 41);
        ck_assert_uint_eq(atomic_load(&page->events), 99);
        ck_assert_uint_eq(atomic_load(&page->set), 17);
        ck_assert(atomic_load(&page->state) & PULSE_RUNS);
        pulse_tell_set(&pulse, 18);
        ck_assert_uint_eq(atomic_load(&page->set), 18);

        pulse.events++;
        pulse_wait(&pulse, 5);
        ck_assert_uint_eq(atomic_load(&page->events), 100);
        ck_assert_uint_eq(atomic_load(&page->registrations), 5);
        state = atomic_load(&page->state);
        ck_assert(!(state & PULSE_RUNS));
        ck_assert_uint_le(state >> 1, clock_now_ns());

        pulse_run(&pulse);
        ck_assert_uint_ge(atomic_load(&page->state) >> 1, state >> 1);
        ck_assert(atomic_load(&page->state) & PULSE_RUNS);
        pulse_wait(&pulse, 5);
        ck_assert_uint_eq(atomic_load(&page->turns), 42);
        pulse_client_unmap(page);
        close(fd);
}
END_TEST

START_TEST(without_a_page_nothing_is_written_and_all_is_counted)
{
        size_t before = count_descriptors();

        pulse_map(&pulse, -1);
        ck_assert_ptr_null(pulse.page);
        pulse_wait(&pulse, 5);
        pulse_run(&pulse);
        ck_assert_uint_eq(pulse.turns, 1);
        pulse_map(&pulse, new_file());
        ck_assert_uint_eq(atomic_load(&pulse.page->turns), 1);
        pulse_unmap(&pulse);
        ck_assert_ptr_null(pulse.page);
        pulse_run(&pulse);
        ck_assert_uint_eq(count_descriptors(), before);
}
END_TEST

START_TEST(another_page_takes_the_place_of_the_first)
{
        PulsePage *first;
        int fd = new_file();

        pulse_map(&pulse, dup(fd));
        first = pulse_client_map(fd);
        pulse_client_write(first, 0, 0, 0, 0);
        pulse_map(&pulse, new_file());
        pulse_wait(&pulse, 3);
        ck_assert_uint_eq(atomic_load(&pulse.page->registrations), 3);
        ck_assert_uint_eq(atomic_load(&first->registrations), 0);
        pulse_map(&pulse, -1);
        ck_assert_ptr_null(pulse.page);
        pulse_client_unmap(first);
}
END_TEST

/* Closed, and not written to. */
static void check_refused(int take_fd)
{
        size_t before = count_descriptors();

        pulse_map(&pulse, take_fd);
        ck_assert_ptr_null(pulse.page);
        ck_assert_uint_eq(count_descriptors(), before - 1);
}

START_TEST(one_that_can_be_cut_short_is_not_written_to)
{
        check_refused(memfd_note(PULSE_BYTES, 0));
        check_refused(memfd_note(PULSE_BYTES, F_SEAL_GROW | F_SEAL_SEAL));
}
END_TEST

START_TEST(one_of_another_size_is_not_written_to)
{
        check_refused(memfd_note(PULSE_BYTES - 1, F_SEAL_SHRINK | F_SEAL_GROW));
        check_refused(memfd_note(2 * PULSE_BYTES, F_SEAL_SHRINK | F_SEAL_GROW));
        check_refused(memfd_note(0, F_SEAL_SHRINK | F_SEAL_GROW));
}
END_TEST

START_TEST(one_that_cannot_be_written_to_is_left)
{
        check_refused(memfd_note(PULSE_BYTES, NOTE_SEALS));
}
END_TEST

START_TEST(one_that_is_no_file_in_memory_is_left)
{
        static const char *const paths[] = {"/dev/zero", "/proc/self/exe", "/", "/dev/null"};
        int ends[2];

        for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
                check_refused(open(paths[i], O_RDONLY | O_CLOEXEC));
        pipe_pair(ends);
        check_refused(ends[0]);
        check_refused(ends[1]);
}
END_TEST

START_TEST(one_of_large_pages_is_left)
{
        enum { LARGE = 2 * 1024 * 1024 };
        int fd = memfd_create("large", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB);

        if (fd < 0)
                SKIP_TEST("no files of large pages here");
        if (ftruncate(fd, LARGE) < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0) {
                close(fd);
                SKIP_TEST("a file of large pages cannot be sealed here");
        }
        check_refused(fd);
}
END_TEST

TEST_SUITE(test_pulse)
{
        TCase *tcase = tcase_create("pulse");

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_test(tcase, what_the_loop_does_is_in_the_page);
        tcase_add_test(tcase, without_a_page_nothing_is_written_and_all_is_counted);
        tcase_add_test(tcase, another_page_takes_the_place_of_the_first);
        tcase_add_test(tcase, one_that_can_be_cut_short_is_not_written_to);
        tcase_add_test(tcase, one_of_another_size_is_not_written_to);
        tcase_add_test(tcase, one_that_cannot_be_written_to_is_left);
        tcase_add_test(tcase, one_that_is_no_file_in_memory_is_left);
        tcase_add_test(tcase, one_of_large_pages_is_left);
        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, tcase);
}
