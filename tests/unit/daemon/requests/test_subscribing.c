/*
 * daemon/subscribing: who subscribes is told what happens, of what it may see; who does not read
 * costs no more than its ring, loses what finds no room there, and is told how much.
 */
#include "daemon/requests/subscribing.h"

#include "daemon/session/subscription.h"
#include "tests/support/sharing_scene.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SUBSCRIBE = 21, ASKED = 22, EAR = 0, OTHER = 1 };

static const Iod__Happened *packet;
static size_t at;
static uint64_t lost;

static void set_up(void)
{
        packet = NULL;
        lost = 0;
        sharing_scene_set_up();
}

static void subscribe(int i, Iod__Kind *kinds, size_t n)
{
        SCENE_SEND(i, SUBSCRIBE, SUBSCRIBE, subscribe,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__subscribe__descriptor),
                    .n_kind = n,
                    .kind = kinds});
}

static void become_ear(int i)
{
        subscribe(i, NULL, 0);
        ck_assert_uint_eq(scene_expect(i, IOD__FRAME__BODY_DONE)->sequence, SUBSCRIBE);
}

/* What client EAR is told next; lent until the next. */
static const Iod__Happening *next(void)
{
        while (!packet || at == packet->n_happening) {
                Iod__Frame *frame = scene_await(EAR, IOD__FRAME__BODY_HAPPENED);

                ck_assert_uint_eq(frame->sequence, 0);
                packet = frame->happened;
                lost += packet->lost;
                at = 0;
        }
        return packet->happening[at++];
}

static const Iod__Happening *expect(Iod__What what)
{
        const Iod__Happening *happening = next();

        ck_assert_msg(happening->what == what, "%d, not %d: %s", happening->what, what,
                      happening->text);
        return happening;
}

/* Passing over others. */
static const Iod__Happening *await(Iod__What what)
{
        const Iod__Happening *happening;

        do
                happening = next();
        while (happening->what != what);
        return happening;
}

static void expect_session(const Iod__Happening *happening, uint64_t session)
{
        ck_assert_uint_eq(happening->session, session);
        ck_assert_int_eq(happening->pid, getpid());
        ck_assert_uint_eq(happening->uid, getuid());
        ck_assert(!happening->of_daemon);
        ck_assert_uint_ne(happening->time, 0);
}

static void take_held(int i, const char *name)
{
        SCENE_SEND(i, ASKED, TAKE_HELD, take_held,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__take_held__descriptor),
                    .name = (char *)name});
}

/* ---- What is told -------------------------------------------------------------------------- */

START_TEST(a_session_begins_and_ends)
{
        const Iod__Happening *happening;
        uint64_t id;

        scene_open(EAR);
        become_ear(EAR);
        id = scene_open(OTHER)->id;
        happening = expect(IOD__WHAT__SESSION_BEGAN);
        expect_session(happening, id);
        ck_assert_str_ne(happening->program, "");
        scene_close(OTHER);
        happening = expect(IOD__WHAT__SESSION_ENDED);
        expect_session(happening, id);
        ck_assert_str_eq(happening->text, "its client closed");
        ck_assert_int_eq(happening->error, 0);
}
END_TEST

START_TEST(a_refusal_is_told_as_its_client_got_it)
{
        char text[FRAME_TEXT_MAX];
        const Iod__Happening *happening;

        scene_open(EAR);
        scene_open(OTHER);
        become_ear(EAR);
        take_held(OTHER, "web");
        strcpy(text, scene_expect_refused(OTHER, ASKED, ENOENT));
        happening = expect(IOD__WHAT__REQUEST_REFUSED);
        ck_assert_str_eq(happening->text, text);
        ck_assert_str_eq(happening->request, "take_held");
        ck_assert_str_eq(happening->name, "web");
        ck_assert_int_eq(happening->error, ENOENT);
        ck_assert_uint_eq(happening->count, 0);

        SCENE_SEND(OTHER, ASKED, CONNECT, connect,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__connect__descriptor),
                    .address = (char *)"tcp:192.0.2.1:80"});
        strcpy(text, scene_expect_refused(OTHER, ASKED, EACCES));
        happening = expect(IOD__WHAT__REQUEST_REFUSED);
        ck_assert_str_eq(happening->text, text);
        ck_assert_str_eq(happening->request, "connect");
        ck_assert_str_eq(happening->address, "tcp:192.0.2.1:80");
        ck_assert_int_eq(happening->error, EACCES);
}
END_TEST

/* What is refused once it was tried, or among others, is told as well. */
START_TEST(a_late_refusal_is_told_too)
{
        const Iod__Happening *happening;
        char text[FRAME_TEXT_MAX];

        scene_open(EAR);
        scene_open(OTHER);
        become_ear(EAR);
        SCENE_SEND(OTHER, ASKED, CONNECT, connect,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__connect__descriptor),
                    .address = (char *)"tcp:127.0.0.1:1"});
        snprintf(text, sizeof(text), "%s",
                 scene_await(OTHER, IOD__FRAME__BODY_REFUSED)->refused->text);
        happening = expect(IOD__WHAT__REQUEST_REFUSED);
        ck_assert_str_eq(happening->request, "connect");
        ck_assert_str_eq(happening->text, text);
        ck_assert_int_ne(happening->error, 0);
}
END_TEST

START_TEST(refused_sources_are_counted)
{
        const uint64_t sources[] = {raw_source(1, 1, SERVICE_INTEREST),
                                    raw_source(2, 1, SERVICE_INTEREST)};
        const Iod__Happening *happening;
        int files[2];

        scene_open(EAR);
        scene_open(OTHER);
        become_ear(EAR);
        for (int i = 0; i < 2; i++) {
                files[i] = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
                ck_assert_int_ge(files[i], 0);
        }
        raw_client_add(&sharing.clients[OTHER], ASKED, sources, files, 2);
        ck_assert_uint_eq(scene_expect(OTHER, IOD__FRAME__BODY_REFUSED)->refused->n_source, 2);
        happening = expect(IOD__WHAT__REQUEST_REFUSED);
        ck_assert_str_eq(happening->request, "add_io_source");
        ck_assert_uint_eq(happening->count, 2);
        ck_assert_int_eq(happening->error, EPERM);
        for (int i = 0; i < 2; i++)
                close(files[i]);
}
END_TEST

START_TEST(a_session_that_is_ended_fails_first)
{
        static RawBytes garbage;
        const Iod__Happening *happening;
        char text[FRAME_TEXT_MAX];
        uint64_t id;

        scene_open(EAR);
        id = scene_open(OTHER)->id;
        become_ear(EAR);
        garbage.size = 0;
        raw_put(&garbage, "\xff\xff\xff", 3);
        ck_assert_int_eq(raw_client_send(&sharing.clients[OTHER], &garbage, NULL, 0), 0);
        happening = expect(IOD__WHAT__SESSION_FAILED);
        expect_session(happening, id);
        ck_assert_int_eq(happening->error, EPROTO);
        strcpy(text, happening->text);
        happening = expect(IOD__WHAT__SESSION_ENDED);
        ck_assert_str_eq(happening->text, text);
        ck_assert_str_eq(scene_expect(OTHER, IOD__FRAME__BODY_REFUSED)->refused->text, text);
}
END_TEST

START_TEST(a_connection_that_is_turned_away_is_told_of)
{
        const Iod__Happening *happening;
        char text[FRAME_TEXT_MAX];

        scene_open(EAR);
        become_ear(EAR);
        inner.daemon->sessions.max = 1;
        raw_client_connect(&sharing.clients[OTHER], inner.options.socket_path);
        snprintf(text, sizeof(text), "%s",
                 scene_await(OTHER, IOD__FRAME__BODY_REFUSED)->refused->text);
        happening = expect(IOD__WHAT__CONNECTION_TURNED_AWAY);
        ck_assert_uint_eq(happening->session, 0);
        ck_assert_uint_eq(happening->uid, getuid());
        ck_assert_int_eq(happening->error, EDQUOT);
        ck_assert_str_eq(happening->text, text);
}
END_TEST

static void set_paused(int i, const char *name, bool paused)
{
        SCENE_SEND(i, ASKED, SET_LISTENER, set_listener,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__set_listener__descriptor),
                    .name = (char *)name,
                    .paused = paused});
        scene_expect(i, IOD__FRAME__BODY_DONE);
}

START_TEST(listeners_and_their_workers_are_told_of)
{
        const Iod__Happening *happening;
        uint64_t id, number;
        Session *session;

        scene_open(EAR)->sees_all = true;
        session = scene_open(OTHER);
        session->sees_all = true;
        id = session->id;
        become_ear(EAR);
        service_join(&sharing.clients[OTHER], ASKED, "mine", "tcp:127.0.0.1:0", 0, 2, NULL);
        scene_expect(OTHER, IOD__FRAME__BODY_JOINED);
        happening = expect(IOD__WHAT__LISTENER_OPENED);
        ck_assert_str_eq(happening->name, "mine");
        ck_assert_int_eq(strncmp(happening->address, "tcp:127.0.0.1:", 14), 0);
        ck_assert_uint_eq(happening->uid, getuid());
        ck_assert(!happening->of_daemon);
        number = happening->listener;
        ck_assert_uint_ne(number, 0);
        happening = expect(IOD__WHAT__WORKER_JOINED);
        expect_session(happening, id);
        ck_assert_uint_eq(happening->listener, number);
        ck_assert_str_eq(happening->name, "mine");
        set_paused(OTHER, "mine", true);
        happening = expect(IOD__WHAT__LISTENER_PAUSED);
        ck_assert_uint_eq(happening->listener, number);
        set_paused(OTHER, "mine", true); /* no news */
        set_paused(OTHER, "mine", false);
        expect(IOD__WHAT__LISTENER_RESUMED);
        SCENE_SEND(OTHER, ASKED, DRAIN, drain,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__drain__descriptor), .session = id});
        expect_session(expect(IOD__WHAT__WORKER_DRAINED), id);
        scene_close(OTHER);
        happening = await(IOD__WHAT__WORKER_LEFT);
        ck_assert_uint_eq(happening->listener, number);
        ck_assert_str_eq(happening->text, "its session has ended");
}
END_TEST

START_TEST(a_worker_that_takes_nothing_is_silent_until_it_does)
{
        const Iod__Happening *happening;
        Iod__Connections *connections;
        Session *session;
        Worker *worker;
        int fd;

        scene_open(EAR);
        session = scene_join(OTHER, 2, NULL);
        become_ear(EAR);
        fd = scene_dial();
        ck_assert(WAIT_UNTIL(scene_connections(OTHER, &connections) == 1, DEADLINE_MS));
        worker = TAILQ_FIRST(&session->workers);
        ck_assert_uint_eq(worker->not_taken, 1);
        /* It was looked at once, a while ago. */
        worker->watched_passed = worker->passed;
        worker->untaken_since_ms = clock_now_ms() - WORKER_SILENT_MS;
        happening = await(IOD__WHAT__WORKER_SILENT);
        expect_session(happening, session->id);
        ck_assert_str_eq(happening->name, "web");
        ck_assert_uint_eq(happening->count, 1);
        scene_taken(OTHER, connections);
        expect_session(expect(IOD__WHAT__WORKER_HEARD), session->id);
        close(fd);
}
END_TEST

/* In the raw: what a client of ours says when it comes back. */
START_TEST(a_client_that_was_without_a_daemon_is_back)
{
        static RawBytes hello, frame;
        const Iod__Happening *happening;

        enum { HELLO_AWAY_MS = 5 };

        scene_open(EAR);
        become_ear(EAR);
        hello.size = frame.size = 0;
        raw_put_number(&hello, RAW_HELLO_VERSION, 1);
        raw_put_number(&hello, HELLO_AWAY_MS, 312);
        raw_put_frame(&frame, 0, 1, RAW_HELLO, &hello);
        raw_client_connect(&sharing.clients[OTHER], inner.options.socket_path);
        ck_assert_int_eq(raw_client_send(&sharing.clients[OTHER], &frame, NULL, 0), 0);
        scene_await(OTHER, IOD__FRAME__BODY_WELCOME);
        expect(IOD__WHAT__SESSION_BEGAN);
        happening = expect(IOD__WHAT__CLIENT_RETURNED);
        ck_assert_str_eq(happening->text, "after 312 ms without a daemon");
}
END_TEST

static void move(int i, Iod__Delivery delivery)
{
        SCENE_SEND(i, ASKED, SET_DELIVERY, set_delivery,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__set_delivery__descriptor),
                    .delivery = delivery});
        scene_expect(i, IOD__FRAME__BODY_DONE);
}

START_TEST(moves_of_delivery_are_told_of)
{
        uint64_t id;

        scene_open(EAR);
        id = scene_open(OTHER)->id;
        become_ear(EAR);
        move(OTHER, IOD__DELIVERY__DELIVERY_DIRECT);
        expect_session(expect(IOD__WHAT__BECAME_DIRECT), id);
        move(OTHER, IOD__DELIVERY__DELIVERY_DIRECT); /* no news */
        move(OTHER, IOD__DELIVERY__DELIVERY_RELAYED);
        expect_session(expect(IOD__WHAT__BECAME_RELAYED), id);
}
END_TEST

/* ---- To whom ------------------------------------------------------------------------------- */

START_TEST(nothing_of_others_is_told_but_to_who_sees_all)
{
        Session *ear = scene_open(EAR), *other = scene_open(OTHER), *own = scene_open(2);

        ear->sees_all = false;
        become_ear(EAR);
        other->peer.uid++;
        take_held(OTHER, "web");
        take_held(2, "mine");
        ck_assert_uint_eq(expect(IOD__WHAT__REQUEST_REFUSED)->session, own->id);
        other->peer.uid--;
}
END_TEST

START_TEST(what_is_asked_for_is_told_and_can_be_changed)
{
        Iod__Kind kinds[] = {IOD__KIND__KIND_SESSION, IOD__KIND__KIND_DELIVERY,
                             IOD__KIND__KIND_SESSION};

        scene_open(EAR);
        scene_open(OTHER);
        subscribe(EAR, kinds, 3);
        scene_expect(EAR, IOD__FRAME__BODY_DONE);
        take_held(OTHER, "web");
        scene_expect_refused(OTHER, ASKED, ENOENT);
        move(OTHER, IOD__DELIVERY__DELIVERY_DIRECT);
        expect(IOD__WHAT__BECAME_DIRECT);
        kinds[0] = IOD__KIND__KIND_REFUSAL;
        subscribe(EAR, kinds, 1);
        scene_expect(EAR, IOD__FRAME__BODY_DONE);
        ck_assert_uint_eq(inner.daemon->teller.share.used, 1);
        move(OTHER, IOD__DELIVERY__DELIVERY_RELAYED);
        take_held(OTHER, "web");
        expect(IOD__WHAT__REQUEST_REFUSED);
}
END_TEST

START_TEST(unknown_kinds_are_refused_and_nothing_changes)
{
        Iod__Kind kinds[] = {IOD__KIND__KIND_SESSION, (Iod__Kind)_i};

        scene_open(EAR);
        subscribe(EAR, kinds, 2);
        scene_expect_refused(EAR, SUBSCRIBE, EINVAL);
        ck_assert(!teller_is_heard(&inner.daemon->teller));
        become_ear(EAR);
        subscribe(EAR, kinds, 2);
        scene_expect_refused(EAR, SUBSCRIBE, EINVAL);
        expect(IOD__WHAT__REQUEST_REFUSED);
        scene_open(OTHER);
        expect(IOD__WHAT__SESSION_BEGAN);
}
END_TEST

START_TEST(who_unsubscribes_is_told_no_more)
{
        const Iod__Frame *frame;

        scene_open(EAR);
        scene_open(OTHER);
        become_ear(EAR);
        take_held(OTHER, "web");
        scene_expect(OTHER, IOD__FRAME__BODY_REFUSED);
        for (int i = 0; i < 2; i++) {
                SCENE_SEND(EAR, ASKED, UNSUBSCRIBE, unsubscribe,
                           {.base = PROTOBUF_C_MESSAGE_INIT(&iod__unsubscribe__descriptor)});
                /* It may have been told before. */
                do
                        frame = scene_next(EAR);
                while (frame && frame->body_case == IOD__FRAME__BODY_HAPPENED);
                ck_assert(frame && frame->body_case == IOD__FRAME__BODY_DONE);
                ck_assert(!teller_is_heard(&inner.daemon->teller));
                ck_assert_uint_eq(inner.daemon->teller.share.used, 0);
        }
        take_held(OTHER, "web");
        scene_expect(OTHER, IOD__FRAME__BODY_REFUSED);
        scene_ask_status(EAR);
        scene_expect(EAR, IOD__FRAME__BODY_STATUS);
}
END_TEST

/* ---- Bounds -------------------------------------------------------------------------------- */

START_TEST(who_does_not_read_loses_what_finds_no_room_and_is_told_how_much)
{
        enum { MADE = 3000 };
        uint64_t told = 0;

        scene_open(EAR);
        scene_open(OTHER);
        become_ear(EAR);
        for (int i = 0; i < MADE; i++) {
                take_held(OTHER, "a_name_that_is_as_long_as_those_of_many");
                scene_expect(OTHER, IOD__FRAME__BODY_REFUSED);
        }
        while (told + lost < MADE) {
                const Iod__Happened *happened =
                        scene_await(EAR, IOD__FRAME__BODY_HAPPENED)->happened;

                told += happened->n_happening;
                lost += happened->lost;
        }
        ck_assert_uint_eq(told + lost, MADE);
        ck_assert_uint_gt(lost, 0);
        ck_assert_uint_gt(told, TELLER_RING_BYTES / 1024);
        /* And then it goes on. */
        take_held(OTHER, "web");
        ck_assert_str_eq(expect(IOD__WHAT__REQUEST_REFUSED)->name, "web");
}
END_TEST

START_TEST(a_user_has_a_share_of_them)
{
        Session *sessions[3];

        inner.daemon->teller.share.max = 4;
        for (int i = 0; i < 3; i++)
                sessions[i] = scene_open(i);
        become_ear(0);
        become_ear(1);
        subscribe(2, NULL, 0);
        ck_assert_str_eq(scene_expect_refused(2, SUBSCRIBE, EDQUOT),
                         "2 of 4 subscriptions of all users together; 2 are yours: end some");
        ck_assert_uint_eq(sessions[0]->user->subscriptions, 2);
        scene_close(1);
        become_ear(2);
}
END_TEST

START_TEST(one_that_ends_with_something_to_be_told_leaves_nothing)
{
        scene_open(EAR);
        scene_open(OTHER);
        become_ear(EAR);
        take_held(OTHER, "web");
        scene_expect(OTHER, IOD__FRAME__BODY_REFUSED);
        scene_close(EAR);
        ck_assert(!teller_is_heard(&inner.daemon->teller));
        ck_assert_uint_eq(inner.daemon->teller.share.used, 0);
        take_held(OTHER, "web");
        scene_expect(OTHER, IOD__FRAME__BODY_REFUSED);
}
END_TEST

/* A subscriber's own requests are answered meanwhile. */
START_TEST(answers_come_between)
{
        scene_open(EAR);
        become_ear(EAR);
        take_held(EAR, "web");
        scene_expect_refused(EAR, ASKED, ENOENT);
        expect(IOD__WHAT__REQUEST_REFUSED);
        move(EAR, IOD__DELIVERY__DELIVERY_DIRECT);
        expect(IOD__WHAT__BECAME_DIRECT);
        move(EAR, IOD__DELIVERY__DELIVERY_RELAYED);
        expect(IOD__WHAT__BECAME_RELAYED);
}
END_TEST

TEST_SUITE(test_subscribing)
{
        TCase *cases = tcase_create("subscribing");

        tcase_add_checked_fixture(cases, set_up, sharing_scene_tear_down);
        tcase_set_timeout(cases, TEST_TIMEOUT_SECONDS);
        tcase_add_test(cases, a_session_begins_and_ends);
        tcase_add_test(cases, a_refusal_is_told_as_its_client_got_it);
        tcase_add_test(cases, a_late_refusal_is_told_too);
        tcase_add_test(cases, refused_sources_are_counted);
        tcase_add_test(cases, a_session_that_is_ended_fails_first);
        tcase_add_test(cases, a_connection_that_is_turned_away_is_told_of);
        tcase_add_test(cases, listeners_and_their_workers_are_told_of);
        tcase_add_test(cases, a_worker_that_takes_nothing_is_silent_until_it_does);
        tcase_add_test(cases, a_client_that_was_without_a_daemon_is_back);
        tcase_add_test(cases, moves_of_delivery_are_told_of);
        tcase_add_test(cases, nothing_of_others_is_told_but_to_who_sees_all);
        tcase_add_test(cases, what_is_asked_for_is_told_and_can_be_changed);
        tcase_add_loop_test(cases, unknown_kinds_are_refused_and_nothing_changes, -1, 1);
        tcase_add_loop_test(cases, unknown_kinds_are_refused_and_nothing_changes, 9, 11);
        tcase_add_test(cases, who_unsubscribes_is_told_no_more);
        tcase_add_test(cases, who_does_not_read_loses_what_finds_no_room_and_is_told_how_much);
        tcase_add_test(cases, a_user_has_a_share_of_them);
        tcase_add_test(cases, one_that_ends_with_something_to_be_told_leaves_nothing);
        tcase_add_test(cases, answers_come_between);
        suite_add_tcase(suite, cases);
}
