/*
 * daemon/record: what was sealed is read again, and what is no record of this version is refused.
 */
#include "daemon/store/record.h"

#include "core/error.h"
#include "tests/support/fixture.h"
#include "tests/support/memfd_note.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int seal_bytes(const void *bytes, size_t size)
{
        int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

        ck_assert_int_eq(write(fd, bytes, size), (ssize_t)size);
        ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, NOTE_SEALS | F_SEAL_SEAL), 0);
        return fd;
}

static void make_record(Record *out)
{
        *out = (Record){.message = STATE__RECORD__INIT, .connection = STATE__CONNECTION__INIT};
        out->message.version = RECORD_VERSION;
        out->message.body_case = STATE__RECORD__BODY_CONNECTION;
        out->message.connection = &out->connection;
        out->connection.listener = 7;
}

START_TEST(what_was_sealed_is_read_and_inherited_by_nobody)
{
        Record record;
        State__Record *read;
        int fd;

        make_record(&record);
        fd = record_seal(&record);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
        ck_assert_msg(record_read(fd, &read) == 0, "%s", error_text());
        ck_assert_int_eq(read->body_case, STATE__RECORD__BODY_CONNECTION);
        ck_assert_uint_eq(read->connection->listener, 7);
        record_free(read);
        close(fd);
}
END_TEST

START_TEST(another_version_is_refused_by_name)
{
        Record record;
        State__Record *read;
        int fd;

        make_record(&record);
        record.message.version = RECORD_VERSION + 1;
        fd = record_seal(&record);
        ck_assert_int_eq(record_read(fd, &read), -EPROTO);
        ck_assert_str_eq(error_text(), "its record has version 2, and 1 is understood");
        close(fd);
}
END_TEST

START_TEST(what_is_no_record_is_refused)
{
        static const char zeros[RECORD_BYTES_MAX + 1];
        int fds[] = {seal_bytes("", 0), seal_bytes(zeros, sizeof(zeros)), seal_bytes("\xff", 1),
                     memfd_note(10, NOTE_SEALS), open("/dev/null", O_RDWR | O_CLOEXEC)};

        for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
                State__Record *read;

                ck_assert_int_lt(record_read(fds[i], &read), 0);
                close(fds[i]);
        }
}
END_TEST

TEST_SUITE(test_record)
{
        TCase *records = tcase_create("records");

        tcase_add_test(records, what_was_sealed_is_read_and_inherited_by_nobody);
        tcase_add_test(records, another_version_is_refused_by_name);
        tcase_add_test(records, what_is_no_record_is_refused);
        tcase_set_timeout(records, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, records);
}
