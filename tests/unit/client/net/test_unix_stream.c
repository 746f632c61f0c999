/* UnixStream: connecting, pairs, bytes, who is at the other end. */
#include "tests/support/client.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static TestDaemon kyron_iod;
static KyronIoDriverHandle *handle;
static KyronUnixStream *a, *b;

static void set_up(void)
{
        signal(SIGPIPE, SIG_DFL);
        test_daemon_start(&kyron_iod, NULL);
        handle = open_handle(&kyron_iod);
        ck_assert_int_eq(kyron_unix_stream_pair(&a, &b, handle), 0);
}

static void tear_down(void)
{
        kyron_unix_stream_close(a);
        kyron_unix_stream_close(b);
        kyron_io_driver_handle_close(handle);
        test_daemon_stop(&kyron_iod);
}

START_TEST(a_pair_talks_both_ways)
{
        TestCall reading, writing;
        char text[6] = "";

        test_call_init(&reading);
        test_call_init(&writing);
        ck_assert_int_eq(kyron_unix_stream_read(a, &reading.operation, text, 5), KYRON_PENDING);
        ck_assert_int_eq(kyron_unix_stream_write(b, &writing.operation, "hello", 5), 0);
        ck_assert(PROCESS_UNTIL(handle, reading.completions == 1));
        ck_assert_str_eq(text, "hello");
        ck_assert_int_eq(kyron_unix_stream_write(a, &writing.operation, "HELLO", 5), 0);
        ck_assert_int_eq(kyron_unix_stream_read(b, &reading.operation, text, 5), 0);
        ck_assert_str_eq(text, "HELLO");
}
END_TEST

START_TEST(parts_are_read_and_written_in_one)
{
        const struct iovec out[] = {{(void *)"AB", 2}, {(void *)"CDE", 3}};
        char first[3], second[2];
        const struct iovec in[] = {{first, 3}, {second, 2}};
        TestCall call;

        test_call_init(&call);
        ck_assert_int_eq(kyron_unix_stream_writev(a, &call.operation, out, 2), 0);
        ck_assert_int_eq(call.operation.result, 5);
        ck_assert_int_eq(kyron_unix_stream_readv(b, &call.operation, in, 2), 0);
        ck_assert_int_eq(memcmp(second, "DE", 2), 0);
}
END_TEST

START_TEST(a_full_stream_waits_for_its_reader)
{
        TestCall call;

        fill(kyron_bridged_fd_fd(kyron_unix_stream_bridged_fd(a)));
        test_call_init(&call);
        ck_assert_int_eq(kyron_unix_stream_write(a, &call.operation, "x", 1), KYRON_PENDING);
        process_all(handle);
        ck_assert_int_eq(call.completions, 0);
        drain(kyron_bridged_fd_fd(kyron_unix_stream_bridged_fd(b)));
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, 1);
}
END_TEST

START_TEST(the_other_end_is_an_end_and_a_broken_pipe)
{
        TestCall call;
        char byte;

        test_call_init(&call);
        ck_assert_int_eq(kyron_unix_stream_read(a, &call.operation, &byte, 1), KYRON_PENDING);
        kyron_unix_stream_close(b);
        b = NULL;
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, 0);
        /* No SIGPIPE. */
        ck_assert_int_eq(kyron_unix_stream_write(a, &call.operation, "x", 1), -EPIPE);
        ck_assert_int_eq(kyron_unix_stream_take_error(a), 0);
}
END_TEST

START_TEST(a_shutdown_is_half_an_end)
{
        TestCall call;
        char byte;

        test_call_init(&call);
        ck_assert_int_eq(kyron_unix_stream_read(b, &call.operation, &byte, 1), KYRON_PENDING);
        ck_assert_int_eq(kyron_unix_stream_shutdown(a, SHUT_WR), 0);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, 0);
        ck_assert_int_eq(kyron_unix_stream_write(b, &call.operation, "x", 1), 0);
        ck_assert_int_eq(kyron_unix_stream_read(a, &call.operation, &byte, 1), 0);
        ck_assert_int_eq(call.operation.result, 1);
}
END_TEST

START_TEST(it_knows_who_is_there)
{
        pid_t pid;
        uid_t uid;
        gid_t gid;

        ck_assert_int_eq(kyron_unix_stream_peer_cred(a, &pid, &uid, &gid), 0);
        ck_assert_int_eq(pid, getpid());
        ck_assert_uint_eq(uid, geteuid());
        ck_assert_uint_eq(gid, getegid());
        ck_assert_int_eq(kyron_unix_stream_peer_cred(a, NULL, NULL, NULL), 0);
}
END_TEST

START_TEST(it_knows_both_addresses)
{
        char *directory = make_temp_dir();
        struct sockaddr_un address;
        socklen_t size = sizeof(address);
        KyronUnixListener *listener;
        KyronUnixStream *client;
        char path[100];

        snprintf(path, sizeof(path), "%s/listener", directory);
        ck_assert_int_eq(kyron_unix_listener_bind(&listener, handle, path), 0);
        ck_assert_int_eq(kyron_unix_stream_connect(&client, handle, path), 0);
        ck_assert_int_eq(kyron_unix_stream_peer_addr(client, &address, &size), 0);
        ck_assert_str_eq(address.sun_path, path);
        size = sizeof(address);
        ck_assert_int_eq(kyron_unix_stream_local_addr(client, &address, &size), 0);
        ck_assert_uint_eq(size, sizeof(sa_family_t));
        kyron_unix_stream_close(client);
        kyron_unix_listener_close(listener);
        remove_temp_dir(directory);
}
END_TEST

START_TEST(a_full_backlog_says_to_try_again)
{
        char name[100];
        KyronUnixStream *streams[64];
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), made = 0, r;

        snprintf(name, sizeof(name), "@kyron-backlog-%d", (int)getpid());
        strcpy(address.sun_path + 1, name + 1);
        ck_assert_int_eq(bind(fd, (struct sockaddr *)&address,
                              (socklen_t)(sizeof(sa_family_t) + strlen(name))),
                         0);
        ck_assert_int_eq(listen(fd, 1), 0);
        while ((r = kyron_unix_stream_connect(&streams[made], handle, name)) == 0)
                ck_assert_int_lt(++made, 64);
        ck_assert_int_eq(r, -EAGAIN);
        ck_assert_ptr_null(streams[made]);
        ck_assert_ptr_nonnull(strstr(kyron_error_text(), "backlog"));
        while (made > 0)
                kyron_unix_stream_close(streams[--made]);
        close(fd);
}
END_TEST

START_TEST(where_nobody_listens_it_cannot_connect)
{
        KyronUnixStream *stream;

        ck_assert_int_eq(kyron_unix_stream_connect(&stream, handle, "/nowhere/at/all"), -ENOENT);
        ck_assert_ptr_null(stream);
        ck_assert_int_eq(kyron_unix_stream_connect(&stream, handle, "@kyron-nobody-listens"),
                         -ECONNREFUSED);
        ck_assert_int_eq(kyron_unix_stream_connect(&stream, handle, ""), -EINVAL);
}
END_TEST

START_TEST(what_is_no_unix_stream_is_refused_and_closed)
{
        size_t before = count_descriptors();
        KyronUnixStream *stream;
        TestCall call;
        int ends[2];

        unix_pair(SOCK_DGRAM, ends);
        ck_assert_int_eq(kyron_unix_stream_from_fd(&stream, handle, ends[0]), -EINVAL);
        close(ends[1]);
        tcp_pair(ends);
        ck_assert_int_eq(kyron_unix_stream_from_fd(&stream, handle, ends[0]), -EINVAL);
        close(ends[1]);
        ck_assert_uint_eq(count_descriptors(), before);
        unix_pair(SOCK_STREAM, ends);
        ck_assert_int_eq(kyron_unix_stream_from_fd(&stream, handle, ends[0]), 0);
        test_call_init(&call);
        ck_assert_int_eq(kyron_unix_stream_ready(stream, &call.operation, KYRON_WRITABLE), 0);
        kyron_unix_stream_close(stream);
        close(ends[1]);
}
END_TEST

TEST_SUITE(test_unix_stream)
{
        TCase *all = tcase_create("all");

        tcase_set_timeout(all, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(all, set_up, tear_down);
        tcase_add_test(all, a_pair_talks_both_ways);
        tcase_add_test(all, parts_are_read_and_written_in_one);
        tcase_add_test(all, a_full_stream_waits_for_its_reader);
        tcase_add_test(all, the_other_end_is_an_end_and_a_broken_pipe);
        tcase_add_test(all, a_shutdown_is_half_an_end);
        tcase_add_test(all, it_knows_who_is_there);
        tcase_add_test(all, it_knows_both_addresses);
        tcase_add_test(all, a_full_backlog_says_to_try_again);
        tcase_add_test(all, where_nobody_listens_it_cannot_connect);
        tcase_add_test(all, what_is_no_unix_stream_is_refused_and_closed);
        suite_add_tcase(suite, all);
}
