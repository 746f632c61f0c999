/* Four users at one daemon. See authorisation_scene.h. */
#include "tests/support/authorisation_scene.h"

#include "core/address.h"
#include "core/cleanup.h"
#include "tests/support/config_file.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"
#include "tests/support/program.h"

#include <grp.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
        /* Users and a group that nobody has to have heard of. */
        OWNER_UID = 65101,
        ANOTHER_UID = 65102,
        ADMIN_UID = 65103,
        BYSTANDER_UID = 65104,
        COMMON_GID = 65101,
        GROUPS_MAX = 256,

        /* Sequences. */
        SETTING_UP = 1,
        QUESTION = 7,
        AFTERWARDS = 8,

        SLOT = 100,
};

AuthorisationScene authorisation;

static ConfigFile config;
static Program kyron_iod;
static char socket_path[108];

static const uid_t asker_uids[ASKER_COUNT] = {
        [ASKER_OWNER] = OWNER_UID,
        [ASKER_ANOTHER] = ANOTHER_UID,
        [ASKER_ADMIN] = ADMIN_UID,
        [ASKER_ROOT] = 0,
};

/* Any group that this machine has and root's processes need not be in. */
static const struct group *admin_group(void)
{
        const struct group *group;

        setgrent();
        while ((group = getgrent()) && group->gr_gid == 0)
                ;
        ck_assert_msg(group != NULL, "this machine has no group but root's");
        return group;
}

/* The kernel tells the daemon who a process was when it connected. */
static uint64_t connect_as(RawClient *client, uid_t uid, bool is_admin)
{
        const gid_t admin_gid = admin_group()->gr_gid;
        gid_t groups[GROUPS_MAX];
        int n = getgroups(GROUPS_MAX, groups);
        uint64_t session;

        ck_assert_int_ge(n, 0);
        ck_assert_int_eq(setgroups(is_admin, &admin_gid), 0);
        ck_assert(setegid(uid == 0 ? 0 : COMMON_GID) == 0 && seteuid(uid) == 0);
        session = raw_client_open(client, socket_path)->session;
        ck_assert(seteuid(0) == 0 && setegid(0) == 0);
        ck_assert_int_eq(setgroups((size_t)n, groups), 0);
        return session;
}

/* ---- asking -------------------------------------------------------------------------------- */

static Iod__Frame *receive(RawClient *client)
{
        fd_list_close(&authorisation.received);
        authorisation.answer = service_receive(client, &authorisation.received);
        ck_assert_msg(authorisation.answer != NULL, "the daemon ended the session");
        return authorisation.answer;
}

/* 0, or the errno if it is a refusal. */
static int error_of(const Iod__Frame *frame)
{
        const Iod__Refused *refused = frame->refused;

        if (frame->body_case != IOD__FRAME__BODY_REFUSED)
                return 0;
        return refused->n_source > 0 ? refused->source[0]->error : refused->error;
}

static int await(RawClient *client, uint32_t sequence)
{
        const Iod__Frame *frame;

        do
                frame = receive(client);
        while (frame->sequence != sequence);
        return error_of(frame);
}

int authorisation_await(uint32_t sequence)
{
        return await(&authorisation.asker, sequence);
}

int authorisation_ask(Iod__Frame *frame, const int *borrow_fds, size_t n)
{
        frame->sequence = QUESTION;
        service_send(&authorisation.asker, frame, borrow_fds, n);
        return authorisation_await(QUESTION);
}

int authorisation_tell(Iod__Frame *frame, const int *borrow_fds, size_t n)
{
        Iod__GetStatus get_status = IOD__GET_STATUS__INIT;
        Iod__Frame afterwards = IOD__FRAME__INIT;
        const Iod__Frame *answer;
        int error = 0;

        frame->sequence = QUESTION;
        service_send(&authorisation.asker, frame, borrow_fds, n);
        afterwards.sequence = AFTERWARDS;
        afterwards.body_case = IOD__FRAME__BODY_GET_STATUS;
        afterwards.get_status = &get_status;
        service_send(&authorisation.asker, &afterwards, NULL, 0);
        /* What is not refused until then was done. */
        while ((answer = receive(&authorisation.asker))->sequence != AFTERWARDS) {
                if (answer->sequence == QUESTION)
                        error = error_of(answer);
        }
        return error;
}

/* ---- what there is ------------------------------------------------------------------------- */

static const Iod__Joined *set_up_listener(RawClient *client, const char *name, uint32_t slots)
{
        service_join(client, SETTING_UP, name, "tcp:127.0.0.1:0", 0, slots, NULL);
        ck_assert_int_eq(await(client, SETTING_UP), 0);
        return authorisation.answer->joined;
}

/* One that has a connection, of this endpoint. Returns the connection's id. */
static uint64_t set_up_connection(RawClient *client, const char *name, uint32_t *endpoint)
{
        const Iod__Joined *joined = set_up_listener(client, name, 1);
        CLEANUP(cleanup_close) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        Address address;

        *endpoint = joined->endpoint;
        ck_assert_int_eq(address_parse(joined->address, &address), 0);
        ck_assert_int_eq(connect(fd, &address.socket_address.any, address.size), 0);
        while (receive(client)->body_case != IOD__FRAME__BODY_CONNECTIONS)
                ;
        return authorisation.answer->connections->connection[0]->id;
}

static void set_up_taken(RawClient *client, const char *name)
{
        Iod__TakeListener take = IOD__TAKE_LISTENER__INIT;
        Iod__Frame frame = IOD__FRAME__INIT;

        take.name = (char *)name;
        take.address = (char *)"tcp:127.0.0.1:0";
        frame.sequence = SETTING_UP;
        frame.body_case = IOD__FRAME__BODY_TAKE_LISTENER;
        frame.take_listener = &take;
        service_send(client, &frame, NULL, 0);
        ck_assert_int_eq(await(client, SETTING_UP), 0);
}

static void set_up_hold(RawClient *client, const char *name, int borrow_fd)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Hold hold = IOD__HOLD__INIT;

        hold.name = (char *)name;
        hold.time_to_live_ms = 60000;
        frame.sequence = SETTING_UP;
        frame.body_case = IOD__FRAME__BODY_HOLD;
        frame.hold = &hold;
        service_send(client, &frame, &borrow_fd, 1);
        ck_assert_int_eq(await(client, SETTING_UP), 0);
}

static void set_up_things(void)
{
        const uint64_t source = raw_source(SLOT, 1, SERVICE_INTEREST);

        authorisation.owner_source = source;
        raw_client_add(&authorisation.owner, SETTING_UP, &source, &authorisation.owner_fd, 1);
        raw_client_add(&authorisation.bystander, SETTING_UP, &source, &authorisation.owner_fd, 1);
        set_up_hold(&authorisation.owner, "owners", authorisation.owner_fd);
        set_up_hold(&authorisation.bystander, "granted", authorisation.owner_fd);
        set_up_listener(&authorisation.bystander, "other", 0);
        authorisation.owner_connection =
                set_up_connection(&authorisation.owner, "private", &authorisation.owner_endpoint);
        set_up_listener(&authorisation.owner, "granted", 0);
        set_up_listener(&authorisation.owner, "granted-not-held", 0);
        set_up_taken(&authorisation.owner, "private-taken");
        set_up_taken(&authorisation.owner, "granted-taken");
}

static void start_daemon(void)
{
        const char *words[] = {
                "--foreground", "--log-level", "error",    "--admin-group", admin_group()->gr_name,
                "--config",     config.path,   "--socket", socket_path,     NULL,
        };

        config_file_make(&config);
        snprintf(socket_path, sizeof(socket_path), "%s/socket", config.directory);
        config_file_write(&config, "policy \"user:*\" {\n"
                                   "        listen = {\"tcp:127.0.0.1:*\"}\n"
                                   "        connect = {\"tcp:127.0.0.1:*\"}\n"
                                   "        bind = {\"udp:127.0.0.1:*\"}\n"
                                   "        serve = {\"granted*\"}\n"
                                   "        hold = {\"granted\", \"granted-too\", \"owners\"}\n"
                                   "}\n"
                                   "listener \"web\" {\n"
                                   "        address = \"tcp:127.0.0.1:0\"\n"
                                   "        mode = shared\n"
                                   "}\n"
                                   "listener \"web-taken\" {\n"
                                   "        address = \"tcp:127.0.0.1:0\"\n"
                                   "        mode = take\n"
                                   "}\n");
        program_start(&kyron_iod, words, NULL);
        program_await_serving(socket_path);
}

void authorisation_scene_open(Asker asker)
{
        authorisation.owner_uid = OWNER_UID;
        authorisation.bystander_uid = BYSTANDER_UID;
        authorisation.asker_uid = asker_uids[asker];
        authorisation.received.count = 0;
        authorisation.owner_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        ck_assert_int_ge(authorisation.owner_fd, 0);
        start_daemon();
        authorisation.owner_session = connect_as(&authorisation.owner, OWNER_UID, false);
        connect_as(&authorisation.bystander, BYSTANDER_UID, false);
        set_up_things();
        connect_as(&authorisation.asker, authorisation.asker_uid, asker == ASKER_ADMIN);
}

void authorisation_scene_close(void)
{
        fd_list_close(&authorisation.received);
        raw_client_close(&authorisation.asker);
        raw_client_close(&authorisation.owner);
        raw_client_close(&authorisation.bystander);
        close(authorisation.owner_fd);
        program_stop(&kyron_iod);
        config_file_remove(&config);
}
