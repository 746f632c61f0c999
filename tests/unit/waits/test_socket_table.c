/* The machine's sockets by inode. */
#include "tests/support/fixture.h"
#include "tests/support/held_lock.h"
#include "waits/socket_table.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const Socket *find(const SocketTable *table, int fd)
{
        struct stat status;

        ck_assert_int_eq(fstat(fd, &status), 0);
        return socket_table_find(table, status.st_ino);
}

static SocketTable read_table(void)
{
        Errands errands = {.hung = 0};
        NetworkSpaces spaces;
        SocketTable table;

        network_spaces_init(&spaces);
        ck_assert_int_eq(socket_table_read(&table, &spaces, &errands), 0);
        return table;
}

START_TEST(a_connection_has_its_queue_and_times)
{
        const Socket *reader, *writer;
        SocketTable table;
        int fds[2];

        tcp_pair(fds);
        put_byte(fds[0]);
        table = read_table();
        reader = find(&table, fds[1]);
        writer = find(&table, fds[0]);
        if (!reader)
                SKIP_TEST("there are no socket diagnostics here");
        ck_assert_uint_eq(reader->receive_queue, 1);
        ck_assert_uint_eq(reader->state, TCP_ESTABLISHED);
        ck_assert(reader->times.known);
        ck_assert_uint_eq(reader->times.bytes_received, 1);
        ck_assert_ptr_nonnull(writer);
        ck_assert_uint_eq(writer->inet.local_port, reader->inet.peer_port);
        ck_assert_uint_ne(writer->cookie, reader->cookie);
        ck_assert_ptr_null(socket_table_find(&table, 0));
        ck_assert_ptr_null(socket_table_find(&table, UINT64_MAX));
        socket_table_free(&table);
        close(fds[0]);
        close(fds[1]);
}
END_TEST

START_TEST(what_nobody_has_accepted_waits_for_its_listener)
{
        int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), client, waiting = 0;
        struct sockaddr_in address = {.sin_family = AF_INET};
        socklen_t length = sizeof(address);
        const Socket *found;
        SocketTable table;

        ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, length), 0);
        ck_assert_int_eq(listen(listener, 4), 0);
        ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &length), 0);
        client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
        table = read_table();
        found = find(&table, listener);
        if (!found)
                SKIP_TEST("there are no socket diagnostics here");
        ck_assert(socket_is_listening(found));
        ck_assert_uint_eq(found->receive_queue, 1);
        ck_assert_uint_eq(found->send_queue, 4);
        for (size_t i = 0; i < table.unaccepted; i++) {
                const Socket *each = &table.sockets[i];

                ck_assert_uint_eq(each->inode, 0);
                ck_assert_ptr_eq(socket_table_find_unaccepted(&table, each), each);
                waiting += socket_waits_for(each, found);
        }
        ck_assert_int_eq(waiting, 1);
        socket_table_free(&table);
        close(listener);
        close(client);
}
END_TEST

START_TEST(a_unix_listener_says_who_waits_longest)
{
        TestListener listener = listen_unix(4);
        int first = connect_unix(&listener), second = connect_unix(&listener);
        char text[SOCKET_ADDRESS_TEXT_MAX];
        struct stat status;
        const Socket *found;
        SocketTable table = read_table();

        found = find(&table, listener.fd);
        if (!found)
                SKIP_TEST("there are no socket diagnostics here");
        ck_assert(first >= 0 && second >= 0);
        ck_assert_int_eq(fstat(first, &status), 0);
        ck_assert(socket_is_listening(found));
        ck_assert_uint_eq(found->receive_queue, 2);
        ck_assert_uint_eq(found->send_queue, 4);
        ck_assert_uint_eq(found->local.oldest, status.st_ino);
        socket_local_text(found, text);
        ck_assert_int_eq(*text, '@');
        socket_table_free(&table);
        close(first);
        close(second);
        close(listener.fd);
}
END_TEST

START_TEST(one_that_its_process_keeps_locked_hides_no_other)
{
        Errands errands = {.hung = 0};
        HeldLock lock = {.holder = -1, .fault_fd = -1};
        NetworkSpaces spaces;
        SocketTable table;
        int fds[2];

        tcp_pair(fds);
        if (!held_lock_take(&lock, fds[0]))
                SKIP_TEST("this user may not keep a page away");
        network_spaces_init(&spaces);
        ck_assert_int_eq(socket_table_read(&table, &spaces, &errands), 0);
        held_lock_end(&lock);
        ck_assert(table.without_times);
        ck_assert_uint_eq(errands.hung, 1);
        ck_assert_ptr_nonnull(find(&table, fds[0]));
        ck_assert(!find(&table, fds[0])->times.known);
        socket_table_free(&table);
        close(fds[0]);
        close(fds[1]);
}
END_TEST

TEST_SUITE(test_socket_table)
{
        TCase *tc = tcase_create("socket_table");

        tcase_set_timeout(tc, TEST_TIMEOUT_SECONDS);
        tcase_add_test(tc, a_connection_has_its_queue_and_times);
        tcase_add_test(tc, what_nobody_has_accepted_waits_for_its_listener);
        tcase_add_test(tc, a_unix_listener_says_who_waits_longest);
        tcase_add_test(tc, one_that_its_process_keeps_locked_hides_no_other);
        suite_add_tcase(suite, tc);
}
