/*
 * daemon/late_names: a policy for a user whom nobody knew is in force once somebody does. The name
 * service is this test's own.
 */
#include "daemon/restart/late_names.h"

#include "daemon/config/authorise.h"
#include "daemon/process/log.h"
#include "tests/support/deadline.h"
#include "tests/support/sharing_scene.h"

#include <errno.h>
#include <pthread.h>
#include <pwd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char path[OPTIONS_PATH_MAX];
static atomic_bool is_known;
static atomic_int asked;

int getpwnam_r(const char *name, struct passwd *entry, char *buffer, size_t size,
               struct passwd **result)
{
        (void)buffer;
        (void)size;
        *result = NULL;
        if (strcmp(name, "late-user") != 0)
                return 0;
        asked++;
        if (!is_known)
                return asked % 2 ? 0 : EIO; /* there is none; nobody can tell */
        *entry = (struct passwd){.pw_name = (char *)name, .pw_uid = geteuid()};
        *result = entry;
        return 0;
}

static void set_up(void)
{
        FILE *file;

        sharing_scene_prepare();
        snprintf(path, sizeof(path), "%.80s/iod.conf", inner.directory);
        file = fopen(path, "we");
        ck_assert_ptr_nonnull(file);
        ck_assert_int_gt(fputs("policy \"user:late-user\" { hold = \"late\" holds = 7 }\n"
                               "policy \"user:no-user\" { hold = \"*\" }\n",
                               file),
                         0);
        ck_assert_int_eq(fclose(file), 0);
        log_open(LOG_CRIT); /* nobody is there on purpose */
        sharing_scene_open();
}

/* As a reload leaves it. */
static void put_in_force(void)
{
        Daemon *daemon = inner.daemon;
        Config *config;

        ck_assert_msg(config_load(&config, path, true, false) == 0, "%s", error_text());
        ck_assert_uint_eq(config->n_warnings, 2);
        config_free(daemon->config);
        daemon->config = config;
        daemon->sessions.config = config;
        late_names_begin(daemon);
}

static bool has_asked(int times)
{
        inner_server_settle();
        return asked >= times;
}

static bool may_hold(const Session *session, const char *name)
{
        inner_server_settle();
        return authorise(inner.daemon->config->policy, &session->peer, POLICY_HOLD, NULL, name) ==
               0;
}

START_TEST(its_policy_is_in_force_once_the_user_is_known)
{
        Session *session = scene_open(0);

        put_in_force();
        ck_assert(!may_hold(session, "late"));
        ck_assert(WAIT_UNTIL(has_asked(2), DEADLINE_MS));
        ck_assert(!may_hold(session, "late"));
        is_known = true;
        ck_assert(WAIT_UNTIL(may_hold(session, "late"), DEADLINE_MS));
        ck_assert(!may_hold(session, "other"));
        ck_assert_uint_eq(session->user->limits[QUOTA_HOLDS], 7);
}
END_TEST

START_TEST(an_answer_for_the_configuration_before_means_nothing)
{
        Session *session = scene_open(0);

        put_in_force();
        is_known = true;
        ck_assert(WAIT_UNTIL(asked >= 2 || may_hold(session, "late"), DEADLINE_MS));
        is_known = false;
        put_in_force();
        for (int i = 0; i < 100; i++)
                ck_assert(!may_hold(session, "late"));
}
END_TEST

TEST_SUITE(test_late_names)
{
        TCase *tcase = tcase_create("late names");

        tcase_add_checked_fixture(tcase, set_up, sharing_scene_tear_down);
        tcase_add_test(tcase, its_policy_is_in_force_once_the_user_is_known);
        tcase_add_test(tcase, an_answer_for_the_configuration_before_means_nothing);
        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, tcase);
}
