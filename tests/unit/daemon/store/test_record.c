/*
 * daemon/state: what is owned is the same after a seal and a reading, and what is no record of this
 * version is refused.
 */
#include "daemon/store/record.h"

#include "core/error.h"
#include "tests/support/fixture.h"
#include "tests/support/memfd_note.h"
#include "tests/support/random.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const ListenerConfig config = {
        .name = "web*\"",
        .shared = true,
        .when_readable = true,
        .least_loaded = true,
        .v6_only = true,
        .reuse_address = true,
        .nodelay = true,
        .keepalive = true,
        .backlog = 7,
        .silent_ms = 8,
        .keep_seconds = 9,
        .mode = 0640,
};

static State__Record *seal_and_read(const StateRecord *record)
{
        State__Record *read;
        int fd = state_seal(record);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
        ck_assert_msg(state_read(fd, &read) == 0, "%s", error_text());
        close(fd);
        return read;
}

START_TEST(a_listener_is_the_same_again)
{
        static const char *const addresses[] = {"tcp:127.0.0.1:0", "tcp:*:80", "tcp:[::1]:1",
                                                "unix:/run/web", "unix:@web"};
        Listener listener = {.config = config, .uid = 1000, .paused = true};
        StateRecord record;

        for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
                State__Record *read;
                ListenerConfig again;

                ck_assert_int_eq(address_parse(addresses[i], &listener.config.address), 0);
                state_of_listener(&listener, &record);
                read = seal_and_read(&record);
                ck_assert_int_eq(read->body_case, STATE__RECORD__BODY_LISTENER);
                ck_assert_uint_eq(read->listener->user, 1000);
                ck_assert(read->listener->paused && !read->listener->configured);
                ck_assert_int_eq(state_to_listener_config(read->listener, &again), 0);
                ck_assert_mem_eq(&again.address, &listener.config.address, sizeof(Address));
                ck_assert_str_eq(again.name, config.name);
                ck_assert(again.shared && again.when_readable && again.least_loaded &&
                          again.v6_only && again.reuse_address && again.nodelay && again.keepalive);
                ck_assert_uint_eq(again.backlog, 7);
                ck_assert_uint_eq(again.silent_ms, 8);
                ck_assert_uint_eq(again.keep_seconds, 9);
                ck_assert_uint_eq(again.mode, 0640);
                state_free(read);
        }
}
END_TEST

START_TEST(a_hold_is_the_same_again)
{
        QuotaUser user = {.uid = 1000};
        Hold hold = {.user = &user,
                     .name = "a:b",
                     .note_size = 3,
                     .session = 4,
                     .pid = 5,
                     .program = "p",
                     .since = UINT64_MAX,
                     .held_at_ms = 6,
                     .expires_at_ms = 7};
        StateRecord record;
        State__Record *read;

        state_of_hold(&hold, &record);
        read = seal_and_read(&record);
        ck_assert_int_eq(read->body_case, STATE__RECORD__BODY_HOLD);
        ck_assert_uint_eq(read->hold->user, 1000);
        ck_assert_str_eq(read->hold->name, "a:b");
        ck_assert_uint_eq(read->hold->note_size, 3);
        ck_assert_uint_eq(read->hold->session, 4);
        ck_assert_int_eq(read->hold->pid, 5);
        ck_assert_str_eq(read->hold->program, "p");
        ck_assert_uint_eq(read->hold->since, UINT64_MAX);
        ck_assert_uint_eq(read->hold->held_at_ms, 6);
        ck_assert_uint_eq(read->hold->expires_at_ms, 7);
        state_free(read);
}
END_TEST

static int seal_bytes(const void *bytes, size_t size)
{
        int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

        ck_assert_int_eq(write(fd, bytes, size), (ssize_t)size);
        ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, NOTE_SEALS | F_SEAL_SEAL), 0);
        return fd;
}

START_TEST(another_version_is_refused_by_name)
{
        QuotaUser user = {.uid = 1000};
        Hold hold = {.user = &user, .name = "a"};
        StateRecord record;
        State__Record *read;
        int fd;

        state_of_hold(&hold, &record);
        record.record.version = STATE_VERSION + 1;
        fd = state_seal(&record);
        ck_assert_int_eq(state_read(fd, &read), -EPROTO);
        ck_assert_str_eq(error_text(), "its record has version 2, and 1 is understood");
        close(fd);
}
END_TEST

START_TEST(what_is_no_record_is_refused)
{
        static const char zeros[STATE_RECORD_MAX + 1];
        int fds[] = {seal_bytes("", 0), seal_bytes(zeros, sizeof(zeros)), seal_bytes("\xff", 1),
                     memfd_note(10, NOTE_SEALS), open("/dev/null", O_RDWR | O_CLOEXEC)};

        for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
                State__Record *read;

                ck_assert_int_lt(state_read(fds[i], &read), 0);
                close(fds[i]);
        }
}
END_TEST

START_TEST(any_bytes_are_read_or_refused)
{
        uint64_t seed = 4;

        for (int i = 0; i < 2000; i++) {
                Listener listener = {.config = config};
                uint8_t bytes[STATE_RECORD_MAX];
                State__Record *read = NULL;
                ListenerConfig again;
                StateRecord record;
                size_t size;
                int fd;

                ck_assert_int_eq(address_parse("tcp:*:80", &listener.config.address), 0);
                state_of_listener(&listener, &record);
                size = state__record__pack(&record.record, bytes);
                for (int j = 0; j < 3; j++)
                        bytes[random_below(&seed, (uint32_t)size)] =
                                (uint8_t)random_below(&seed, 256);
                fd = seal_bytes(bytes, size);
                if (state_read(fd, &read) == 0 && read->body_case == STATE__RECORD__BODY_LISTENER)
                        state_to_listener_config(read->listener, &again);
                if (read)
                        state_free(read);
                close(fd);
        }
}
END_TEST

static Suite *state_suite(void)
{
        Suite *suite = suite_create("state");
        TCase *records = tcase_create("records");

        tcase_add_test(records, a_listener_is_the_same_again);
        tcase_add_test(records, a_hold_is_the_same_again);
        tcase_add_test(records, another_version_is_refused_by_name);
        tcase_add_test(records, what_is_no_record_is_refused);
        tcase_add_test(records, any_bytes_are_read_or_refused);
        tcase_set_timeout(records, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, records);
        return suite;
}

int main(void)
{
        return run_suite(state_suite());
}
