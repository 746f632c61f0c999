/* What goes to systemd's store. See storing.h. */
#include "daemon/store/stored_name.h"

#include "core/error.h"
#include "daemon/process/log.h"
#include "daemon/store/record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Names --------------------------------------------------------------------------------- */

static const char *const kinds[STORED_KIND_COUNT] = {
        [STORED_LISTENER] = "listener",
        [STORED_HOLD] = "hold",
        [STORED_CONNECTION] = "connection",
        [STORED_RETURNED] = "returned",
};

static const char note_ending[] = "-note";

static bool is_connection(StoredKind kind)
{
        return kind == STORED_CONNECTION || kind == STORED_RETURNED;
}

static void write_name(StoredName name, char out[static SERVICE_MANAGER_NAME_MAX])
{
        char listener[32] = "";

        if (is_connection(name.kind))
                snprintf(listener, sizeof(listener), "-%llu", (unsigned long long)name.listener);
        snprintf(out, SERVICE_MANAGER_NAME_MAX, SERVICE_MANAGER_STORED "%s-%llu%s%s",
                 kinds[name.kind], (unsigned long long)name.number, listener,
                 name.is_note ? note_ending : "");
}

/* A dash and a number; what follows them, or NULL. */
static const char *read_number(const char *text, uint64_t *out)
{
        char *end;

        if (text[0] != '-' || text[1] < '1' || text[1] > '9')
                return NULL;
        errno = 0;
        *out = strtoull(text + 1, &end, 10);
        return errno == 0 ? end : NULL;
}

static bool read_numbers(const char *text, StoredName *out)
{
        out->listener = 0;
        text = read_number(text, &out->number);
        if (text && is_connection(out->kind))
                text = read_number(text, &out->listener);
        out->is_note = text && strcmp(text, note_ending) == 0;
        return text && (out->is_note || *text == '\0');
}

bool storing_read_name(const char *text, StoredName *out)
{
        const size_t prefix = strlen(SERVICE_MANAGER_STORED);

        if (strncmp(text, SERVICE_MANAGER_STORED, prefix) != 0)
                return false;
        text += prefix;
        for (int i = 0; i < STORED_KIND_COUNT; i++) {
                size_t length = strlen(kinds[i]);

                if (strncmp(text, kinds[i], length) != 0 || text[length] != '-')
                        continue;
                out->kind = (StoredKind)i;
                return read_numbers(text + length, out);
        }
        return false;
}

/* ---- Adding and removing ------------------------------------------------------------------- */

/* With its record. */
static bool add(DescriptorStore *store, StoredName name, int borrow_fd, const StateRecord *record)
{
        char text[SERVICE_MANAGER_NAME_MAX];
        int sealed = state_seal(record);

        write_name(name, text);
        if (sealed < 0) {
                log_daemon(LOG_WARNING, "%s will not outlive this daemon: %s", text, error_text());
                return false;
        }
        return descriptor_store_add(store, text, &borrow_fd, 1, sealed);
}

static bool add_note(DescriptorStore *store, StoredName name, int borrow_fd)
{
        char text[SERVICE_MANAGER_NAME_MAX];

        write_name(name, text);
        return descriptor_store_add(store, text, &borrow_fd, 1, -1);
}

static void remove_name(DescriptorStore *store, StoredName name, size_t count)
{
        char text[SERVICE_MANAGER_NAME_MAX];

        write_name(name, text);
        descriptor_store_remove(store, text, count);
}

bool storing_listener(DescriptorStore *store, const Listener *listener)
{
        const StoredName name = {.kind = STORED_LISTENER, .number = listener->number};
        StateRecord record;

        if (!descriptor_store_is_there(store))
                return false;
        state_of_listener(listener, &record);
        return add(store, name, listener->fd, &record);
}

size_t storing_count(StoredKind kind)
{
        return is_connection(kind) ? 1 : 2;
}

void storing_forget(DescriptorStore *store, StoredName name, bool has_note)
{
        name.is_note = false;
        remove_name(store, name, storing_count(name.kind));
        name.is_note = true;
        if (has_note)
                remove_name(store, name, 1);
}

void storing_forget_listener(DescriptorStore *store, uint64_t number)
{
        storing_forget(store, (StoredName){.kind = STORED_LISTENER, .number = number}, false);
}

bool storing_hold(DescriptorStore *store, const Hold *hold)
{
        const StoredName name = {.kind = STORED_HOLD, .number = hold->number};
        const StoredName note = {.kind = STORED_HOLD, .number = hold->number, .is_note = true};
        StateRecord record;

        if (!descriptor_store_is_there(store))
                return false;
        state_of_hold(hold, &record);
        /* A note alone means nothing: what comes back without its descriptor is closed. */
        if (hold->note_fd >= 0 && !add_note(store, note, hold->note_fd))
                return false;
        if (add(store, name, hold->fd, &record))
                return true;
        if (hold->note_fd >= 0)
                remove_name(store, note, 1);
        return false;
}

void storing_forget_hold(DescriptorStore *store, uint64_t number, bool has_note)
{
        storing_forget(store, (StoredName){.kind = STORED_HOLD, .number = number}, has_note);
}

/* It stays the same while it is stored. */
static StoredName name_of(const Connection *connection)
{
        return (StoredName){
                .kind = connection->again ? STORED_RETURNED : STORED_CONNECTION,
                .number = connection->number,
                .listener = connection->listener->number,
        };
}

bool storing_connection(DescriptorStore *store, const Connection *connection)
{
        StoredName name = name_of(connection), note = name;
        char text[SERVICE_MANAGER_NAME_MAX];

        note.is_note = true;
        if (connection->note_fd >= 0 && !add_note(store, note, connection->note_fd))
                return false;
        write_name(name, text);
        if (descriptor_store_add(store, text, &connection->fd, 1, -1))
                return true;
        if (connection->note_fd >= 0)
                remove_name(store, note, 1);
        return false;
}

void storing_forget_connection(DescriptorStore *store, const Connection *connection)
{
        storing_forget(store, name_of(connection), connection->note_fd >= 0);
}
