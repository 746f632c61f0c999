/* A server with a shared listener and those who serve it. See sharing_scene.h. */
#include "tests/support/sharing_scene.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PEERS_MAX = 8192 };

SharingScene sharing;
static int peers[PEERS_MAX];
static int n_peers;

void sharing_scene_prepare(void)
{
        static const struct {
                PolicyAction action;
                const char *pattern;
        } allowed[] = {
                {POLICY_LISTEN, "tcp:127.0.0.1:*"},
                {POLICY_LISTEN, "unix:/*"},
                {POLICY_CONNECT, "tcp:127.0.0.1:*"},
                {POLICY_BIND, "udp:127.0.0.1:*"},
                {POLICY_HOLD, "web*"},
        };

        inner_server_prepare();
        n_peers = 0;
        sharing.received.count = 0;
        for (int i = 0; i < SCENE_CLIENTS; i++)
                sharing.clients[i].socket_fd = -1;
        sharing.config = inner_server_config();
        sharing.config->descriptors_max = 4096;
        policy_free(sharing.config->policy);
        ck_assert_int_eq(policy_new(&sharing.config->policy), 0);
        policy_set_default_limit(sharing.config->policy, POLICY_SESSIONS, 64);
        policy_set_default_limit(sharing.config->policy, POLICY_REGISTRATIONS, 65536);
        policy_set_default_limit(sharing.config->policy, POLICY_LISTENERS, 64);
        policy_set_default_limit(sharing.config->policy, POLICY_HOLDS, 1024);
        policy_set_default_limit(sharing.config->policy, POLICY_CONNECTS, 64);
        ck_assert_int_eq(policy_add_rule(sharing.config->policy, POLICY_USER, getuid(),
                                         "user:tester", &sharing.rule),
                         0);
        for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
                ck_assert_msg(
                        policy_rule_allow(sharing.rule, allowed[i].action, allowed[i].pattern) == 0,
                        "%s: %s", allowed[i].pattern, error_text());
}

void sharing_scene_open(void)
{
        inner_server_open_with(sharing.config);
}

void sharing_scene_set_up(void)
{
        sharing_scene_prepare();
        sharing_scene_open();
}

void sharing_scene_tear_down(void)
{
        fd_list_close(&sharing.received);
        for (int i = 0; i < SCENE_CLIENTS; i++)
                raw_client_close(&sharing.clients[i]);
        scene_hang_up();
        inner_server_settle();
        ck_assert_uint_eq(inner.daemon->sessions.count, 0);
        while (!TAILQ_EMPTY(&inner.daemon->listeners.list))
                listener_free(TAILQ_FIRST(&inner.daemon->listeners.list));
        ck_assert_uint_eq(inner.daemon->kept.count, 0);
        ck_assert_uint_eq(inner.daemon->sessions.registration_count, 0);
        inner_server_tear_down();
}

Session *scene_open(int i)
{
        return inner_server_open_session(&sharing.clients[i]);
}

Session *scene_join(int i, uint32_t slots, const Iod__ListenerOptions *options)
{
        Session *session = scene_open(i);

        service_join(&sharing.clients[i], SCENE_JOIN, "web", "tcp:127.0.0.1:0", 0, slots, options);
        ck_assert_uint_eq(scene_expect(i, IOD__FRAME__BODY_JOINED)->sequence, SCENE_JOIN);
        return session;
}

void scene_close(int i)
{
        inner_server_close_client(&sharing.clients[i]);
}

Listener *scene_listener(void)
{
        Listener *listener = TAILQ_FIRST(&inner.daemon->listeners.list);

        ck_assert_ptr_nonnull(listener);
        return listener;
}

int scene_dial(void)
{
        const Address *bound = &scene_listener()->bound;
        int fd = socket(bound->socket_address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(connect(fd, &bound->socket_address.any, bound->size), 0);
        return fd;
}

void scene_dial_many(int n)
{
        ck_assert_int_le(n_peers + n, PEERS_MAX);
        while (n-- > 0)
                peers[n_peers++] = scene_dial();
}

void scene_hang_up(void)
{
        while (n_peers > 0)
                close(peers[--n_peers]);
}

Iod__Frame *scene_next(int i)
{
        Iod__Frame *frame;

        do {
                inner_server_settle();
                fd_list_close(&sharing.received);
                if (!wait_readable(sharing.clients[i].socket_fd, 0))
                        return NULL;
                frame = service_receive(&sharing.clients[i], &sharing.received);
        } while (frame && frame->body_case == IOD__FRAME__BODY_READINESS);
        return frame;
}

void scene_leave_unread(Session *session)
{
        static char filler[1000];

        while (send(session->socket_fd, filler, sizeof(filler), MSG_DONTWAIT) > 0)
                ;
        while (send(session->socket_fd, filler, 1, MSG_DONTWAIT) > 0)
                ;
}

void scene_read_all(int i)
{
        char byte;

        while (recv(sharing.clients[i].socket_fd, &byte, 1, MSG_DONTWAIT) > 0)
                ;
}

void scene_ask_status(int i)
{
        raw_client_request(&sharing.clients[i], 3, RAW_GET_STATUS);
        inner_server_settle();
}

void scene_expect_beside_status(int i, Iod__Frame__BodyCase body, uint32_t sequence)
{
        unsigned seen = 0;

        for (int n = 0; n < 2; n++) {
                const Iod__Frame *frame = scene_next(i);

                ck_assert_ptr_nonnull(frame);
                if (frame->body_case == IOD__FRAME__BODY_STATUS)
                        seen |= 1;
                else if (frame->body_case == body && frame->sequence == sequence)
                        seen |= 2;
        }
        ck_assert_uint_eq(seen, 3);
}

static Iod__Frame *check_body(Iod__Frame *frame, Iod__Frame__BodyCase body)
{
        ck_assert_msg(frame != NULL, "nothing came, not %s", frame_body_name(body));
        ck_assert_msg(frame->body_case == body, "%s came, not %s: %s",
                      frame_body_name(frame->body_case), frame_body_name(body),
                      frame->body_case == IOD__FRAME__BODY_REFUSED ? frame->refused->text : "");
        return frame;
}

Iod__Frame *scene_expect(int i, Iod__Frame__BodyCase body)
{
        return check_body(scene_next(i), body);
}

Iod__Frame *scene_await(int i, Iod__Frame__BodyCase body)
{
        Iod__Frame *frame = NULL;

        WAIT_UNTIL((frame = scene_next(i)) != NULL, DEADLINE_MS);
        return check_body(frame, body);
}

const char *scene_expect_refused(int i, uint32_t sequence, int error)
{
        const Iod__Frame *frame = scene_expect(i, IOD__FRAME__BODY_REFUSED);

        ck_assert_uint_eq(frame->sequence, sequence);
        ck_assert_msg(frame->refused->error == error, "errno %d, not %d: %s", frame->refused->error,
                      error, frame->refused->text);
        ck_assert(!frame->refused->session_ends);
        ck_assert_uint_lt(strlen(frame->refused->text), FRAME_TEXT_MAX);
        ck_assert_str_ne(frame->refused->text, "");
        return frame->refused->text;
}

size_t scene_connections(int i, Iod__Connections **out)
{
        Iod__Frame *frame = scene_next(i);

        if (!frame)
                return 0;
        ck_assert_msg(frame->body_case == IOD__FRAME__BODY_CONNECTIONS, "%s came",
                      frame_body_name(frame->body_case));
        if (out)
                *out = frame->connections;
        return frame->connections->n_connection;
}

static size_t gather_ids(const Iod__Connections *connections, uint64_t ids[static 64])
{
        for (size_t i = 0; i < connections->n_connection; i++)
                ids[i] = connections->connection[i]->id;
        return connections->n_connection;
}

void scene_taken(int i, const Iod__Connections *connections)
{
        uint64_t ids[64];

        service_taken(&sharing.clients[i], ids, gather_ids(connections, ids));
        inner_server_settle();
}

void scene_gone(int i, const Iod__Connections *connections)
{
        uint64_t ids[64];

        service_gone(&sharing.clients[i], ids, gather_ids(connections, ids));
        inner_server_settle();
}

size_t scene_serve(int i)
{
        Iod__Connections *connections;
        size_t total = 0, n;

        while ((n = scene_connections(i, &connections)) > 0) {
                scene_gone(i, connections);
                total += n;
        }
        return total;
}

size_t scene_count_descriptors(void)
{
        fd_list_close(&sharing.received);
        inner_server_settle();
        inner_server_await_closer();
        return count_descriptors();
}
