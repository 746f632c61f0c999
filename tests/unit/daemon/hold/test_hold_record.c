/*
 * daemon/hold_record: a hold is the same after a seal and a reading.
 */
#include "daemon/hold/hold_record.h"

#include "core/error.h"
#include "tests/support/fixture.h"

#include <unistd.h>

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
        Record record;
        State__Record *read;
        int fd;

        hold_record_make(&hold, &record);
        fd = record_seal(&record);
        ck_assert_int_ge(fd, 0);
        ck_assert_msg(record_read(fd, &read) == 0, "%s", error_text());
        close(fd);
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
        record_free(read);
}
END_TEST

TEST_SUITE(test_hold_record)
{
        TCase *records = tcase_create("records");

        tcase_add_test(records, a_hold_is_the_same_again);
        tcase_set_timeout(records, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, records);
}
