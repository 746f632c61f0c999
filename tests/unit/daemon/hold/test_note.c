/*
 * daemon/note: a sealed memfd of the size that was announced is a note, whatever else comes is
 * refused with its reason, and a file system that does not answer is not asked.
 */
#include "core/error.h"
#include "daemon/hold/note.h"
#include "proto/frame.h"
#include "tests/support/fixture.h"
#include "tests/support/memfd_note.h"
#include "tests/support/silent_fuse.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char not_a_memfd[] = "the note is not a memfd: see memfd_create(2)";
static const char not_sealed[] =
        "the note is not sealed: add F_SEAL_WRITE, F_SEAL_SHRINK and F_SEAL_GROW";
static const char not_readable[] = "the note cannot be read: send the memfd itself";

static void expect_refused(int fd, uint32_t size, int error, const char *text)
{
        ck_assert_msg(note_check(fd, size) == -error, "%s", error_text());
        ck_assert_str_eq(error_text(), text);
        ck_assert_uint_lt(strlen(error_text()), FRAME_TEXT_MAX);
}

START_TEST(a_sealed_memfd_of_its_announced_size_is_a_note)
{
        static const uint32_t sizes[] = {1, 4096, 4097, FRAME_NOTE_MAX - 1, FRAME_NOTE_MAX};

        ck_assert_int_eq(note_check(memfd_note(sizes[_i], NOTE_SEALS), sizes[_i]), 0);
        ck_assert_int_eq(note_check(memfd_note(sizes[_i], NOTE_SEALS | F_SEAL_SEAL), sizes[_i]), 0);
}
END_TEST

START_TEST(one_byte_over_the_limit_is_too_long)
{
        expect_refused(memfd_note(FRAME_NOTE_MAX + 1, NOTE_SEALS), FRAME_NOTE_MAX + 1, EMSGSIZE,
                       "a note of 65537 bytes is too long: at most 65536");
        expect_refused(memfd_note(1, NOTE_SEALS), UINT32_MAX, EMSGSIZE,
                       "a note of 4294967295 bytes is too long: at most 65536");
}
END_TEST

START_TEST(a_note_of_nothing_is_none)
{
        expect_refused(memfd_note(0, NOTE_SEALS), 0, EINVAL,
                       "a note of 0 bytes is none: send no descriptor for it");
}
END_TEST

START_TEST(another_size_than_announced_is_refused)
{
        expect_refused(memfd_note(10, NOTE_SEALS), 11, EINVAL,
                       "the note is 10 bytes long and was announced with 11");
        expect_refused(memfd_note(11, NOTE_SEALS), 10, EINVAL,
                       "the note is 11 bytes long and was announced with 10");
        /* What 32 bits do not hold. */
        expect_refused(memfd_note((off_t)UINT32_MAX + 11, NOTE_SEALS), 10, EINVAL,
                       "the note is 4294967306 bytes long and was announced with 10");
}
END_TEST

START_TEST(every_one_of_the_seals_is_needed)
{
        static const int seals[] = {
                0,
                F_SEAL_WRITE | F_SEAL_SHRINK,
                F_SEAL_WRITE | F_SEAL_GROW,
                F_SEAL_SHRINK | F_SEAL_GROW,
                F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE,
        };

        expect_refused(memfd_note(5, seals[_i]), 5, EINVAL, not_sealed);
}
END_TEST

START_TEST(memory_past_the_end_is_refused)
{
        int fd = memfd_note(5, 0);

        ck_assert_int_eq(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 2 * NOTE_STORAGE_MAX), 0);
        ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, NOTE_SEALS), 0);
        expect_refused(fd, 5, EINVAL, "the note takes 4096 KiB of memory: at most 2048");
}
END_TEST

static int reopen(int fd, int flags)
{
        char path[64];

        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        return open(path, flags | O_CLOEXEC);
}

START_TEST(it_has_to_be_open_for_reading)
{
        /* Opened for writing first: what is sealed cannot be any more. */
        int fd = memfd_note(5, 0);
        int writer = reopen(fd, O_WRONLY);

        ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, NOTE_SEALS), 0);
        ck_assert_int_ge(writer, 0);
        expect_refused(writer, 5, EINVAL, not_readable);
        expect_refused(reopen(fd, O_PATH), 5, EINVAL, not_readable);
        ck_assert_int_eq(note_check(reopen(fd, O_RDONLY), 5), 0);
        close(fd);
        expect_refused(fd, 5, EBADF, "the note: Bad file descriptor");
}
END_TEST

static int make_socket(void)
{
        return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int make_pipe(void)
{
        int ends[2];

        pipe_pair(ends);
        return ends[0];
}

static int make_epoll(void)
{
        return epoll_create1(EPOLL_CLOEXEC);
}

static int open_regular(void)
{
        return open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
}

static int open_directory(void)
{
        return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int open_null(void)
{
        return open("/dev/null", O_RDWR | O_CLOEXEC);
}

START_TEST(what_is_no_memfd_is_no_note)
{
        static int (*const make[])(void) = {
                make_socket, make_pipe, make_epoll, open_regular, open_directory, open_null,
        };

        expect_refused(make[_i](), 5, EINVAL, not_a_memfd);
}
END_TEST

START_TEST(a_file_system_that_does_not_answer_is_not_asked)
{
        /* Invariant 8. If it were asked, this would hang and time out. */
        int fd = silent_fuse_open(_i == 0 ? S_IFREG : S_IFIFO);
        int r;

        if (fd < 0)
                SKIP_TEST("no FUSE file system can be mounted here: %s", strerror(errno));
        r = note_check(fd, 5);
        silent_fuse_end();
        ck_assert_int_eq(r, -EINVAL);
        ck_assert_str_eq(error_text(), not_a_memfd);
}
END_TEST

TEST_SUITE(test_note)
{
        TCase *notes = tcase_create("notes");

        tcase_add_loop_test(notes, a_sealed_memfd_of_its_announced_size_is_a_note, 0, 5);
        tcase_add_test(notes, one_byte_over_the_limit_is_too_long);
        tcase_add_test(notes, a_note_of_nothing_is_none);
        tcase_add_test(notes, another_size_than_announced_is_refused);
        tcase_add_loop_test(notes, every_one_of_the_seals_is_needed, 0, 5);
        tcase_add_test(notes, memory_past_the_end_is_refused);
        tcase_add_test(notes, it_has_to_be_open_for_reading);
        tcase_add_loop_test(notes, what_is_no_memfd_is_no_note, 0, 6);
        tcase_add_loop_test(notes, a_file_system_that_does_not_answer_is_not_asked, 0, 2);
        tcase_set_timeout(notes, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, notes);
}
