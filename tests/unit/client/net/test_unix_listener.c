/* UnixListener: paths and abstract names, and accepting. */
#include "tests/support/client.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static TestDaemon kyron_iod;
static KyronIoDriverHandle *handle;
static char *directory;
static char path[100];

static void set_up(void)
{
        test_daemon_start(&kyron_iod, NULL);
        handle = open_handle(&kyron_iod);
        directory = make_temp_dir();
        snprintf(path, sizeof(path), "%s/listener", directory);
}

static void tear_down(void)
{
        kyron_io_driver_handle_close(handle);
        remove_temp_dir(directory);
        test_daemon_stop(&kyron_iod);
}

static void check_listener(const char *name)
{
        KyronUnixListener *listener;
        KyronUnixStream *server, *client;
        TestCall call;

        ck_assert_int_eq(kyron_unix_listener_bind(&listener, handle, name), 0);
        test_call_init(&call);
        ck_assert_int_eq(kyron_unix_listener_accept(listener, &call.operation, &server),
                         KYRON_PENDING);
        process_all(handle);
        ck_assert_int_eq(kyron_unix_stream_connect(&client, handle, name), 0);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, 0);
        ck_assert_int_eq(kyron_unix_stream_write(client, &call.operation, "x", 1), 0);
        kyron_unix_stream_close(server);
        kyron_unix_stream_close(client);
        /* The next one is there already. */
        ck_assert_int_eq(kyron_unix_stream_connect(&client, handle, name), 0);
        ck_assert_int_eq(kyron_unix_listener_accept(listener, &call.operation, &server), 0);
        kyron_unix_stream_close(server);
        kyron_unix_stream_close(client);
        ck_assert_int_eq(kyron_unix_listener_take_error(listener), 0);
        kyron_unix_listener_close(listener);
}

START_TEST(it_listens_on_a_path)
{
        check_listener(path);
        ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

START_TEST(it_listens_on_an_abstract_name)
{
        char name[100];

        snprintf(name, sizeof(name), "@kyron-test-%d", (int)getpid());
        check_listener(name);
}
END_TEST

START_TEST(a_path_that_exists_is_refused_with_advice)
{
        KyronUnixListener *listener, *other;

        ck_assert_int_eq(kyron_unix_listener_bind(&listener, handle, path), 0);
        ck_assert_int_eq(kyron_unix_listener_bind(&other, handle, path), -EADDRINUSE);
        ck_assert_ptr_nonnull(strstr(kyron_error_text(), "remove it"));
        kyron_unix_listener_close(listener);
}
END_TEST

START_TEST(paths_have_a_length)
{
        char long_path[109];
        KyronUnixListener *listener;

        memset(long_path, 'x', sizeof(long_path) - 1);
        long_path[sizeof(long_path) - 1] = '\0';
        ck_assert_int_eq(kyron_unix_listener_bind(&listener, handle, long_path), -ENAMETOOLONG);
        ck_assert_ptr_nonnull(strstr(kyron_error_text(), "107"));
        ck_assert_int_eq(kyron_unix_listener_bind(&listener, handle, ""), -EINVAL);
        ck_assert_int_eq(kyron_unix_listener_bind(&listener, handle, "@"), -EINVAL);
        ck_assert_int_eq(kyron_unix_listener_bind(&listener, handle, "/nowhere/at/all"), -ENOENT);
}
END_TEST

START_TEST(it_knows_its_address)
{
        struct sockaddr_un address;
        socklen_t size = sizeof(address);
        KyronUnixListener *listener;

        ck_assert_int_eq(kyron_unix_listener_bind(&listener, handle, path), 0);
        ck_assert_int_eq(kyron_unix_listener_local_addr(listener, &address, &size), 0);
        ck_assert_str_eq(address.sun_path, path);
        ck_assert_uint_eq(size, offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
        kyron_unix_listener_close(listener);
}
END_TEST

START_TEST(what_does_not_listen_is_refused_and_closed)
{
        size_t before = count_descriptors();
        KyronUnixListener *listener;
        int ends[2];

        unix_pair(SOCK_STREAM, ends);
        ck_assert_int_eq(kyron_unix_listener_from_fd(&listener, handle, ends[0]), -EINVAL);
        close(ends[1]);
        ck_assert_uint_eq(count_descriptors(), before);
}
END_TEST

START_TEST(closing_cancels_an_accept)
{
        KyronUnixListener *listener;
        KyronUnixStream *server;
        TestCall call;

        ck_assert_int_eq(kyron_unix_listener_bind(&listener, handle, path), 0);
        test_call_init(&call);
        ck_assert_int_eq(kyron_unix_listener_accept(listener, &call.operation, &server),
                         KYRON_PENDING);
        process_all(handle);
        kyron_unix_listener_close(listener);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, -ECANCELED);
}
END_TEST

TEST_SUITE(test_unix_listener)
{
        TCase *all = tcase_create("all");

        tcase_set_timeout(all, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(all, set_up, tear_down);
        tcase_add_test(all, it_listens_on_a_path);
        tcase_add_test(all, it_listens_on_an_abstract_name);
        tcase_add_test(all, a_path_that_exists_is_refused_with_advice);
        tcase_add_test(all, paths_have_a_length);
        tcase_add_test(all, it_knows_its_address);
        tcase_add_test(all, what_does_not_listen_is_refused_and_closed);
        tcase_add_test(all, closing_cancels_an_accept);
        suite_add_tcase(suite, all);
}
