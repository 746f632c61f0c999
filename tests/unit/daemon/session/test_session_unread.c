/*
 * daemon/session_unread: a session ends whose client leaves answers unread for long, and none that
 * leaves readiness unread, or waits for the kernel.
 */
#include "daemon/session/session_unread.h"

#include "core/readiness.h"
#include "tests/support/sharing_scene.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Packets with descriptors that the kernel refuses, in this program. */
static bool refuses_descriptors;

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
        if (message->msg_controllen > 0 && refuses_descriptors) {
                errno = ETOOMANYREFS;
                return -1;
        }
        return syscall(SYS_sendmsg, fd, message, flags);
}

static bool has_deadline(const Session *session)
{
        return session->unread && evtimer_pending(&session->unread->event, NULL);
}

/* As if the time were over. */
static void run_out(Session *session)
{
        event_active(&session->unread->event, EV_TIMEOUT, 1);
        inner_server_settle();
}

static Session *leave_answers_unread(void)
{
        Session *session = scene_open(0);

        while (!notifier_is_waiting(&session->notifier)) {
                raw_client_request(&sharing.clients[0], 1, RAW_GET_STATUS);
                inner_server_settle();
        }
        return session;
}

static void ask_to_bind(uint32_t sequence)
{
        SCENE_SEND(0, sequence, BIND, bind,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__bind__descriptor),
                    .address = (char *)"udp:127.0.0.1:0"});
}

START_TEST(answers_that_are_not_read_end_the_session)
{
        Session *session = leave_answers_unread();

        ck_assert(has_deadline(session));
        run_out(session);
        ck_assert_uint_eq(inner.daemon->sessions.count, 0);
}
END_TEST

START_TEST(who_reads_has_all_the_time)
{
        Session *session = leave_answers_unread();

        while (notifier_is_waiting(&session->notifier)) {
                raw_client_receive(&sharing.clients[0]);
                inner_server_settle();
        }
        ck_assert(!has_deadline(session));
        run_out(session);
        ck_assert_uint_eq(inner.daemon->sessions.count, 1);
}
END_TEST

START_TEST(descriptors_that_are_not_taken_end_the_session)
{
        Session *session = scene_open(0);

        ask_to_bind(1);
        inner_server_settle();
        ck_assert(!has_deadline(session));
        ask_to_bind(2);
        inner_server_settle();
        ck_assert_uint_eq(session->delivery.count, 1);
        ck_assert(has_deadline(session));
        run_out(session);
        ck_assert_uint_eq(inner.daemon->sessions.count, 0);
        ck_assert_uint_eq(inner.daemon->kept.count, 0);
}
END_TEST

START_TEST(a_stopped_client_has_no_deadline_for_its_readiness)
{
        Session *session = scene_open(0);
        int reader, writer = inner_server_add_pipe(&sharing.clients[0], 0, 1, &reader);

        while (!notifier_is_waiting(&session->notifier)) {
                put_byte(writer);
                inner_server_settle();
                drain(reader);
        }
        ck_assert(!has_deadline(session));
        ck_assert_ptr_null(session->unread);
}
END_TEST

START_TEST(what_the_kernel_refuses_for_now_is_not_the_clients_fault)
{
        Session *session = scene_open(0);

        refuses_descriptors = true;
        ask_to_bind(1);
        inner_server_settle();
        ck_assert_uint_eq(session->delivery.count, 1);
        ck_assert(has_deadline(session));
        run_out(session);
        ck_assert_uint_eq(inner.daemon->sessions.count, 1);
        ck_assert(has_deadline(session));
        refuses_descriptors = false;
}
END_TEST

TEST_SUITE(test_session_unread)
{
        TCase *deadlines = tcase_create("deadlines");

        tcase_add_checked_fixture(deadlines, sharing_scene_set_up, sharing_scene_tear_down);
        tcase_set_timeout(deadlines, TEST_TIMEOUT_SECONDS);
        tcase_add_test(deadlines, answers_that_are_not_read_end_the_session);
        tcase_add_test(deadlines, who_reads_has_all_the_time);
        tcase_add_test(deadlines, descriptors_that_are_not_taken_end_the_session);
        tcase_add_test(deadlines, a_stopped_client_has_no_deadline_for_its_readiness);
        tcase_add_test(deadlines, what_the_kernel_refuses_for_now_is_not_the_clients_fault);
        suite_add_tcase(suite, deadlines);
}
