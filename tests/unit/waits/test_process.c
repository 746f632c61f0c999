/* Processes as /proc tells of them: this one, whose state is known. */
#include "core/cleanup.h"
#include "tests/support/epoll_set.h"
#include "tests/support/fixture.h"
#include "waits/process.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

static Process read_process(pid_t pid, size_t most)
{
        CLEANUP(cleanup_close) int directory = -1;
        Process process;

        ck_assert_int_eq(process_open(&process, pid, &directory), 0);
        ck_assert_int_eq(process_read(&process, directory, most), 0);
        return process;
}

START_TEST(a_name_cannot_forge_a_state)
{
        Process process;

        ck_assert_int_eq(prctl(PR_SET_NAME, ") T 1 (\n) T"), 0);
        process = read_process(getpid(), 1000);
        ck_assert_str_eq(process.stat.name, ") T 1 (\n) T");
        ck_assert_int_eq(process.stat.state, 'R');
        ck_assert_uint_eq(process.uid, geteuid());
        ck_assert_uint_gt(process.stat.start_time, 0);
        process_free(&process);
}
END_TEST

START_TEST(each_descriptor_has_its_kind)
{
        int set = epoll_set_open(), event = eventfd(0, EFD_CLOEXEC), fds[2], pipe_fds[2];
        int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), null = open("/dev/null", O_RDWR);
        const Descriptor *reader, *writer;
        const DescriptorTable *table;
        struct stat status;
        Process process;

        unix_pair(SOCK_STREAM, fds);
        pipe_pair(pipe_fds);
        ck_assert_int_eq(fstat(fds[1], &status), 0);
        process = read_process(getpid(), 1000);
        table = &process.descriptors;
        ck_assert_int_eq(process.status, PROCESS_SEEN);
        ck_assert_uint_eq(process.set_count, 1);
        ck_assert_int_eq(process.sets[0].number, set);
        ck_assert(descriptor_table_has(table, fds[1], status.st_ino));
        ck_assert(!descriptor_table_has(table, fds[0], status.st_ino));
        ck_assert_int_eq(descriptor_table_find(table, fds[1])->kind, DESCRIPTOR_SOCKET);
        ck_assert_int_eq(descriptor_table_find(table, event)->kind, DESCRIPTOR_EVENT);
        ck_assert_int_eq(descriptor_table_find(table, timer)->kind, DESCRIPTOR_TIMER);
        ck_assert_int_eq(descriptor_table_find(table, null)->kind, DESCRIPTOR_OTHER);
        ck_assert_ptr_null(descriptor_table_find(table, 4000));
        reader = descriptor_table_find(table, pipe_fds[0]);
        writer = descriptor_table_find(table, pipe_fds[1]);
        ck_assert(reader->kind == DESCRIPTOR_PIPE && reader->reads && !reader->writes);
        ck_assert(writer->kind == DESCRIPTOR_PIPE && writer->writes && !writer->reads);
        ck_assert_ptr_eq(descriptor_table_find_inode(table, reader->inode), reader);
        ck_assert_ptr_eq(reader + 1, writer);
        ck_assert_ptr_null(descriptor_table_find_inode(table, UINT64_MAX));
        process_free(&process);
        close(set);
        close(event);
        close(timer);
        close(null);
        for (size_t i = 0; i < 2; i++) {
                close(fds[i]);
                close(pipe_fds[i]);
        }
}
END_TEST

START_TEST(one_with_many_descriptors_is_not_looked_into)
{
        int set = epoll_set_open();
        Process process = read_process(getpid(), 3);

        ck_assert_int_eq(process.status, PROCESS_LARGE);
        ck_assert_uint_eq(process.descriptors.count, 0);
        ck_assert_uint_eq(process.set_count, 0);
        process_free(&process);
        close(set);
}
END_TEST

START_TEST(another_with_the_same_number_is_another)
{
        Process process = read_process(getpid(), 1000), other = process;
        int directory = process_directory_open_again(getpid(), process.stat.start_time);

        ck_assert_int_ge(directory, 0);
        close(directory);
        other.stat.start_time++;
        ck_assert_int_eq(process_directory_open_again(getpid(), other.stat.start_time), -ESRCH);
        ck_assert(process_is_same(&process, &process));
        ck_assert(!process_is_same(&process, &other));
        process_free(&process);
}
END_TEST

START_TEST(one_that_has_ended_is_none)
{
        pid_t pid = fork();
        Process process;
        int directory;

        ck_assert_int_ge(pid, 0);
        if (pid == 0)
                _exit(0);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
        ck_assert_int_lt(process_open(&process, pid, &directory), 0);
}
END_TEST

START_TEST(a_line_of_fdinfo_is_an_entry_or_none)
{
        WaitLine line;

        ck_assert(wait_set_parse_line("tfd:        8 events: 80000019 data: ffffffffffffffff  "
                                      "pos:0 ino:41a4b sdev:9\n",
                                      &line));
        ck_assert_int_eq(line.entry.number, 8);
        ck_assert_uint_eq(line.entry.events, 0x80000019);
        ck_assert_uint_eq(line.entry.inode, 0x41a4b);
        ck_assert_uint_eq(line.data, UINT64_MAX);
        ck_assert_uint_eq(line.device, 9);
        ck_assert(!wait_set_parse_line("pos:\t0\n", &line));
        ck_assert(!wait_set_parse_line("tfd: 8 events: 19\n", &line));
        ck_assert(!wait_set_parse_line("", &line));
}
END_TEST

START_TEST(a_set_is_found_through_by_inode)
{
        const WaitEntry entries[] = {
                {.inode = 7, .number = 1}, {.inode = 3, .number = 2}, {.inode = 7, .number = 3}};
        WaitSet set = {.number = 5};
        const WaitEntry *found;

        wait_set_take(&set, 3, 0, entries, sizeof(entries));
        ck_assert_int_eq(set.status, WAIT_SET_READ);
        ck_assert_uint_eq(set.count, 3);
        found = wait_set_find(&set, 7);
        ck_assert_ptr_eq(found, &set.entries[1]);
        ck_assert_uint_eq(found[1].inode, 7);
        ck_assert_ptr_null(wait_set_find(&set, 8));
        wait_set_free(&set);
        wait_set_take(&set, 2, 0, entries, sizeof(entries));
        ck_assert_int_eq(set.status, WAIT_SET_LARGE);
        ck_assert_uint_eq(set.count, 0);
        ck_assert_ptr_null(wait_set_find(&set, 7));
}
END_TEST

TEST_SUITE(test_process)
{
        TCase *tc = tcase_create("process");

        tcase_set_timeout(tc, TEST_TIMEOUT_SECONDS);
        tcase_add_test(tc, a_name_cannot_forge_a_state);
        tcase_add_test(tc, each_descriptor_has_its_kind);
        tcase_add_test(tc, one_with_many_descriptors_is_not_looked_into);
        tcase_add_test(tc, another_with_the_same_number_is_another);
        tcase_add_test(tc, one_that_has_ended_is_none);
        tcase_add_test(tc, a_line_of_fdinfo_is_an_entry_or_none);
        tcase_add_test(tc, a_set_is_found_through_by_inode);
        suite_add_tcase(suite, tc);
}
