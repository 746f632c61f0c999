/*
 * daemon/authorise: the log has every refusal, and in an audit what would have been one and the
 * configuration that would have allowed it.
 */
#include "daemon/config/authorise.h"

#include "daemon/process/log.h"
#include "tests/support/capture.h"
#include "tests/support/sharing_scene.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static char written[4096];

/* Decides about a name to hold, with the log kept. */
static int decide(const Session *session, const char *name, bool quietly)
{
        int r;

        log_open(LOG_NOTICE);
        capture_start(STDERR_FILENO);
        r = quietly ? authorise_quietly(session->sessions->config->policy, &session->peer,
                                        POLICY_HOLD, NULL, name)
                    : authorise(session->sessions->config->policy, &session->peer, POLICY_HOLD,
                                NULL, name);
        capture_end(written, sizeof(written));
        log_open(LOG_ERR);
        return r;
}

START_TEST(a_refusal_is_logged_with_its_sentence_and_leave_is_not)
{
        const Session *session = scene_open(0);

        ck_assert_int_eq(decide(session, "web.1", false), 0);
        ck_assert_str_eq(written, "");
        ck_assert_int_eq(decide(session, "other", true), -EACCES);
        ck_assert_str_eq(written, "");
        ck_assert_int_eq(decide(session, "other", false), -EACCES);
        ck_assert_ptr_nonnull(strstr(written, error_text()));
}
END_TEST

START_TEST(an_audit_allows_and_logs_what_would_have_allowed_it)
{
        const Session *session = scene_open(0);

        policy_set_audit(sharing.config->policy, true);
        ck_assert_int_eq(decide(session, "other", false), 0);
        ck_assert_ptr_nonnull(strstr(written, "audit: would be refused: "));
        ck_assert_ptr_nonnull(strstr(written, "hold"));
        ck_assert_ptr_nonnull(strstr(written, "\"other\""));
}
END_TEST

TEST_SUITE(test_authorise)
{
        TCase *log = tcase_create("log");

        tcase_add_checked_fixture(log, sharing_scene_set_up, sharing_scene_tear_down);
        tcase_add_test(log, a_refusal_is_logged_with_its_sentence_and_leave_is_not);
        tcase_add_test(log, an_audit_allows_and_logs_what_would_have_allowed_it);
        suite_add_tcase(suite, log);
}
