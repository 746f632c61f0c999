/*
 * daemon/config: what a configuration becomes, from one file and from several, and for each kind of
 * mistake one sentence with file and line.
 */
#include "core/error.h"
#include "daemon/config/config.h"
#include "tests/support/capture.h"
#include "tests/support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

static char *directory;
static char path[256], drop_ins[256];
static Config *config;

static void set_up(void)
{
        directory = make_temp_dir();
        snprintf(path, sizeof(path), "%s/k.conf", directory);
        snprintf(drop_ins, sizeof(drop_ins), "%s/conf.d", directory);
}

static void tear_down(void)
{
        static const char *const files[] = {"a.conf", "b.conf", "c.conf.bak", ".d.conf"};

        config = config_free(config);
        for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
                char file[512];

                snprintf(file, sizeof(file), "%s/%s", drop_ins, files[i]);
                unlink(file);
        }
        rmdir(drop_ins);
        remove_temp_dir(directory);
}

static void put_file(const char *file, const char *text)
{
        int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
        close(fd);
}

static void put_drop_in(const char *name, const char *text)
{
        char file[512];

        mkdir(drop_ins, 0755);
        snprintf(file, sizeof(file), "%s/%s", drop_ins, name);
        put_file(file, text);
}

static void load(const char *text)
{
        config = config_free(config);
        if (text)
                put_file(path, text);
        ck_assert_msg(config_load(&config, path, true, false) == 0, "%s", error_text());
}

static bool may(uid_t uid, PolicyAction action, const char *object)
{
        PolicySubject subject = {uid, NULL, 0};
        char rule[POLICY_RULE_MAX];
        Address address;

        if (policy_action_is_by_name(action))
                return policy_decide(config->policy, &subject, action, NULL, object, rule) == 0;
        ck_assert_msg(address_parse(object, &address) == 0, "%s", error_text());
        return policy_decide(config->policy, &subject, action, &address, NULL, rule) == 0;
}

static uint32_t limit_of(uid_t uid, PolicyLimit limit)
{
        PolicySubject subject = {uid, NULL, 0};

        return policy_limit(config->policy, &subject, limit);
}

/* ---- what it becomes ---- */

static void check_defaults(void)
{
        ck_assert_uint_eq(config->sessions_max, 4096);
        ck_assert_uint_eq(config->sessions_per_user_max, 1024);
        ck_assert_uint_eq(config->registrations_per_session_max, 65536);
        ck_assert_uint_eq(config->registrations_per_user_max, 262144);
        ck_assert_uint_eq(config->descriptors_max, 16384);
        ck_assert_int_eq(config->log_level, LOG_INFO);
        ck_assert_str_eq(config->admin_group, KYRON_ADMIN_GROUP);
        ck_assert_uint_eq(config->n_name_servers, 0);
        ck_assert_uint_eq(config->n_listeners, 0);
        ck_assert_uint_eq(config->n_policies, 0);
        ck_assert(!policy_is_audit(config->policy));
        ck_assert_uint_eq(limit_of(1, POLICY_SESSIONS), 1024);
        ck_assert_uint_eq(limit_of(1, POLICY_REGISTRATIONS), 262144);
        ck_assert(!may(0, POLICY_LISTEN, "tcp:*:80"));
        ck_assert(!may(geteuid(), POLICY_HOLD, "x"));
}

static void check_name_servers(const char *expected)
{
        char text[CONFIG_NAME_SERVERS_MAX * (ADDRESS_TEXT_MAX + 1)] = "";

        for (size_t i = 0; i < config->n_name_servers; i++) {
                address_format(&config->name_servers[i], text + strlen(text));
                strcat(text, " ");
        }
        ck_assert_str_eq(text, expected);
}

START_TEST(a_missing_file_means_the_defaults_unless_it_must_exist)
{
        char expected[512];

        ck_assert_int_eq(config_load(&config, path, false, false), 0);
        check_defaults();
        config = config_free(config);
        ck_assert_int_eq(config_load(&config, "", false, false), 0);
        check_defaults();
        config = config_free(config);
        ck_assert_int_eq(config_load(&config, "/dev/null", true, false), 0);
        check_defaults();
        config = config_free(config);
        ck_assert_int_eq(config_load(&config, path, true, false), -ENOENT);
        snprintf(expected, sizeof(expected), "%s: No such file or directory", path);
        ck_assert_str_eq(error_text(), expected);
        load("# nothing\n");
        check_defaults();
}
END_TEST

START_TEST(every_setting_is_read)
{
        load("max-sessions = 11\n"
             "max-sessions-per-user = 12\n"
             "max-registrations-per-session = 13\n"
             "max-registrations-per-user = 14\n"
             "max-sessions-per-second = 16\n"
             "max-descriptors = 15\n"
             "log-level = debug\n"
             "admin-group = wheel\n"
             "audit = true\n"
             "name-servers = {\"192.0.2.1\", 2001:db8::1, \"[fe80::1%lo]:5353\"}\n");
        ck_assert_uint_eq(config->sessions_max, 11);
        ck_assert_uint_eq(config->sessions_per_second, 16);
        ck_assert_uint_eq(config->sessions_per_user_max, 12);
        ck_assert_uint_eq(config->registrations_per_session_max, 13);
        ck_assert_uint_eq(config->registrations_per_user_max, 14);
        ck_assert_uint_eq(config->descriptors_max, 15);
        ck_assert_int_eq(config->log_level, LOG_DEBUG);
        ck_assert_str_eq(config->admin_group, "wheel");
        ck_assert(policy_is_audit(config->policy));
        check_name_servers("udp:192.0.2.1:53 udp:[2001:db8::1]:53 udp:[fe80::1%lo]:5353 ");
        ck_assert_uint_eq(limit_of(1, POLICY_SESSIONS), 12);
        ck_assert_uint_eq(limit_of(1, POLICY_REGISTRATIONS), 14);
}
END_TEST

START_TEST(a_listener_of_which_nothing_is_said_has_its_defaults)
{
        const ListenerConfig *web;
        char text[ADDRESS_TEXT_MAX];

        load("listener \"web\" { address = \"tcp:*:http\" }");
        ck_assert_uint_eq(config->n_listeners, 1);
        web = &config->listeners[0];
        address_format(&web->address, text);
        ck_assert_str_eq(text, "tcp:*:80");
        ck_assert_str_eq(web->name, "web");
        ck_assert(web->shared && web->reuse_address);
        ck_assert(!web->when_readable && !web->least_loaded && !web->v6_only);
        ck_assert(!web->nodelay && !web->keepalive);
        ck_assert_uint_eq(web->backlog, 0);
        ck_assert_uint_eq(web->silent_ms, 10000);
        ck_assert_uint_eq(web->mode, 0666);
}
END_TEST

START_TEST(every_key_of_a_listener_is_read)
{
        const ListenerConfig *app;
        char text[ADDRESS_TEXT_MAX];

        load("listener web { address = \"tcp:*:80\" }\n"
             "listener app {\n"
             "  address = unix:/run/app/socket # where\n"
             "  mode = take\n  when = readable\n  balance = least-loaded\n  backlog = 128\n"
             "  v6-only = yes\n  reuse-address = off\n  nodelay = on\n  keepalive = true\n"
             "  silent-ms = 2500\n  socket-mode = 0660\n"
             "}\n");
        ck_assert_uint_eq(config->n_listeners, 2);
        app = &config->listeners[1];
        address_format(&app->address, text);
        ck_assert_str_eq(app->name, "app");
        ck_assert_str_eq(text, "unix:/run/app/socket");
        ck_assert(!app->shared && app->when_readable && app->least_loaded);
        ck_assert(app->v6_only && !app->reuse_address && app->nodelay && app->keepalive);
        ck_assert_uint_eq(app->backlog, 128);
        ck_assert_uint_eq(app->silent_ms, 2500);
        ck_assert_uint_eq(app->mode, 0660);
}
END_TEST

START_TEST(a_policy_allows_what_it_says_to_whom_it_says)
{
        load("policy \"user:1000\" {\n"
             "  listen = {\"tcp:*:8080-8090\", # and more\n            \"unix:/run/a/*\"}\n"
             "  connect = \"tcp:*.example.org:443\"\n"
             "  bind = {\"udp:*:53\"}\n  serve = {web, api}\n  serve += {more}\n  hold = \"a-*\"\n"
             "  sessions = 1\n  registrations = 2\n  listeners = 3\n  holds = 4\n  connects = 0\n"
             "}\n"
             "policy \"user:root\" { serve = root-only }\n"
             "policy \"group:root\" { serve = group-only }\n"
             "policy \"user:*\" { hold = all }\n"
             "policy \"user:1002\" { delivery = {relayed} }\n"
             "policy \"user:1003\" { delivery = {\"relayed\", \"direct\"} }\n");
        ck_assert_uint_eq(config->n_policies, 6);
        ck_assert_uint_eq(policy_rule_count(config->policy), 6);
        ck_assert(may(1000, POLICY_LISTEN, "tcp:*:8085"));
        ck_assert(may(1000, POLICY_LISTEN, "unix:/run/a/s"));
        ck_assert(may(1000, POLICY_CONNECT, "tcp:www.example.org:443"));
        ck_assert(may(1000, POLICY_BIND, "udp:*:53"));
        ck_assert(may(1000, POLICY_SERVE, "web") && may(1000, POLICY_SERVE, "api"));
        ck_assert(may(1000, POLICY_SERVE, "more"));
        ck_assert(may(1000, POLICY_HOLD, "a-1") && may(1000, POLICY_HOLD, "all"));
        ck_assert(!may(1000, POLICY_LISTEN, "tcp:*:8091"));
        ck_assert(!may(1000, POLICY_CONNECT, "tcp:*:8085"));
        ck_assert(!may(1001, POLICY_LISTEN, "tcp:*:8085"));
        ck_assert(may(1001, POLICY_HOLD, "all") && !may(1001, POLICY_HOLD, "a-1"));
        ck_assert(may(0, POLICY_SERVE, "root-only") && !may(0, POLICY_SERVE, "group-only"));
        ck_assert(may(1001, POLICY_DELIVERY, "direct"));
        ck_assert(may(1002, POLICY_DELIVERY, "relayed") && !may(1002, POLICY_DELIVERY, "direct"));
        ck_assert(may(1003, POLICY_DELIVERY, "relayed") && may(1003, POLICY_DELIVERY, "direct"));
        for (uint32_t i = 0; i < POLICY_LIMIT_COUNT; i++)
                ck_assert_uint_eq(limit_of(1000, (PolicyLimit)i), (i + 1) % 5);
        ck_assert_uint_eq(limit_of(1001, POLICY_LISTENERS), 64);
}
END_TEST

START_TEST(in_a_private_instance_without_a_policy_its_user_may_do_everything)
{
        ck_assert_int_eq(config_load(&config, path, false, true), 0);
        ck_assert_uint_eq(config->n_policies, 0);
        ck_assert(may(geteuid(), POLICY_LISTEN, "tcp:*:80"));
        ck_assert(may(geteuid(), POLICY_LISTEN, "unix:/run/x"));
        ck_assert(may(geteuid(), POLICY_CONNECT, "tcp:example.org:80"));
        ck_assert(may(geteuid(), POLICY_BIND, "udp:192.0.2.1:0"));
        ck_assert(may(geteuid(), POLICY_SERVE, "x") && may(geteuid(), POLICY_HOLD, "x"));
        ck_assert(!may(geteuid() + 1, POLICY_HOLD, "x"));
        config = config_free(config);

        put_file(path, "policy \"user:*\" { serve = web }");
        ck_assert_int_eq(config_load(&config, path, false, true), 0);
        ck_assert(!may(geteuid(), POLICY_LISTEN, "tcp:*:80"));
        ck_assert(may(geteuid(), POLICY_SERVE, "web"));
}
END_TEST

/* ---- several files ---- */

START_TEST(drop_ins_add_up_in_order_of_name_and_the_last_setting_counts)
{
        put_drop_in("b.conf", "max-sessions = 3\npolicy \"user:1000\" { serve = b }\n"
                              "listener b { address = \"tcp:*:2\" }\nname-servers = 192.0.2.3");
        put_drop_in("a.conf", "max-sessions = 2\nmax-descriptors = 7\naudit = true\n"
                              "policy \"user:1000\" { serve = a }\nname-servers = 192.0.2.2");
        put_drop_in("c.conf.bak", "nonsense");
        put_drop_in(".d.conf", "nonsense");
        load("max-sessions = 1\nmax-sessions-per-user = 9\nlistener main { address = \"tcp:*:1\" "
             "}\n"
             "policy \"user:1000\" { serve = main }\nname-servers = {192.0.2.1, 192.0.2.9}");
        ck_assert_uint_eq(config->sessions_max, 3);
        ck_assert_uint_eq(config->sessions_per_user_max, 9);
        ck_assert_uint_eq(config->descriptors_max, 7);
        ck_assert(policy_is_audit(config->policy));
        ck_assert_uint_eq(config->n_listeners, 2);
        ck_assert_str_eq(config->listeners[0].name, "main");
        ck_assert_uint_eq(config->n_policies, 3);
        ck_assert(may(1000, POLICY_SERVE, "main") && may(1000, POLICY_SERVE, "a") &&
                  may(1000, POLICY_SERVE, "b"));
        check_name_servers("udp:192.0.2.3:53 ");

        /* Also where the file itself is missing. */
        ck_assert_int_eq(unlink(path), 0);
        config = config_free(config);
        ck_assert_int_eq(config_load(&config, path, false, false), 0);
        ck_assert_uint_eq(config->sessions_max, 3);
        ck_assert_uint_eq(config->n_listeners, 1);
}
END_TEST

START_TEST(a_listener_that_two_files_have_is_told_with_both_places)
{
        char expected[1024];

        put_file(path, "listener web { address = \"tcp:*:1\" }\nlistener api {\n address = "
                       "\"tcp:*:2\" }\n");
        put_drop_in("a.conf", "\n\nlistener api {\n\naddress = \"tcp:*:3\"\n}\n");
        ck_assert_int_eq(config_load(&config, path, true, false), -EINVAL);
        snprintf(expected, sizeof(expected), "%s/a.conf:3: listener \"api\" is in %s:2 already",
                 drop_ins, path);
        ck_assert_str_eq(error_text(), expected);
}
END_TEST

START_TEST(a_drop_in_that_leads_to_nothing_is_a_warning)
{
        char link[300], expected[400];

        put_file(path, "");
        put_drop_in("b.conf", "max-sessions = 5\n");
        snprintf(link, sizeof(link), "%s/a.conf", drop_ins);
        ck_assert_int_eq(symlink("/nonexistent/a.conf", link), 0);
        ck_assert_msg(config_load(&config, path, true, false) == 0, "%s", error_text());
        ck_assert_uint_eq(config->sessions_max, 5);
        ck_assert_uint_eq(config->n_warnings, 1);
        snprintf(expected, sizeof(expected), "%s: No such file or directory: the file is left out",
                 link);
        ck_assert_str_eq(config->warnings[0], expected);
}
END_TEST

/* Without waiting for it, whatever it is. */
START_TEST(a_drop_in_that_is_no_file_is_a_mistake)
{
        char other[300], expected[400];

        put_file(path, "");
        put_drop_in("b.conf", "max-sessions = 5\n");
        snprintf(other, sizeof(other), "%s/a.conf", drop_ins);
        snprintf(expected, sizeof(expected), "%s: it is not a file", other);
        ck_assert_int_eq(mkfifo(other, 0644), 0);
        ck_assert_int_eq(config_load(&config, path, true, false), -EINVAL);
        ck_assert_str_eq(error_text(), expected);
        ck_assert_int_eq(unlink(other), 0);
        ck_assert_int_eq(mkdir(other, 0755), 0);
        ck_assert_int_eq(config_load(&config, path, true, false), -EINVAL);
        ck_assert_str_eq(error_text(), expected);
        ck_assert_int_eq(rmdir(other), 0);
        ck_assert_int_eq(symlink("/dev/zero", other), 0);
        ck_assert_int_eq(config_load(&config, path, true, false), -EINVAL);
        ck_assert_str_eq(error_text(), expected);
}
END_TEST

START_TEST(a_mistake_in_a_drop_in_is_told_with_its_name)
{
        char expected[512];

        put_file(path, "");
        put_drop_in("a.conf", "\nmax-sessions = 0\n");
        put_drop_in("b.conf", "also = wrong\n");
        ck_assert_int_eq(config_load(&config, path, true, false), -EINVAL);
        snprintf(expected, sizeof(expected),
                 "%s/a.conf:2: max-sessions takes a number from 1 to 1000000, not \"0\"", drop_ins);
        ck_assert_str_eq(error_text(), expected);
}
END_TEST

/* ---- mistakes ---- */

#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct Mistake {
        const char *text, *sentence;
} mistakes[] = {
        /* an unknown key */
        {"# c\n\nmax-sesions = 5", "3: unknown setting \"max-sesions\": is it \"max-sessions\"?"},
        {"listner \"a\" { }", "1: unknown setting \"listner\": is it \"listener\"?"},
        {"polcy \"a\" { }", "1: unknown setting \"polcy\": is it \"policy\"?"},
        {"listener a {\n# c\n/* d\n*/ adress = 1\n}",
         "4: unknown setting \"adress\": is it \"address\"?"},
        {"policy \"user:root\" {\n lsiten = {}\n}",
         "2: unknown setting \"lsiten\": is it \"listen\"?"},
        {"something = 1", "1: unknown setting \"something\": see kyron-iod.conf(5)"},
        {X64 " = 1", "1: unknown setting \"" X64 "\": see kyron-iod.conf(5)"},
        {"\naddress = 1", "2: \"address\" belongs in a listener block"},
        {"hold = 1", "1: \"hold\" belongs in a policy block"},
        {"listener a {\n audit = true }", "2: \"audit\" does not belong in a block"},
        /* numbers */
        {"max-sessions = 0", "1: max-sessions takes a number from 1 to 1000000, not \"0\""},
        {"max-sessions = 1000001",
         "1: max-sessions takes a number from 1 to 1000000, not \"1000001\""},
        {"max-sessions = -1", "1: max-sessions takes a number from 1 to 1000000, not \"-1\""},
        {"max-sessions = many", "1: max-sessions takes a number from 1 to 1000000, not \"many\""},
        {"max-sessions = \"\"", "1: max-sessions takes a number from 1 to 1000000, not \"\""},
        {"max-sessions-per-user = 1000001",
         "1: max-sessions-per-user takes a number from 1 to 1000000, not \"1000001\""},
        {"max-registrations-per-session = 16777216",
         "1: max-registrations-per-session takes a number from 1 to 16777215, not \"16777216\""},
        {"max-registrations-per-user = 4294967296",
         "1: max-registrations-per-user takes a number from 1 to 4294967295, not \"4294967296\""},
        {"max-sessions-per-second = 0",
         "1: max-sessions-per-second takes a number from 1 to 1000000, not \"0\""},
        {"max-descriptors = 1000001",
         "1: max-descriptors takes a number from 1 to 1000000, not \"1000001\""},
        {"listener a {\n backlog = 65536 }",
         "2: backlog takes a number from 0 to 65535, not \"65536\""},
        {"listener a {\n silent-ms = 0 }",
         "2: silent-ms takes a number from 1 to 600000, not \"0\""},
        {"policy \"user:root\" {\n\n holds = none }",
         "3: holds takes a number from 0 to 4294967295, not \"none\""},
        /* another type */
        {"max-sessions = {5}", "1: unexpected token '{'"},
        {"audit = perhaps", "1: audit takes true or false, not \"perhaps\""},
        {"listener a {\n v6-only = 2 }", "2: v6-only takes true or false, not \"2\""},
        {"listener = 5", "1: missing title for section 'listener'"},
        {"max-sessions { }", "1: missing equal sign after option 'max-sessions'"},
        /* words */
        {"log-level = loud", "1: log-level is error, warning, notice, info or debug, not \"loud\""},
        {"admin-group = \"\"", "1: admin-group takes a name of 1 to 63 bytes"},
        {"admin-group = " X64, "1: admin-group takes a name of 1 to 63 bytes"},
        {"listener a {\n mode = both }", "2: mode takes shared, take or metrics, not \"both\""},
        {"listener a {\n when = ready }", "2: when takes accepted or readable, not \"ready\""},
        {"listener a {\n balance = fair }",
         "2: balance takes round-robin or least-loaded, not \"fair\""},
        {"listener a {\n socket-mode = 0999 }",
         "2: socket-mode takes an octal number to 0777, not \"0999\""},
        {"listener a {\n socket-mode = 1777 }",
         "2: socket-mode takes an octal number to 0777, not \"1777\""},
        /* addresses */
        {"name-servers = {192.0.2.1,\nns.example.org}",
         "2: name-servers takes numeric addresses, not \"ns.example.org\""},
        {"name-servers = {192.0.2.1, 192.0.2.2,\n192.0.2.3,\n192.0.2.4}",
         "3: name-servers takes at most 3 addresses"},
        {"name-servers = \"*\"", "1: name-servers takes numeric addresses, not \"*\""},
        {"name-servers = 192.0.2.1:0",
         "1: name-servers takes numeric addresses, not \"192.0.2.1:0\""},
        {"listener a {\n address = \"tcp:*:70000\" }",
         "2: address \"tcp:*:70000\": a port is a number from 0 to 65535"},
        {"listener a {\n address = \"udp:*:53\" }",
         "2: a listener's address is tcp: or unix:, not \"udp:*:53\""},
        {"listener a {\n address = \"tcp:www:80\" }",
         "2: a listener's host is a number or *, not \"tcp:www:80\""},
        {"policy \"user:root\" {\n listen = {\"tcp:*:1\",\n  \"tcp:1\"}\n}",
         "3: pattern \"tcp:1\": it needs a port: HOST:PORT"},
        {"policy \"user:root\" {\n delivery = {relayed, auto} }",
         "2: delivery takes relayed and direct, not \"auto\""},
        {"policy \"user:root\" { hold = \"a b\" }", "1: a name is printable ASCII without blanks"},
        /* blocks */
        {"\nlistener \"web\" {\n\n}", "2: listener \"web\" has no address"},
        {"listener \"\" { address = \"tcp:*:1\" }", "1: a listener's name has 1 to 63 bytes"},
        {"listener " X64 " { address = \"tcp:*:1\" }", "1: a listener's name has 1 to 63 bytes"},
        {"listener \"a*\" { address = \"tcp:*:1\" }",
         "1: a listener's name has no *: it is printable ASCII without blanks, quotes, \\ and *"},
        {"listener { }", "1: missing title for section 'listener'"},
        {"listener a { address = \"tcp:*:1\" }\nlistener a { }",
         "2: \"a\" is in this file already"},
        {"policy \"user:root\" { }\npolicy \"user:root\" { }",
         "2: \"user:root\" is in this file already"},
        {"policy \"user:\" { }", "1: there is no user \"\""},
        {"policy \"user:4294967295\" { }", "1: there is no user \"4294967295\""},
        {"policy \"www\" { }",
         "1: a policy is for \"user:NAME\", \"group:NAME\" or \"user:*\", not \"www\""},
        /* what is missing */
        {"\nlistener a {\n address = \"tcp:*:1\"\n", "2: the { that begins here has no closing }"},
        {"policy \"user:root\" {\n listen = {\"tcp:*:1\"\n}\n",
         "1: the { that begins here has no closing }"},
        {"\n}", "2: this } closes nothing"},
        {"admin-group = \"wheel\n", "1: the string that begins here has no end on its line"},
        {"max-sessions 5", "1: missing equal sign after option 'max-sessions'"},
        {"\nmax-sessions =", "2: premature end of file"},
};

START_TEST(a_policy_of_nobody_is_a_warning_and_the_rest_counts)
{
        const gid_t root_group = 0;
        const PolicySubject root = {.uid = 0, .groups = &root_group, .n_groups = 1};
        char expected[512], rule[POLICY_RULE_MAX];
        size_t index = 0;

        put_file(path, "max-sessions = 7\npolicy \"user:no-such-user\" { hold = \"*\" }\n"
                       "policy \"group:no-such-group\" { hold = \"*\" }\n"
                       "policy \"user:root\" { serve = \"web\" }\n");
        ck_assert_msg(config_load(&config, path, true, false) == 0, "%s", error_text());
        ck_assert_uint_eq(config->sessions_max, 7);
        ck_assert_uint_eq(config->n_policies, 3);
        ck_assert_uint_eq(config->n_warnings, 2);
        snprintf(expected, sizeof(expected),
                 "%s:2: there is no user \"no-such-user\": the policy is for nobody now", path);
        ck_assert_str_eq(config->warnings[0], expected);
        snprintf(expected, sizeof(expected),
                 "%s:3: there is no group \"no-such-group\": the policy is for nobody now", path);
        ck_assert_str_eq(config->warnings[1], expected);
        ck_assert_int_eq(policy_decide(config->policy, &root, POLICY_SERVE, NULL, "web", rule), 0);
        ck_assert_int_eq(policy_decide(config->policy, &root, POLICY_HOLD, NULL, "x", rule),
                         -EACCES);

        /* Until somebody is known. */
        ck_assert_str_eq(policy_next_unknown(config->policy, &index), "user:no-such-user");
        policy_set_known(config->policy, index, "user:another", POLICY_USER, 0);
        ck_assert_int_eq(policy_decide(config->policy, &root, POLICY_HOLD, NULL, "x", rule),
                         -EACCES);
        policy_set_known(config->policy, index, "user:no-such-user", POLICY_USER, 0);
        ck_assert_int_eq(policy_decide(config->policy, &root, POLICY_HOLD, NULL, "x", rule), 0);
        index++;
        ck_assert_str_eq(policy_next_unknown(config->policy, &index), "group:no-such-group");
        index++;
        ck_assert_ptr_null(policy_next_unknown(config->policy, &index));
}
END_TEST

START_TEST(each_kind_of_mistake_has_its_sentence_and_its_line)
{
        char expected[512], output[256];

        put_file(path, mistakes[_i].text);
        capture_start(2);
        ck_assert_msg(config_load(&config, path, true, false) == -EINVAL, "it is taken: %s",
                      mistakes[_i].text);
        capture_end(output, sizeof(output));
        ck_assert_str_eq(output, "");
        snprintf(expected, sizeof(expected), "%s:%s", path, mistakes[_i].sentence);
        ck_assert_str_eq(error_text(), expected);
}
END_TEST

START_TEST(after_a_mistake_the_next_file_is_read_as_ever)
{
        put_file(path, "listener a { address = \"x\"");
        ck_assert_int_eq(config_load(&config, path, true, false), -EINVAL);
        put_file(path, "listener a {\n adress = 1 }");
        ck_assert_int_eq(config_load(&config, path, true, false), -EINVAL);
        load("listener a { address = \"tcp:*:1\" }");
        ck_assert_uint_eq(config->n_listeners, 1);
}
END_TEST

START_TEST(root_refuses_files_and_directories_that_others_may_write)
{
        char expected[512];

        if (geteuid() != 0)
                SKIP_TEST("only root's daemon looks at who may write");
        put_file(path, "");
        ck_assert_int_eq(chmod(path, 0666), 0);
        ck_assert_int_eq(config_load(&config, path, true, false), -EPERM);
        snprintf(expected, sizeof(expected), "%s: others may write it: chmod go-w", path);
        ck_assert_str_eq(error_text(), expected);
        ck_assert_int_eq(chmod(path, 0644), 0);
        ck_assert_int_eq(mkdir(drop_ins, 0755), 0);
        ck_assert_int_eq(chmod(drop_ins, 0777), 0);
        ck_assert_int_eq(config_load(&config, path, true, false), -EPERM);
        ck_assert_int_eq(chown(drop_ins, 1, 1), 0);
        ck_assert_int_eq(chmod(drop_ins, 0755), 0);
        ck_assert_int_eq(config_load(&config, path, true, false), -EPERM);
        snprintf(expected, sizeof(expected), "%s: it has to be root's, since the daemon is",
                 drop_ins);
        ck_assert_str_eq(error_text(), expected);
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_refused)
{
        char expected[512];
        int r;

        put_file(path, "");
        ck_assert_int_eq(chmod(path, 0), 0);
        ck_assert_int_eq(chmod(directory, 0755), 0);
        if (getuid() == 0)
                ck_assert_int_eq(seteuid(65534), 0);
        r = config_load(&config, path, false, false);
        if (getuid() == 0)
                ck_assert_int_eq(seteuid(0), 0);
        ck_assert_int_eq(r, -EACCES);
        snprintf(expected, sizeof(expected), "%s: Permission denied", path);
        ck_assert_str_eq(error_text(), expected);
}
END_TEST

/* ---- the command line ---- */

START_TEST(the_command_line_wins_and_what_it_does_not_say_is_taken_over)
{
        Options options = {
                .sessions_max = 1,
                .registrations_per_user_max = 2,
                .admin_group = "staff",
                .given = OPTIONS_GIVEN_SESSIONS | OPTIONS_GIVEN_REGISTRATIONS_PER_USER |
                         OPTIONS_GIVEN_ADMIN_GROUP,
        };

        load("max-sessions = 11\nmax-sessions-per-user = 12\nmax-registrations-per-session = 13\n"
             "max-registrations-per-user = 14\nlog-level = error\nadmin-group = wheel\n");
        config_settle(config, &options);
        ck_assert_uint_eq(options.sessions_max, 1);
        ck_assert_uint_eq(config->sessions_max, 1);
        ck_assert_uint_eq(options.sessions_per_user_max, 12);
        ck_assert_uint_eq(options.registrations_per_session_max, 13);
        ck_assert_uint_eq(options.registrations_per_user_max, 2);
        ck_assert_uint_eq(limit_of(1, POLICY_SESSIONS), 12);
        ck_assert_uint_eq(limit_of(1, POLICY_REGISTRATIONS), 2);
        ck_assert_int_eq(options.log_level, LOG_ERR);
        ck_assert_str_eq(options.admin_group, "staff");
        ck_assert_str_eq(config->admin_group, "staff");

        /* The other half. */
        load(NULL);
        options.sessions_per_user_max = 3;
        options.registrations_per_session_max = 4;
        options.log_level = LOG_DEBUG;
        options.given = OPTIONS_GIVEN_SESSIONS_PER_USER | OPTIONS_GIVEN_REGISTRATIONS_PER_SESSION |
                        OPTIONS_GIVEN_LOG_LEVEL;
        config_settle(config, &options);
        ck_assert_uint_eq(config->sessions_per_user_max, 3);
        ck_assert_uint_eq(config->registrations_per_session_max, 4);
        ck_assert_int_eq(config->log_level, LOG_DEBUG);
        ck_assert_uint_eq(options.sessions_max, 11);
        ck_assert_uint_eq(options.registrations_per_user_max, 14);
}
END_TEST

TEST_SUITE(test_config)
{
        TCase *files = tcase_create("files");

        tcase_add_checked_fixture(files, set_up, tear_down);
        tcase_add_test(files, a_missing_file_means_the_defaults_unless_it_must_exist);
        tcase_add_test(files, every_setting_is_read);
        tcase_add_test(files, a_listener_of_which_nothing_is_said_has_its_defaults);
        tcase_add_test(files, every_key_of_a_listener_is_read);
        tcase_add_test(files, a_policy_allows_what_it_says_to_whom_it_says);
        tcase_add_test(files, in_a_private_instance_without_a_policy_its_user_may_do_everything);
        tcase_add_test(files, drop_ins_add_up_in_order_of_name_and_the_last_setting_counts);
        tcase_add_test(files, a_listener_that_two_files_have_is_told_with_both_places);
        tcase_add_test(files, a_drop_in_that_leads_to_nothing_is_a_warning);
        tcase_add_test(files, a_drop_in_that_is_no_file_is_a_mistake);
        tcase_add_test(files, a_mistake_in_a_drop_in_is_told_with_its_name);
        tcase_add_test(files, a_policy_of_nobody_is_a_warning_and_the_rest_counts);
        tcase_add_loop_test(files, each_kind_of_mistake_has_its_sentence_and_its_line, 0,
                            (int)(sizeof(mistakes) / sizeof(mistakes[0])));
        tcase_add_test(files, after_a_mistake_the_next_file_is_read_as_ever);
        tcase_add_test(files, root_refuses_files_and_directories_that_others_may_write);
        tcase_add_test(files, a_file_that_cannot_be_read_is_refused);
        tcase_add_test(files, the_command_line_wins_and_what_it_does_not_say_is_taken_over);
        suite_add_tcase(suite, files);
}
