/*
 * host_hold hold|take PREFIX COUNT: leaves descriptors with the daemon under the names PREFIX-0,
 * PREFIX-1, …, and takes them back, each of which has to be the same file with the same note.
 *
 * What is held is the reading end of a pipe that has something to read and whose writing end is
 * closed: a descriptor that is ready for ever, and hung up.
 */
#include <kyron.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
        TEXT_MAX = 96,
        HOUR_MS = 3600 * 1000,
};

static KyronIoDriverHandle *handle;

static void on_completion(KyronOperation *operation)
{
        *(bool *)operation->user = true;
}

/* What is held or its note, so that none can be taken for another. */
static int describe(char text[TEXT_MAX], const char *what, const char *name)
{
        return snprintf(text, TEXT_MAX, "%s of %s", what, name);
}

static bool fail(const char *name, const char *why)
{
        fprintf(stderr, "host_hold: %s: %s\n", name, why);
        return false;
}

static int await(KyronOperation *operation, const bool *done, int r)
{
        while (r >= 0 && !*done)
                r = kyron_io_driver_handle_process_io(handle, -1);
        return r < 0 ? r : (int)operation->result;
}

static bool hold(const char *name)
{
        char content[TEXT_MAX], note[TEXT_MAX];
        int size = describe(content, "content", name), note_size = describe(note, "note", name);
        bool done = false;
        KyronOperation holding;
        int ends[2], r;

        if (pipe(ends) < 0 || write(ends[1], content, (size_t)size) != size)
                return fail(name, "no pipe");
        close(ends[1]);
        kyron_operation_init(&holding, on_completion, &done);
        r = kyron_hold(handle, ends[0], name, note, (size_t)note_size, HOUR_MS, &holding);
        r = await(&holding, &done, r);
        close(ends[0]);
        return r == 0 || fail(name, kyron_error_text());
}

static bool take(const char *name)
{
        char expected[TEXT_MAX], text[TEXT_MAX];
        bool done = false;
        KyronOperation taking;
        KyronHeld held;
        int size, r;

        kyron_operation_init(&taking, on_completion, &done);
        r = kyron_take_held(handle, name, &taking, &held);
        if (await(&taking, &done, r) < 0)
                return fail(name, kyron_error_text());
        size = describe(expected, "content", name);
        if (read(held.fd, text, sizeof(text)) != size || memcmp(text, expected, (size_t)size) != 0)
                return fail(name, "came back as another file");
        size = describe(expected, "note", name);
        if (held.note_size != (size_t)size || pread(held.note_fd, text, sizeof(text), 0) != size ||
            memcmp(text, expected, (size_t)size) != 0)
                return fail(name, "came back with another note");
        close(held.fd);
        close(held.note_fd);
        return true;
}

int main(int argc, char **argv)
{
        bool holds = argc == 4 && strcmp(argv[1], "hold") == 0;
        bool good = true;

        if (!holds && !(argc == 4 && strcmp(argv[1], "take") == 0)) {
                fputs("Usage: host_hold hold|take PREFIX COUNT\n", stderr);
                return 2;
        }
        if (kyron_io_driver_handle_open(&handle, NULL) < 0)
                good = fail("no daemon", kyron_error_text());
        for (int i = 0; good && i < atoi(argv[3]); i++) {
                char name[TEXT_MAX / 2];

                snprintf(name, sizeof(name), "%s-%d", argv[2], i);
                good = holds ? hold(name) : take(name);
        }
        if (handle)
                kyron_io_driver_handle_close(handle);
        return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
