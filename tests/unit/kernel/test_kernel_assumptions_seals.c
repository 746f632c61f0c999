/*
 * What the code relies on about sealed files in memory, proven against the kernel it runs on: who
 * knows of seals, and what a sealed one can still be made to do. The file that really blocks (FUSE)
 * is in test_note.c, where it can be ended.
 */
#include "tests/support/fixture.h"
#include "tests/support/memfd_note.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { SIZE = 4096 };

/* Writable by whoever opens it again, though it is sealed: the seals have to hold it. */
static int open_again(int fd)
{
        char path[64];
        int again;

        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        again = open(path, O_RDWR | O_CLOEXEC);
        ck_assert_int_ge(again, 0);
        return again;
}

static blkcnt_t blocks_of(int fd)
{
        struct stat file;

        ck_assert_int_eq(fstat(fd, &file), 0);
        return file.st_blocks;
}

START_TEST(files_that_are_not_in_memory_know_no_seals)
{
        static const char *const paths[] = {"/proc/self/exe", "/proc/self/stat", "/dev/null", "/"};
        int fd = open(paths[_i], O_RDONLY | O_CLOEXEC);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(fcntl(fd, F_GET_SEALS), -1);
        ck_assert_int_eq(errno, EINVAL);
}
END_TEST

START_TEST(a_path_descriptor_knows_no_seals)
{
        char path[64];
        int fd = memfd_note(SIZE, NOTE_SEALS);

        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        fd = open(path, O_PATH | O_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(fcntl(fd, F_GET_SEALS), -1);
        ck_assert_int_eq(errno, EBADF);
}
END_TEST

START_TEST(a_file_in_memory_that_is_no_memfd_has_the_seal_of_none)
{
        FILE *table = fopen("/proc/mounts", "re");
        char path[256];
        char line[512];
        int fd = -1;

        ck_assert_ptr_nonnull(table);
        while (fd < 0 && fgets(line, sizeof(line), table)) {
                if (sscanf(line, "tmpfs %255s tmpfs", path) == 1)
                        fd = open(path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        }
        fclose(table);
        if (fd < 0)
                SKIP_TEST("no tmpfs to write to here");
        ck_assert_int_eq(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL);
        ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, NOTE_SEALS), -1);
        ck_assert_int_eq(errno, EPERM);
}
END_TEST

START_TEST(seals_are_the_files_and_are_never_taken_back)
{
        int fd = memfd_note(SIZE, F_SEAL_GROW);
        int again = open_again(fd);

        ck_assert_int_eq(fcntl(again, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK), 0);
        ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, 0), 0);
        ck_assert_int_eq(fcntl(fd, F_GET_SEALS), NOTE_SEALS);
}
END_TEST

START_TEST(the_bytes_of_a_sealed_one_cannot_change)
{
        int fd = memfd_note(SIZE, NOTE_SEALS);
        int again = open_again(fd);
        char byte = 'x';

        ck_assert_int_eq(pwrite(fd, &byte, 1, 0), -1);
        ck_assert_int_eq(errno, EPERM);
        ck_assert_int_eq(pwrite(again, &byte, 1, 0), -1);
        ck_assert_ptr_eq(mmap(NULL, SIZE, PROT_WRITE, MAP_SHARED, again, 0), MAP_FAILED);
        ck_assert_int_eq(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, SIZE), -1);
        ck_assert_int_eq(pread(fd, &byte, 1, 0), 1);
        ck_assert_int_eq(byte, 'n');
}
END_TEST

START_TEST(while_it_can_be_written_through_a_mapping_it_cannot_be_sealed)
{
        int fd = memfd_note(SIZE, 0);
        void *bytes = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

        ck_assert_ptr_ne(bytes, MAP_FAILED);
        ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
        ck_assert_int_eq(errno, EBUSY);
        ck_assert_int_eq(munmap(bytes, SIZE), 0);
        ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
}
END_TEST

START_TEST(a_sealed_one_can_take_no_more_memory)
{
        int fd = memfd_note(SIZE, NOTE_SEALS);
        blkcnt_t before = blocks_of(fd);

        ck_assert_int_eq(ftruncate(fd, SIZE + 1), -1);
        ck_assert_int_eq(ftruncate(fd, SIZE - 1), -1);
        ck_assert_int_eq(fallocate(fd, 0, SIZE, 1 << 20), -1);
        ck_assert_int_eq(errno, EPERM);
        ck_assert_int_eq(fallocate(fd, FALLOC_FL_KEEP_SIZE, SIZE, 1 << 20), -1);
        ck_assert_int_eq(errno, EPERM);
        ck_assert_int_eq(blocks_of(fd), before);
}
END_TEST

START_TEST(memory_past_its_end_counts_in_its_blocks)
{
        int fd = memfd_note(SIZE, 0);

        ck_assert_int_eq(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 1 << 22), 0);
        ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, NOTE_SEALS), 0);
        ck_assert_int_ge(blocks_of(fd), (1 << 22) / 512);
}
END_TEST

START_TEST(a_hole_in_a_mapped_one_is_not_in_memory_and_is_not_filled_by_asking)
{
        int fd = memfd_note(SIZE, 0);
        unsigned char is_resident = 0;
        void *page = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);

        ck_assert_ptr_ne(page, MAP_FAILED);
        ck_assert_int_eq(mincore(page, SIZE, &is_resident), 0);
        ck_assert_int_eq(is_resident & 1, 1);
        ck_assert_int_eq(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, SIZE), 0);
        ck_assert_int_eq(mincore(page, SIZE, &is_resident), 0);
        ck_assert_int_eq(is_resident & 1, 0);
        ck_assert_int_eq(blocks_of(fd), 0);
        ck_assert_int_eq(munmap(page, SIZE), 0);
}
END_TEST

START_TEST(a_page_that_cannot_be_had_is_an_error_to_who_has_it_copied)
{
        int fd = memfd_note(SIZE, 0);
        char *pages = mmap(NULL, 2 * SIZE, PROT_READ, MAP_SHARED, fd, 0);
        char bytes[8];
        struct iovec here = {.iov_base = bytes, .iov_len = sizeof(bytes)};
        struct iovec there = {.iov_base = pages, .iov_len = sizeof(bytes)};

        ck_assert_ptr_ne(pages, MAP_FAILED);
        ck_assert_int_eq(process_vm_readv(getpid(), &here, 1, &there, 1, 0), sizeof(bytes));
        ck_assert_int_eq(bytes[0], 'n');
        /* To read it would be a SIGBUS. */
        there.iov_base = pages + SIZE;
        ck_assert_int_eq(process_vm_readv(getpid(), &here, 1, &there, 1, 0), -1);
        ck_assert_int_eq(errno, EFAULT);
        ck_assert_int_eq(munmap(pages, 2 * SIZE), 0);
}
END_TEST

TEST_SUITE(test_kernel_assumptions_seals)
{
        TCase *seals = tcase_create("seals");

        tcase_add_loop_test(seals, files_that_are_not_in_memory_know_no_seals, 0, 4);
        tcase_add_test(seals, a_path_descriptor_knows_no_seals);
        tcase_add_test(seals, a_file_in_memory_that_is_no_memfd_has_the_seal_of_none);
        tcase_add_test(seals, seals_are_the_files_and_are_never_taken_back);
        tcase_add_test(seals, the_bytes_of_a_sealed_one_cannot_change);
        tcase_add_test(seals, while_it_can_be_written_through_a_mapping_it_cannot_be_sealed);
        tcase_add_test(seals, a_sealed_one_can_take_no_more_memory);
        tcase_add_test(seals, memory_past_its_end_counts_in_its_blocks);
        tcase_add_test(seals, a_hole_in_a_mapped_one_is_not_in_memory_and_is_not_filled_by_asking);
        tcase_add_test(seals, a_page_that_cannot_be_had_is_an_error_to_who_has_it_copied);
        tcase_set_timeout(seals, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, seals);
}
