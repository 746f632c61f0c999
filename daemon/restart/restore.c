/* Taking over what an earlier run owned. See restore.h. */
#include "daemon/restart/restore.h"

#include "core/cleanup.h"
#include "core/error.h"
#include "daemon/daemon.h"
#include "daemon/hold/note.h"
#include "daemon/listen/accepting.h"
#include "daemon/listen/connection_store.h"
#include "daemon/listen/listener_record.h"
#include "daemon/listen/listener_socket.h"
#include "daemon/listen/path_task.h"
#include "daemon/listen/socket_open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* ---- Listeners ----------------------------------------------------------------------------- */

/* The users' limits come with their next sessions. */
static int ref_user(Daemon *daemon, uid_t uid, QuotaUser **out)
{
        const uint32_t none[QUOTA_RESOURCE_COUNT] = {0};

        if (quota_user_ref(&daemon->quota, uid, none, out) < 0)
                return error_set(ENOMEM, "no memory for user %u", (unsigned)uid);
        return 0;
}

/* Of the configuration if config is given, else as its record says. */
static int restore_listener(Daemon *daemon, OwnedList *list, OwnedItem *item,
                            const ListenerConfig *config)
{
        ListenerRestored restored = {
                .take_fd = item->fd,
                .bound = item->record->listener->bound,
                .number = item->name.number,
                .paused = item->record->listener->paused,
                .stored = item->stored && descriptor_store_is_there(&daemon->store),
                .file = listener_record_read_file(item->record->listener),
        };
        ListenerConfig recorded;
        Listener *listener;
        int r = 0;

        if (!config) {
                r = listener_record_read_config(item->record->listener, &recorded);
                if (r == 0)
                        r = ref_user(daemon, item->record->listener->user, &restored.user);
        }
        if (r == 0)
                r = listener_restore(&listener, &daemon->listeners, config ? config : &recorded,
                                     &restored);
        quota_user_unref(&daemon->quota, restored.user);
        if (r < 0)
                return r;
        item->fd = -1;
        TAILQ_REMOVE(list, item, link);
        owned_free(item);
        listener_watch_leaving(listener); /* its workers have */
        listener_update(listener);
        return 0;
}

/*
 * Whether the socket that came back is that of a configured listener. Not one that a client had
 * opened: what waits there was meant for somebody else, as it is where only one of both tells
 * metrics. Nor one to accept from that was there to be taken, for whoever took it has it still.
 */
static bool is_of(const OwnedItem *item, const ListenerConfig *config)
{
        const State__Listener *record = item->record->listener;
        ListenerConfig recorded;

        return record->configured && (record->shared || !config->shared) &&
               record->metrics == config->metrics &&
               listener_record_read_config(record, &recorded) == 0 &&
               strcmp(recorded.name, config->name) == 0 &&
               listener_config_same_socket(&recorded, config);
}

static bool is_of_any(const Config *config, const OwnedItem *item)
{
        for (size_t i = 0; i < config->n_listeners; i++) {
                if (is_of(item, &config->listeners[i]))
                        return true;
        }
        return false;
}

/* Closes it here and in the store, and ends it for everybody: its address is free at once. One that
 * a client has may be locked by it, and is ended on a thread; then its address is free later. */
static void end_socket(Daemon *daemon, OwnedList *list, OwnedItem *item, const char *why)
{
        ListenerConfig config;

        if (item->record->listener->shared)
                shutdown(item->fd, SHUT_RD);
        else if (listener_record_read_config(item->record->listener, &config) == 0)
                path_ending_start(&daemon->listeners, &config, item->fd);
        owned_give_up(daemon, list, item, why);
}

/* The same with one of the configuration; but who took it may go on with it. */
static void give_up(Daemon *daemon, OwnedList *list, OwnedItem *item, const char *why)
{
        if (item->record->listener->shared)
                end_socket(daemon, list, item, why);
        else
                owned_give_up(daemon, list, item, why);
}

static void give_up_not_configured(Daemon *daemon, OwnedList *list)
{
        OwnedItem *item, *next;

        for (item = TAILQ_FIRST(list); item; item = next) {
                next = TAILQ_NEXT(item, link);
                if (item->name.kind == STORED_LISTENER && item->record->listener->configured &&
                    !is_of_any(daemon->config, item))
                        give_up(daemon, list, item,
                                "it is not configured any more, or not as it was");
        }
}

/* Where it was opened, as its record says; one of an earlier release does not, and its socket is
 * asked. 0, or -errno. */
static int find_place(const OwnedItem *item, Address *out)
{
        const State__Listener *record = item->record->listener;
        ListenerConfig config;
        int r;

        if (*record->bound)
                return address_parse(record->bound, out);
        r = listener_record_read_config(record, &config);
        return r < 0 ? r : socket_find_bound(item->fd, &config.address, out);
}

/* Where something is configured no client's listener is, whoever has its socket. */
static void end_clients_at(Daemon *daemon, OwnedList *list, const ListenerConfig *config)
{
        OwnedItem *item, *next;

        for (item = TAILQ_FIRST(list); item; item = next) {
                Address place;

                next = TAILQ_NEXT(item, link);
                if (item->name.kind != STORED_LISTENER || item->record->listener->configured ||
                    find_place(item, &place) < 0 || !socket_overlaps(&place, &config->address))
                        continue;
                end_socket(daemon, list, item, "a listener of the configuration is there now");
        }
}

/* Opens it anew. Where its address cannot be had, it is looked for again, and the rest is served.
 */
static int open_anew(Daemon *daemon, OwnedList *list, const ListenerConfig *config)
{
        Listener *listener;
        int r;

        end_clients_at(daemon, list, config);
        r = listener_open_late(&listener, &daemon->listeners, config);
        if (r == 0)
                listener_socket_look(listener);
        return r;
}

static int open_configured(Daemon *daemon, OwnedList *list, const ListenerConfig *config)
{
        OwnedItem *item, *next;

        for (item = TAILQ_FIRST(list); item; item = next) {
                next = TAILQ_NEXT(item, link);
                if (item->name.kind != STORED_LISTENER || !is_of(item, config))
                        continue;
                if (restore_listener(daemon, list, item, config) == 0)
                        return 0;
                give_up(daemon, list, item, error_text());
        }
        return open_anew(daemon, list, config);
}
int restore_listeners(Daemon *daemon, OwnedList *list)
{
        OwnedItem *item, *next;

        /* New ones are numbered after all that were. */
        TAILQ_FOREACH(item, list, link)
        {
                if (item->name.kind == STORED_LISTENER &&
                    daemon->listeners.total < item->name.number)
                        daemon->listeners.total = item->name.number;
        }
        give_up_not_configured(daemon, list);
        for (size_t i = 0; i < daemon->config->n_listeners; i++) {
                int r = open_configured(daemon, list, &daemon->config->listeners[i]);

                if (r < 0)
                        return r;
        }
        for (item = TAILQ_FIRST(list); item; item = next) {
                next = TAILQ_NEXT(item, link);
                if (item->name.kind != STORED_LISTENER)
                        continue;
                if (item->record->listener->configured)
                        give_up(daemon, list, item, "there is another of its name");
                else if (restore_listener(daemon, list, item, NULL) < 0)
                        owned_give_up(daemon, list, item, error_text());
        }
        return 0;
}

/* ---- Holds --------------------------------------------------------------------------------- */

/* A place in the lane of its user, who has no session yet, for each descriptor. */
static int reserve_places(Daemon *daemon, uid_t uid, size_t count)
{
        CloserLane *lane;
        int r = closer_lane_join(&daemon->closer, uid, &lane);

        if (r < 0)
                return r;
        r = closer_reserve(&daemon->closer, lane, count);
        for (int i = 0; i < CLOSER_SESSION_PLACES; i++)
                closer_push_own(&daemon->closer, lane, -1);
        closer_lane_leave(&daemon->closer, lane);
        return r < 0 ? error_set(ENOMEM, "no memory to hold it") : 0;
}

static void give_back_places(Daemon *daemon, uid_t uid, size_t count)
{
        CloserLane *lane = closer_find_lane(&daemon->closer, uid);

        for (size_t i = 0; lane && i < count; i++)
                closer_push_own(&daemon->closer, lane, -1);
}

/* All that the record says. 0 or -EPROTO. */
static int describe_hold(const Daemon *daemon, const OwnedItem *item, Hold *out)
{
        const State__Hold *record = item->record->hold;

        if (strlen(record->name) > HOLD_NAME_MAX || strlen(record->program) > FRAME_PROGRAM_MAX)
                return error_set(EPROTO, "its record is of no hold: %.80s", record->name);
        *out = (Hold){
                .number = item->name.number,
                .fd = item->fd,
                .note_fd = item->note_fd,
                .note_size = record->note_size,
                .session = record->session,
                .pid = record->pid,
                .since = record->since,
                .held_at_ms = record->held_at_ms,
                .expires_at_ms = record->expires_at_ms,
                .stored = item->stored && descriptor_store_is_there(&daemon->store),
        };
        snprintf(out->name, sizeof(out->name), "%s", record->name);
        snprintf(out->program, sizeof(out->program), "%s", record->program);
        return 0;
}

static int restore_hold(Daemon *daemon, OwnedItem *item)
{
        const uid_t uid = item->record->hold->user;
        const size_t count = item->note_fd >= 0 ? 2 : 1;
        Hold hold;
        int r = describe_hold(daemon, item, &hold);

        if (r == 0)
                r = ref_user(daemon, uid, &hold.user);
        if (r < 0)
                return r;
        r = reserve_places(daemon, uid, count);
        if (r == 0) {
                r = hold_set_restore(&daemon->holds, &hold);
                if (r < 0)
                        give_back_places(daemon, uid, count);
        }
        quota_user_unref(&daemon->quota, hold.user);
        return r;
}

void restore_holds(Daemon *daemon, OwnedList *list)
{
        OwnedItem *item, *next;

        for (item = TAILQ_FIRST(list); item; item = next) {
                next = TAILQ_NEXT(item, link);
                if (item->name.kind != STORED_HOLD)
                        continue;
                if (restore_hold(daemon, item) < 0) {
                        owned_give_up(daemon, list, item, error_text());
                        continue;
                }
                item->fd = item->note_fd = -1;
                TAILQ_REMOVE(list, item, link);
                owned_free(item);
        }
}

/* ---- Connections --------------------------------------------------------------------------- */

static Listener *find_shared(const Daemon *daemon, uint64_t number)
{
        Listener *listener;

        TAILQ_FOREACH(listener, &daemon->listeners.list, link)
        {
                if (listener->group.number == number && listener->config.shared)
                        break;
        }
        return listener;
}

/* 0, with its size, or -errno with error_text(). */
static int check_note(const OwnedItem *item, uint32_t *size)
{
        struct stat file;

        *size = 0;
        if (item->note_fd < 0)
                return 0;
        if (fcntl(item->note_fd, F_GET_SEALS) < 0 || fstat(item->note_fd, &file) < 0 ||
            file.st_size > FRAME_NOTE_MAX)
                return error_set(EINVAL, "its note is none");
        *size = (uint32_t)file.st_size;
        return note_check(item->note_fd, *size);
}

static int restore_connection(Daemon *daemon, OwnedItem *item)
{
        Listener *listener = find_shared(daemon, item->name.listener);
        Connection *connection;
        DescriptorKind kind;
        uint64_t inode;
        uint32_t note_size = 0;
        int r;

        if (!listener)
                return error_set(ENOENT, "its listener is gone");
        r = descriptor_kind_classify(item->fd, &kind, &inode);
        if (r == 0)
                r = check_note(item, &note_size);
        if (r < 0)
                return r;
        connection = connection_restore(&listener->group, item->name.number,
                                        item->name.kind == STORED_RETURNED, STEAL_FD(item->fd),
                                        item->note_fd, note_size);
        item->note_fd = -1;
        if (!connection)
                return error_set(ENOMEM, "no memory for it");
        if (!item->stored) {
                connection->stored = false;
                connection_store_begin(connection);
        }
        listener_admit(connection);
        return 0;
}

void restore_connections(Daemon *daemon, OwnedList *list)
{
        OwnedItem *item, *next;

        for (item = TAILQ_FIRST(list); item; item = next) {
                next = TAILQ_NEXT(item, link);
                if (item->name.kind != STORED_CONNECTION && item->name.kind != STORED_RETURNED)
                        continue;
                if (restore_connection(daemon, item) < 0) {
                        owned_give_up(daemon, list, item, error_text());
                        continue;
                }
                TAILQ_REMOVE(list, item, link);
                owned_free(item);
        }
}
