/*
 * daemon/config_compare: every difference between two configurations has its sentence, and there is
 * none without one.
 */
#include "core/error.h"
#include "daemon/config/config.h"
#include "tests/support/fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char *directory;
static char told[4096];

static Config *load(const char *text)
{
        char path[256];
        Config *config;
        int fd;

        snprintf(path, sizeof(path), "%s/k.conf", directory);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
        close(fd);
        ck_assert_msg(config_load(&config, path, true, false) == 0, "%s", error_text());
        return config;
}

static void tell(void *data, const char *sentence)
{
        ck_assert_ptr_eq(data, told);
        strcat(strcat(told, sentence), "\n");
}

#define WEB      "listener web { address = \"tcp:*:80\" "
#define APP(key) WEB key " }", WEB "}"

static const struct Case {
        const char *now, *before, *sentences;
} cases[] = {
        {"", "", ""},
        {WEB "}", "# c\n\n" WEB "\n}", ""},
        {"max-sessions = 10", "", "max-sessions 10, was 4096\n"},
        {"max-sessions-per-user = 10", "", "max-sessions-per-user 10, was 1024\n"},
        {"max-registrations-per-session = 10", "", "max-registrations-per-session 10, was 65536\n"},
        {"max-registrations-per-user = 10", "", "max-registrations-per-user 10, was 262144\n"},
        {"max-sessions-per-second = 10", "", "max-sessions-per-second 10, was 1000\n"},
        {"max-descriptors = 10", "", "max-descriptors 10, was 16384\n"},
        {"log-level = debug", "", "log-level debug, was info\n"},
        {"admin-group = a", "admin-group = b", "admin-group a, was b\n"},
        {"audit = true", "", "audit true, was false\n"},
        {"", "audit = true", "audit false, was true\n"},
        {"name-servers = 192.0.2.1", "", "name-servers changed\n"},
        {"name-servers = 192.0.2.1", "name-servers = 192.0.2.2", "name-servers changed\n"},
        {WEB "}", "", "listener web: added\n"},
        {"", WEB "}", "listener web: removed\n"},
        {"listener web { address = \"tcp:*:81\" }", WEB "}",
         "listener web: address tcp:*:81, was tcp:*:80\n"},
        {APP("mode = take"), "listener web: mode take, was shared\n"},
        {APP("when = readable"), "listener web: when readable, was accepted\n"},
        {APP("balance = least-loaded"), "listener web: balance least-loaded, was round-robin\n"},
        {APP("backlog = 128"), "listener web: backlog 128, was 0\n"},
        {APP("v6-only = true"), "listener web: v6-only true, was false\n"},
        {APP("reuse-address = false"), "listener web: reuse-address false, was true\n"},
        {APP("nodelay = true"), "listener web: nodelay true, was false\n"},
        {APP("keepalive = true"), "listener web: keepalive true, was false\n"},
        {APP("silent-ms = 5"), "listener web: silent-ms 5, was 10000\n"},
        {APP("socket-mode = 0600"), "listener web: socket-mode 0600, was 0666\n"},
        {"policy \"user:1\" { serve = a }", "policy \"user:1\" { serve = b }",
         "policy user:1: serve changed\n"},
        {"policy \"user:1\" { }", "policy \"user:1\" { delivery = direct }",
         "policy user:1: delivery changed\n"},
        {"max-sessions = 1\naudit = yes\nlistener b { address = \"tcp:*:2\" }\npolicy \"user:1\" { "
         "}",
         WEB "}",
         "max-sessions 1, was 4096\naudit true, was false\nlistener web: removed\n"
         "listener b: added\npolicy user:1: added\n"},
};

START_TEST(each_difference_is_told)
{
        Config *before, *now;

        directory = make_temp_dir();
        before = load(cases[_i].before);
        now = load(cases[_i].now);
        config_compare(before, now, tell, told);
        ck_assert_str_eq(told, cases[_i].sentences);
        config_free(before);
        config_free(now);
        remove_temp_dir(directory);
}
END_TEST

TEST_SUITE(test_config_compare)
{
        TCase *differences = tcase_create("differences");

        tcase_add_loop_test(differences, each_difference_is_told, 0,
                            (int)(sizeof(cases) / sizeof(cases[0])));
        suite_add_tcase(suite, differences);
}
