/* Taking over what an earlier run owned. See restore.h. */
#include "daemon/restore.h"

#include "core/cleanup.h"
#include "core/error.h"
#include "daemon/log.h"
#include "daemon/server.h"
#include "daemon/socket_open.h"
#include "daemon/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* ---- Collecting ---------------------------------------------------------------------------- */

/* The item of that name, or a new one at its place: by kind, then by number. NULL: no memory. */
static OwnedItem *find_or_add(OwnedList *list, const StoredName *name)
{
        OwnedItem *before = TAILQ_LAST(list, OwnedList), *item;

        while (before && (before->name.kind > name->kind ||
                          (before->name.kind == name->kind && before->name.number > name->number)))
                before = TAILQ_PREV(before, OwnedList, link);
        if (before && before->name.kind == name->kind && before->name.number == name->number)
                return before;
        item = calloc(1, sizeof(*item));
        if (!item)
                return NULL;
        item->name = *name;
        item->name.is_note = false;
        item->fd = item->record_fd = item->note_fd = -1;
        if (before)
                TAILQ_INSERT_AFTER(list, before, item, link);
        else
                TAILQ_INSERT_HEAD(list, item, link);
        return item;
}

/* Where in the item it belongs. A record is a file in memory, and nothing else that is stored under
 * its name is. */
static int *place_of(OwnedItem *item, const StoredName *name, int borrow_fd)
{
        if (name->is_note)
                return &item->note_fd;
        return fcntl(borrow_fd, F_GET_SEALS) >= 0 ? &item->record_fd : &item->fd;
}

static void collect(OwnedList *list, const char *text, int take_fd)
{
        CLEANUP(cleanup_close) int fd = take_fd;
        StoredName name;
        OwnedItem *item;
        int *place;

        if (!storing_read_name(text, &name)) {
                log_daemon(LOG_WARNING, "what systemd kept as %s is nothing known: closed", text);
                return;
        }
        item = find_or_add(list, &name);
        place = item ? place_of(item, &name, fd) : NULL;
        if (place && *place < 0)
                *place = STEAL_FD(fd);
        else
                log_daemon(LOG_WARNING, "what systemd kept as %s came once too often: closed",
                           text);
}

static void free_item(OwnedItem *item)
{
        cleanup_close(&item->fd);
        cleanup_close(&item->record_fd);
        cleanup_close(&item->note_fd);
        state_free(item->record);
        free(item);
}

/* Gives up one that cannot be used, here and in the store. */
static void give_up(Server *server, OwnedList *list, OwnedItem *item, const char *why)
{
        log_daemon(LOG_WARNING, "%s %llu is not taken back: %s",
                   item->name.kind == STORED_LISTENER ? "listener" : "hold",
                   (unsigned long long)item->name.number, why);
        TAILQ_REMOVE(list, item, link);
        if (item->name.kind == STORED_LISTENER)
                storing_forget_listener(&server->store, item->name.number);
        else
                storing_forget_hold(&server->store, item->name.number, item->note_fd >= 0);
        free_item(item);
}

/* 0, or -errno with error_text(). */
static int read_record(OwnedItem *item)
{
        State__Record__BodyCase wanted = item->name.kind == STORED_LISTENER
                                                 ? STATE__RECORD__BODY_LISTENER
                                                 : STATE__RECORD__BODY_HOLD;
        int r;

        if (item->fd < 0)
                return error_set(ENOENT, "its descriptor did not come");
        if (item->record_fd < 0)
                return error_set(ENOENT, "its record did not come");
        r = state_read(item->record_fd, &item->record);
        if (r == 0 && item->record->body_case != wanted)
                r = error_set(EPROTO, "its record is of another kind");
        return r;
}

void restore_collect(Server *server, OwnedList *list)
{
        char text[SERVICE_MANAGER_NAME_MAX];
        OwnedItem *item, *next;
        int fd;

        TAILQ_INIT(list);
        while ((fd = service_manager_next_stored(text)) >= 0)
                collect(list, text, fd);
        for (item = TAILQ_FIRST(list); item; item = next) {
                next = TAILQ_NEXT(item, link);
                /* Listener and hold have two under their name, whatever came of it. */
                descriptor_store_came_back(&server->store, 2 + (item->note_fd >= 0));
                if (read_record(item) < 0)
                        give_up(server, list, item, error_text());
        }
}

/* ---- Listeners ----------------------------------------------------------------------------- */

/* The users' limits come with their next sessions. */
static int ref_user(Server *server, uid_t uid, QuotaUser **out)
{
        const uint32_t none[QUOTA_RESOURCE_COUNT] = {0};

        if (quota_user_ref(&server->quota, uid, none, out) < 0)
                return error_set(ENOMEM, "no memory for user %u", (unsigned)uid);
        return 0;
}

/* Of the configuration if config is given, else as its record says. */
static int restore_listener(Server *server, OwnedList *list, OwnedItem *item,
                            const ListenerConfig *config)
{
        ListenerRestored restored = {
                .take_fd = item->fd,
                .number = item->name.number,
                .paused = item->record->listener->paused,
                .stored = descriptor_store_is_there(&server->store),
        };
        ListenerConfig recorded;
        Listener *listener;
        int r = 0;

        if (!config) {
                r = state_to_listener_config(item->record->listener, &recorded);
                if (r == 0)
                        r = ref_user(server, item->record->listener->user, &restored.user);
        }
        if (r == 0)
                r = listener_restore(&listener, server, config ? config : &recorded, &restored);
        quota_user_unref(&server->quota, restored.user);
        if (r < 0)
                return r;
        item->fd = -1;
        TAILQ_REMOVE(list, item, link);
        free_item(item);
        listener_left(listener); /* its workers have */
        listener_update(listener);
        return 0;
}

/* How well the socket that came back serves what is configured: 0 not at all; 2 it is the same. */
static int compare_sockets(const OwnedItem *item, const ListenerConfig *config)
{
        ListenerConfig recorded;

        if (item->name.kind != STORED_LISTENER ||
            state_to_listener_config(item->record->listener, &recorded) < 0)
                return 0;
        if (strcmp(recorded.name, config->name) == 0 &&
            listener_config_same_socket(&recorded, config))
                return 2;
        /* Where any port will do each has its own. */
        if (config->address.kind != ADDRESS_UNIX && config->address.port == 0)
                return 0;
        return recorded.v6_only == config->v6_only &&
               recorded.address.host_is == config->address.host_is &&
               socket_check_listener(item->fd, &config->address) == 0;
}

static OwnedItem *find_for(const OwnedList *list, const ListenerConfig *config)
{
        OwnedItem *item, *best = NULL;
        int best_match = 0;

        TAILQ_FOREACH(item, list, link)
        {
                int match = compare_sockets(item, config);

                if (match > best_match) {
                        best_match = match;
                        best = item;
                }
        }
        return best;
}

static int open_configured(Server *server, OwnedList *list, const ListenerConfig *config)
{
        OwnedItem *item;
        Listener *listener;
        int r;

        while ((item = find_for(list, config))) {
                r = restore_listener(server, list, item, config);
                if (r == 0)
                        return 0;
                give_up(server, list, item, error_text());
        }
        r = listener_open(&listener, server, config, NULL);
        if (r == 0)
                listener_update(listener);
        return r;
}

int restore_listeners(Server *server, OwnedList *list)
{
        OwnedItem *item, *next;

        /* New ones are numbered after all that were. */
        TAILQ_FOREACH(item, list, link)
        {
                if (item->name.kind == STORED_LISTENER &&
                    server->listeners_total < item->name.number)
                        server->listeners_total = item->name.number;
        }
        for (size_t i = 0; i < server->config->n_listeners; i++) {
                int r = open_configured(server, list, &server->config->listeners[i]);

                if (r < 0)
                        return r;
        }
        for (item = TAILQ_FIRST(list); item; item = next) {
                next = TAILQ_NEXT(item, link);
                if (item->name.kind != STORED_LISTENER)
                        continue;
                if (item->record->listener->configured)
                        give_up(server, list, item, "it is not configured any more");
                else if (restore_listener(server, list, item, NULL) < 0)
                        give_up(server, list, item, error_text());
        }
        return 0;
}

/* ---- Holds --------------------------------------------------------------------------------- */

/* A place in the lane of its user, who has no session yet, for each descriptor. */
static int reserve_places(Server *server, uid_t uid, size_t count)
{
        CloserLane *lane;
        int r = closer_lane_join(&server->closer, uid, &lane);

        if (r < 0)
                return r;
        r = closer_reserve(&server->closer, lane, count);
        for (int i = 0; i < CLOSER_SESSION_PLACES; i++)
                closer_push_own(&server->closer, lane, -1);
        closer_lane_leave(&server->closer, lane);
        return r < 0 ? error_set(ENOMEM, "no memory to hold it") : 0;
}

static void give_back_places(Server *server, uid_t uid, size_t count)
{
        CloserLane *lane = closer_find_lane(&server->closer, uid);

        for (size_t i = 0; lane && i < count; i++)
                closer_push_own(&server->closer, lane, -1);
}

/* All that the record says. 0 or -EPROTO. */
static int describe_hold(const Server *server, const OwnedItem *item, Hold *out)
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
                .stored = descriptor_store_is_there(&server->store),
        };
        snprintf(out->name, sizeof(out->name), "%s", record->name);
        snprintf(out->program, sizeof(out->program), "%s", record->program);
        return 0;
}

static int restore_hold(Server *server, OwnedItem *item)
{
        const uid_t uid = item->record->hold->user;
        const size_t count = item->note_fd >= 0 ? 2 : 1;
        Hold hold;
        int r = describe_hold(server, item, &hold);

        if (r == 0)
                r = ref_user(server, uid, &hold.user);
        if (r < 0)
                return r;
        r = reserve_places(server, uid, count);
        if (r == 0) {
                r = hold_set_restore(&server->holds, &hold);
                if (r < 0)
                        give_back_places(server, uid, count);
        }
        quota_user_unref(&server->quota, hold.user);
        return r;
}

void restore_holds(Server *server, OwnedList *list)
{
        OwnedItem *item, *next;

        for (item = TAILQ_FIRST(list); item; item = next) {
                next = TAILQ_NEXT(item, link);
                if (item->name.kind != STORED_HOLD)
                        continue;
                if (restore_hold(server, item) < 0) {
                        give_up(server, list, item, error_text());
                        continue;
                }
                item->fd = item->note_fd = -1;
                TAILQ_REMOVE(list, item, link);
                free_item(item);
        }
}

void restore_end(Server *server, OwnedList *list)
{
        OwnedItem *item;

        (void)server;
        while ((item = TAILQ_FIRST(list))) {
                TAILQ_REMOVE(list, item, link);
                free_item(item);
        }
}
