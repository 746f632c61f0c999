/*
 * daemon/listener_record: a listener is the same after a seal and a reading, and what is no record
 * of one is refused.
 */
#include "core/sealed_bytes.h"
#include "daemon/listen/listener_record.h"

#include "core/error.h"
#include "tests/support/fixture.h"
#include "tests/support/random.h"

#include <unistd.h>

static const ListenerConfig config = {
        .name = "web*\"",
        .shared = true,
        .metrics = true,
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
        .fixed = 5,
};

static State__Record *seal_and_read(const Record *record)
{
        State__Record *read;
        int fd = record_seal(record);

        ck_assert_int_ge(fd, 0);
        ck_assert_msg(record_read(fd, &read) == 0, "%s", error_text());
        close(fd);
        return read;
}

START_TEST(a_listener_is_the_same_again)
{
        static const char *const addresses[] = {"tcp:127.0.0.1:0", "tcp:*:80", "tcp:[::1]:1",
                                                "unix:/run/web", "unix:@web"};
        Listener listener = {
                .config = config,
                .uid = 1000,
                .paused = true,
                .file = {.directory_device = 1, .directory_inode = 2, .device = 3, .inode = 4},
        };
        Record record;

        for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
                State__Record *read;
                ListenerConfig again;
                SocketFile file;

                ck_assert_int_eq(address_parse(addresses[i], &listener.config.address), 0);
                listener_record_make(&listener, &record);
                read = seal_and_read(&record);
                ck_assert_int_eq(read->body_case, STATE__RECORD__BODY_LISTENER);
                ck_assert_uint_eq(read->listener->user, 1000);
                ck_assert(read->listener->paused && !read->listener->configured);
                ck_assert_int_eq(listener_record_read_config(read->listener, &again), 0);
                ck_assert_mem_eq(&again.address, &listener.config.address, sizeof(Address));
                ck_assert_str_eq(again.name, config.name);
                ck_assert(again.metrics);
                ck_assert(again.shared && again.when_readable && again.least_loaded &&
                          again.v6_only && again.reuse_address && again.nodelay && again.keepalive);
                ck_assert_uint_eq(again.backlog, 7);
                ck_assert_uint_eq(again.silent_ms, 8);
                ck_assert_uint_eq(again.keep_seconds, 9);
                ck_assert_uint_eq(again.mode, 0640);
                ck_assert_uint_eq(again.fixed, 5);
                ck_assert_uint_eq(again.user, 1000);
                file = listener_record_read_file(read->listener);
                ck_assert_mem_eq(&file, &listener.file, sizeof(file));
                record_free(read);
        }
}
END_TEST

START_TEST(any_bytes_are_read_or_refused)
{
        uint64_t seed = 4;

        for (int i = 0; i < 2000; i++) {
                Listener listener = {.config = config};
                uint8_t bytes[RECORD_BYTES_MAX];
                State__Record *read = NULL;
                ListenerConfig again;
                Record record;
                size_t size;
                int fd;

                ck_assert_int_eq(address_parse("tcp:*:80", &listener.config.address), 0);
                listener_record_make(&listener, &record);
                size = state__record__pack(&record.message, bytes);
                for (int j = 0; j < 3; j++)
                        bytes[random_below(&seed, (uint32_t)size)] =
                                (uint8_t)random_below(&seed, 256);
                fd = sealed_bytes_new("a record", bytes, size);
                if (record_read(fd, &read) == 0 && read->body_case == STATE__RECORD__BODY_LISTENER)
                        listener_record_read_config(read->listener, &again);
                if (read)
                        record_free(read);
                close(fd);
        }
}
END_TEST

TEST_SUITE(test_listener_record)
{
        TCase *records = tcase_create("records");

        tcase_add_test(records, a_listener_is_the_same_again);
        tcase_add_test(records, any_bytes_are_read_or_refused);
        tcase_set_timeout(records, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, records);
}
