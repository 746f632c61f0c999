/* Notes in sealed memfds. */
#include "client/requests/sealed_note.h"

#include "proto/frame.h"
#include "tests/support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char bytes[FRAME_NOTE_MAX + 1], copy[FRAME_NOTE_MAX];

START_TEST(a_note_is_read_as_it_was_written)
{
        int fd;

        for (size_t i = 0; i < sizeof(bytes); i++)
                bytes[i] = (char)(i * 7);
        ck_assert_int_eq(sealed_note_new(&fd, bytes, FRAME_NOTE_MAX), 0);
        ck_assert_int_eq(sealed_note_read(fd, FRAME_NOTE_MAX, copy, sizeof(copy)), FRAME_NOTE_MAX);
        ck_assert(memcmp(bytes, copy, sizeof(copy)) == 0);
        close(fd);
}
END_TEST

START_TEST(nobody_can_change_a_note)
{
        int fd;

        ck_assert_int_eq(sealed_note_new(&fd, "note", 4), 0);
        ck_assert_int_lt(pwrite(fd, "x", 1, 0), 0);
        ck_assert_int_eq(errno, EPERM);
        ck_assert_int_lt(ftruncate(fd, 1), 0);
        ck_assert_int_lt(ftruncate(fd, 100), 0);
        ck_assert_ptr_eq(mmap(NULL, 4, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
        ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
        close(fd);
}
END_TEST

START_TEST(no_note_is_no_descriptor)
{
        size_t before = count_descriptors();
        int fd = 0;

        ck_assert_int_eq(sealed_note_new(&fd, NULL, 0), 0);
        ck_assert_int_eq(fd, -1);
        ck_assert_uint_eq(count_descriptors(), before);
}
END_TEST

START_TEST(a_note_too_long_is_refused)
{
        size_t before = count_descriptors();
        int fd;

        ck_assert_int_eq(sealed_note_new(&fd, bytes, FRAME_NOTE_MAX + 1), -EMSGSIZE);
        ck_assert_uint_eq(count_descriptors(), before);
}
END_TEST

START_TEST(without_descriptors_there_is_no_note)
{
        int fd, lowest = dup(0), r;

        close(lowest);
        if (!limit_descriptors(lowest))
                SKIP_TEST("the limit of descriptors is not the kernel's here");
        r = sealed_note_new(&fd, "x", 1);
        unlimit_descriptors();
        ck_assert_int_eq(r, -EMFILE);
}
END_TEST

START_TEST(a_note_shorter_than_announced_is_an_error)
{
        int fd;

        ck_assert_int_eq(sealed_note_new(&fd, "note", 4), 0);
        ck_assert_int_eq(sealed_note_read(fd, 5, copy, sizeof(copy)), -EIO);
        /* What was not asked for is not looked at. */
        ck_assert_int_eq(sealed_note_read(fd, 5, copy, 2), 5);
        close(fd);
}
END_TEST

TEST_SUITE(test_sealed_note)
{
        TCase *tcase = tcase_create("sealed_note");

        tcase_add_test(tcase, a_note_is_read_as_it_was_written);
        tcase_add_test(tcase, nobody_can_change_a_note);
        tcase_add_test(tcase, no_note_is_no_descriptor);
        tcase_add_test(tcase, a_note_too_long_is_refused);
        tcase_add_test(tcase, without_descriptors_there_is_no_note);
        tcase_add_test(tcase, a_note_shorter_than_announced_is_an_error);
        suite_add_tcase(suite, tcase);
}
