/*
 * daemon/config without memory: whichever allocation fails, what cannot be read is an error, and
 * the process goes on.
 */
#include "core/error.h"
#include "daemon/config/config.h"
#include "tests/support/config_file.h"
#include "tests/support/fixture.h"
#include "tests/support/own_malloc.h"

static ConfigFile file;

static void set_up(void)
{
        config_file_make(&file);
        config_file_write(&file, "max-sessions = 24\n"
                                 "name-servers = {\"192.0.2.53\", \"[2001:db8::53]:53\"}\n"
                                 "admin-group = \"a group with a long name\"\n"
                                 "listener \"site\" { address = \"tcp:127.0.0.1:0\" }\n"
                                 "listener \"other\" { address = \"unix:@other\" mode = take }\n"
                                 "policy \"user:0\" {\n"
                                 "        listen = {\"tcp:127.0.0.1:*\", \"unix:/run/x/*\"}\n"
                                 "        hold = {\"*\"}\n"
                                 "        sessions = 5\n"
                                 "}\n");
}

static void tear_down(void)
{
        config_file_remove(&file);
}

START_TEST(whatever_allocation_fails_reading_fails_or_is_complete)
{
        bool fails = true;
        int failed = 0;

        if (!own_malloc_works())
                SKIP_TEST("malloc is not this program's own here");
        for (int i = 1; fails; i++) {
                Config *config = NULL;
                int r;

                own_malloc_countdown = i;
                r = config_load(&config, file.path, true, false);
                fails = own_malloc_countdown == 0;
                own_malloc_countdown = 0;
                if (r < 0) {
                        failed++;
                        ck_assert_msg(r == -ENOMEM, "%d: %d: %s", i, r, error_text());
                        continue;
                }
                ck_assert_uint_eq(config->n_listeners, 2);
                ck_assert_uint_eq(config->n_policies, 1);
                ck_assert_uint_eq(config->n_name_servers, 2);
                ck_assert_uint_eq(config->sessions_max, 24);
                config_free(config);
        }
        ck_assert_int_gt(failed, 10);
}
END_TEST

TEST_SUITE(test_config_memory)
{
        TCase *tcase = tcase_create("config_memory");

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        tcase_add_test(tcase, whatever_allocation_fails_reading_fails_or_is_complete);
        suite_add_tcase(suite, tcase);
}
