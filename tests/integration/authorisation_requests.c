/* One request for each row of the matrix. See authorisation_requests.h. */
#include "tests/integration/authorisation_requests.h"

#include "core/cleanup.h"
#include "tests/integration/authorisation_lists.h"
#include "tests/support/authorisation_scene.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
        /* The asker's own slot, and the sequence of what it asked for before. */
        SLOT = 200,
        PENDING = 30,
};

static int hello(void)
{
        return 0; /* there is a session */
}

/* ---- registrations ---- */

static int add_source(int borrow_fd)
{
        Iod__AddIoSource add = IOD__ADD_IO_SOURCE__INIT;
        uint64_t source = raw_source(SLOT, 1, SERVICE_INTEREST);

        add.n_source = 1;
        add.source = &source;
        return AUTHORISATION_SEND_BY(authorisation_tell, ADD_IO_SOURCE, add_io_source, add,
                                     &borrow_fd, 1);
}

static int remove_source(uint64_t source, int borrow_fd)
{
        Iod__RemoveIoSource remove = IOD__REMOVE_IO_SOURCE__INIT;

        remove.n_source = 1;
        remove.source = &source;
        return AUTHORISATION_SEND_BY(authorisation_tell, REMOVE_IO_SOURCE, remove_io_source, remove,
                                     &borrow_fd, 1);
}

static int add_own_source(void)
{
        CLEANUP(cleanup_close) int fd = eventfd(0, EFD_CLOEXEC);

        return add_source(fd);
}

static int remove_own_source(void)
{
        CLEANUP(cleanup_close) int fd = eventfd(0, EFD_CLOEXEC);

        ck_assert_int_eq(add_source(fd), 0);
        return remove_source(raw_source(SLOT, 1, 0), fd);
}

static int remove_anothers_source(void)
{
        return remove_source(authorisation.owner_source, authorisation.owner_fd);
}

/* ---- what the daemon opens ---- */

#define ALLOWED   "tcp:127.0.0.1:0"
#define FORBIDDEN "tcp:127.0.0.2:0"

/* A listener of the test's own, and its address. */
static int listen_here(char address[static 64], int backlog)
{
        struct sockaddr_in here = {
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        socklen_t size = sizeof(here);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        ck_assert_int_eq(bind(fd, (struct sockaddr *)&here, sizeof(here)), 0);
        ck_assert_int_eq(listen(fd, backlog), 0);
        ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&here, &size), 0);
        snprintf(address, 64, "tcp:127.0.0.1:%u", ntohs(here.sin_port));
        return fd;
}

static int connect_to(const char *address, const char *unused)
{
        Iod__Connect message = IOD__CONNECT__INIT;

        (void)unused;
        message.address = (char *)address;
        return AUTHORISATION_ASK(CONNECT, connect, message);
}

static int connect_where_allowed(void)
{
        char address[64];
        int listener = listen_here(address, 1);
        int r = connect_to(address, NULL);

        close(listener);
        return r;
}

static int bind_to(const char *address, const char *unused)
{
        Iod__Bind message = IOD__BIND__INIT;

        (void)unused;
        message.address = (char *)address;
        return AUTHORISATION_ASK(BIND, bind, message);
}

static int take(const char *name, const char *address)
{
        Iod__TakeListener message = IOD__TAKE_LISTENER__INIT;

        message.name = (char *)name;
        message.address = (char *)address;
        return AUTHORISATION_ASK(TAKE_LISTENER, take_listener, message);
}

/* ---- groups ---- */

static int join_as(const char *name, const char *address, bool keep_on_death)
{
        Iod__Join message = IOD__JOIN__INIT;

        message.name = (char *)name;
        message.address = (char *)address;
        message.keep_on_death = keep_on_death;
        return AUTHORISATION_ASK(JOIN, join, message);
}

static int join(const char *name, const char *address)
{
        return join_as(name, address, false);
}

static int join_to_keep(const char *name, const char *address)
{
        return join_as(name, address, true);
}

/* Of the asker. */
static uint32_t own_endpoint(void)
{
        ck_assert_int_eq(join("granted", ""), 0);
        return authorisation.answer->joined->endpoint;
}

static int offer(uint32_t endpoint)
{
        Iod__Offer message = IOD__OFFER__INIT;
        uint64_t source = raw_source(SLOT, 1, SERVICE_INTEREST);

        message.endpoint = endpoint;
        message.n_source = 1;
        message.source = &source;
        return AUTHORISATION_TELL(OFFER, offer, message);
}

static int offer_own(void)
{
        return offer(own_endpoint());
}

static int offer_anothers(void)
{
        return offer(authorisation.owner_endpoint);
}

static int leave(uint32_t endpoint)
{
        Iod__Leave message = IOD__LEAVE__INIT;

        message.endpoint = endpoint;
        return AUTHORISATION_ASK(LEAVE, leave, message);
}

static int leave_own(void)
{
        return leave(own_endpoint());
}

static int leave_anothers(void)
{
        return leave(authorisation.owner_endpoint);
}

/* A connection that the asker has registered is in its hand, or is to be kept as well. */
static int claim(uint32_t endpoint, bool keep)
{
        Iod__Claim message = IOD__CLAIM__INIT;
        Iod__ClaimedConnection one = IOD__CLAIMED_CONNECTION__INIT, *connections[] = {&one};
        int ends[2], r;

        tcp_pair(ends);
        ck_assert_int_eq(add_source(ends[1]), 0);
        one.id = raw_source(SLOT, 1, 0);
        one.keep_on_death = keep;
        message.endpoint = endpoint;
        message.n_connection = 1;
        message.connection = connections;
        r = AUTHORISATION_SEND_BY(authorisation_tell, CLAIM, claim, message, &ends[1], keep);
        close(ends[0]);
        close(ends[1]);
        return r;
}

static int claim_own(void)
{
        return claim(own_endpoint(), false);
}

static int claim_anothers(void)
{
        return claim(authorisation.owner_endpoint, false);
}

static int claim_to_keep(const char *name, const char *unused)
{
        ck_assert_int_eq(join(name, unused), 0);
        return claim(authorisation.answer->joined->endpoint, true);
}

/* ---- holds ---- */

static int hold(const char *name, const char *unused)
{
        CLEANUP(cleanup_close) int fd = eventfd(0, EFD_CLOEXEC);
        Iod__Hold message = IOD__HOLD__INIT;

        (void)unused;
        message.name = (char *)name;
        message.time_to_live_ms = 60000;
        return AUTHORISATION_SEND_BY(authorisation_ask, HOLD, hold, message, &fd, 1);
}

static int hold_anothers_connection(void)
{
        Iod__Hold message = IOD__HOLD__INIT;

        message.id = authorisation.owner_connection;
        message.time_to_live_ms = 60000;
        return AUTHORISATION_ASK(HOLD, hold, message);
}

static int take_held(void)
{
        Iod__TakeHeld message = IOD__TAKE_HELD__INIT;

        message.name = (char *)"owners";
        return AUTHORISATION_ASK(TAKE_HELD, take_held, message);
}

/* ---- Cancel ---- */

/* A client asks for a connection that nobody answers. */
static void ask_for_pending(RawClient *client, int *listener, int filling[static 3])
{
        Iod__Connect message = IOD__CONNECT__INIT;
        Iod__Frame frame = IOD__FRAME__INIT;
        char address[64];
        struct sockaddr_in there;
        socklen_t size = sizeof(there);

        *listener = listen_here(address, 0);
        ck_assert_int_eq(getsockname(*listener, (struct sockaddr *)&there, &size), 0);
        for (int i = 0; i < 3; i++) {
                filling[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
                (void)connect(filling[i], (struct sockaddr *)&there, size);
        }
        message.address = address;
        frame.sequence = PENDING;
        frame.body_case = IOD__FRAME__BODY_CONNECT;
        frame.connect = &message;
        service_send(client, &frame, NULL, 0);
}

static bool has_connects(uint32_t n)
{
        ck_assert_int_eq(authorisation_get_status(), 0);
        return authorisation.answer->status->connects == n;
}

static int cancel_of(RawClient *client)
{
        Iod__Cancel message = IOD__CANCEL__INIT;
        int listener, filling[3], r;

        ask_for_pending(client, &listener, filling);
        ck_assert(WAIT_UNTIL(has_connects(1), DEADLINE_MS));
        message.request = PENDING;
        r = AUTHORISATION_TELL(CANCEL, cancel, message);
        if (r == 0 && has_connects(1))
                r = AUTHORISATION_NOTHING;
        close(listener);
        for (int i = 0; i < 3; i++)
                close(filling[i]);
        return r;
}

static int cancel_own(void)
{
        return cancel_of(&authorisation.asker);
}

static int cancel_anothers(void)
{
        return cancel_of(&authorisation.owner);
}

/* ---- Requests ---- */

static int bind_among_requests(const char *address, const char *unused)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Requests many = IOD__REQUESTS__INIT;
        Iod__Request request = IOD__REQUEST__INIT, *requests[] = {&request};
        Iod__Bind message = IOD__BIND__INIT;

        (void)unused;
        message.address = (char *)address;
        request.sequence = PENDING;
        request.body_case = IOD__REQUEST__BODY_BIND;
        request.bind = &message;
        many.n_request = 1;
        many.request = requests;
        frame.body_case = IOD__FRAME__BODY_REQUESTS;
        frame.requests = &many;
        service_send(&authorisation.asker, &frame, NULL, 0);
        return authorisation_await(PENDING);
}

/* ---- orders ---- */

static int set_listener(void)
{
        Iod__SetListener message = IOD__SET_LISTENER__INIT;

        message.name = (char *)"private";
        message.paused = true;
        return AUTHORISATION_ASK(SET_LISTENER, set_listener, message);
}

/* Taken back: that is answered at once, whatever the session has in hand. */
static int drain_owners_session(void)
{
        Iod__Drain message = IOD__DRAIN__INIT;

        message.session = authorisation.owner_session;
        message.undo = true;
        return AUTHORISATION_ASK(DRAIN, drain, message);
}

static int end_owners_session(void)
{
        Iod__EndSession message = IOD__END_SESSION__INIT;

        message.session = authorisation.owner_session;
        return AUTHORISATION_ASK(END_SESSION, end_session, message);
}

static int close_owners_listener(void)
{
        Iod__CloseListener message = IOD__CLOSE_LISTENER__INIT;

        message.name = (char *)"private";
        return AUTHORISATION_ASK(CLOSE_LISTENER, close_listener, message);
}

/* The owner asks for it: others may not. */
static uint64_t find_owners_listener(void)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__ListListeners list = IOD__LIST_LISTENERS__INIT;

        frame.body_case = IOD__FRAME__BODY_LIST_LISTENERS;
        frame.list_listeners = &list;
        service_send(&authorisation.owner, &frame, NULL, 0);
        return raw_client_expect(&authorisation.owner, IOD__FRAME__BODY_LISTENERS)
                ->listeners->entry[0]
                ->listener;
}

static int close_owners_listener_by_number(void)
{
        Iod__CloseListener message = IOD__CLOSE_LISTENER__INIT;

        message.name = (char *)"";
        message.listener = find_owners_listener();
        return AUTHORISATION_ASK(CLOSE_LISTENER, close_listener, message);
}

static int set_delivery(void)
{
        Iod__SetDelivery message = IOD__SET_DELIVERY__INIT;

        message.delivery = IOD__DELIVERY__DELIVERY_DIRECT;
        return AUTHORISATION_ASK(SET_DELIVERY, set_delivery, message);
}

static int unsubscribe(void)
{
        Iod__Unsubscribe message = IOD__UNSUBSCRIBE__INIT;

        return AUTHORISATION_ASK(UNSUBSCRIBE, unsubscribe, message);
}

static int reload(void)
{
        Iod__Reload message = IOD__RELOAD__INIT;

        return AUTHORISATION_ASK(RELOAD, reload, message);
}

static int test_policy(uid_t uid)
{
        Iod__TestPolicy message = IOD__TEST_POLICY__INIT;

        message.uid = uid;
        message.action = (char *)"serve";
        message.object = (char *)"granted";
        return AUTHORISATION_ASK(TEST_POLICY, test_policy, message);
}

static int test_own_policy(void)
{
        return test_policy(authorisation.asker_uid);
}

static int test_owners_policy(void)
{
        return test_policy(authorisation.owner_uid);
}

/* ---- all of them ---- */

static const struct {
        const char *label;
        int (*ask)(void);
        /* Or, with one or both. */
        int (*ask_for)(const char *name, const char *address);
        const char *name, *address;
} requests[] = {
        {"Hello", hello},
        {"Subscribe", authorisation_subscribe},
        {"Unsubscribe", unsubscribe},
        {"AddIoSource", add_own_source},
        {"RemoveIoSource of its own session's", remove_own_source},
        {"RemoveIoSource of another session's", remove_anothers_source},
        {"GetStatus", authorisation_get_status},
        {"GetMetrics", authorisation_get_metrics},
        {"ListSessions", authorisation_list_sessions},
        {"ListSessions of the owner's session", authorisation_list_owners_session},
        {"ListRegistrations", authorisation_list_registrations},
        {"ListRegistrations of the owner's session", authorisation_list_owners_registrations},
        {"ListListeners", authorisation_list_listeners},
        {"ListGroups", authorisation_list_groups},
        {"ListHolds", authorisation_list_holds},
        {"ListUsers", authorisation_list_users},
        {"ListPolicies", authorisation_list_policies},
        {"Connect, which a policy allows", connect_where_allowed},
        {"Connect, which none allows", NULL, connect_to, "tcp:127.0.0.2:1", ""},
        {"Bind, which a policy allows", NULL, bind_to, "udp:127.0.0.1:0", ""},
        {"Bind, which none allows", NULL, bind_to, "udp:127.0.0.2:0", ""},
        {"TakeListener of a new one, which a policy allows", NULL, take, "new", ALLOWED},
        {"TakeListener of a new one, which none allows", NULL, take, "new", FORBIDDEN},
        {"TakeListener of the owner's, which a policy allows", NULL, take, "granted-taken", ""},
        {"TakeListener of the owner's, which none allows", NULL, take, "private-taken", ""},
        {"TakeListener of a configured one, which none allows", NULL, take, "web-taken", ""},
        {"Join of a new one, which a policy allows", NULL, join, "new", ALLOWED},
        {"Join of a new one, which none allows", NULL, join, "new", FORBIDDEN},
        {"Join of the owner's, which a policy allows", NULL, join, "granted", ""},
        {"Join of the owner's, which none allows", NULL, join, "private", ""},
        {"Join of a configured one, which none allows", NULL, join, "web", ""},
        {"Join to keep connections on death, which a policy allows", NULL, join_to_keep, "granted",
         ""},
        {"Join to keep connections on death, which none allows", NULL, join_to_keep,
         "granted-not-held", ""},
        {"Offer of its own session's", offer_own},
        {"Offer of another session's", offer_anothers},
        {"Claim of its own session's", claim_own},
        {"Claim of another session's", claim_anothers},
        {"Claim to keep connections on death, which none allows", NULL, claim_to_keep,
         "granted-not-held", ""},
        {"Leave of its own session's", leave_own},
        {"Leave of another session's", leave_anothers},
        {"Hold, which a policy allows", NULL, hold, "granted-too", ""},
        {"Hold, which none allows", NULL, hold, "private", ""},
        {"Hold of another session's connection", hold_anothers_connection},
        {"TakeHeld of the owner's", take_held},
        {"Cancel of its own session's", cancel_own},
        {"Cancel of another session's", cancel_anothers},
        {"SetDelivery", set_delivery},
        {"Requests with a Bind, which a policy allows", NULL, bind_among_requests,
         "udp:127.0.0.1:0", ""},
        {"Requests with a Bind, which none allows", NULL, bind_among_requests, "udp:127.0.0.2:0",
         ""},
        {"SetListener", set_listener},
        {"Drain of the owner's session", drain_owners_session},
        {"EndSession of the owner's session", end_owners_session},
        {"CloseListener of the owner's", close_owners_listener},
        {"CloseListener of the owner's, by number", close_owners_listener_by_number},
        {"Reload", reload},
        {"TestPolicy about oneself", test_own_policy},
        {"TestPolicy about the owner", test_owners_policy},
};

enum { REQUESTS = sizeof(requests) / sizeof(requests[0]) };

int authorisation_request_find(const char *label)
{
        for (int i = 0; i < REQUESTS; i++) {
                if (strcmp(requests[i].label, label) == 0)
                        return i;
        }
        return -1;
}

int authorisation_request_count(void)
{
        return REQUESTS;
}

int authorisation_request_try(int request)
{
        return requests[request].ask ? requests[request].ask()
                                     : requests[request].ask_for(requests[request].name,
                                                                 requests[request].address);
}
