/*
 * daemon/policy: for each kind of rule what it allows and what it does not, with the rule that
 * allowed it or the whole sentence that refused it.
 */
#include "core/error.h"
#include "daemon/config/policy.h"
#include "tests/support/fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
        SENTENCE_MAX = 95, /* what goes over the wire */
        WWW = 33,
        ALICE = 1000,
        BOB = 1001,
        WEB = 50, /* groups */
        STAFF = 51,
};

static Policy *policy;

static PolicyRule *add(PolicyWho who, uint32_t id, const char *title)
{
        PolicyRule *rule;

        ck_assert_int_eq(policy_add_rule(policy, who, id, title, &rule), 0);
        return rule;
}

static void allow(PolicyRule *rule, PolicyAction action, const char *pattern)
{
        ck_assert_msg(policy_rule_allow(rule, action, pattern) == 0, "%s", error_text());
}

static void set_up(void)
{
        PolicyRule *www, *web;

        ck_assert_int_eq(policy_new(&policy), 0);
        policy_set_default_limit(policy, POLICY_SESSIONS, 10);
        policy_set_default_limit(policy, POLICY_REGISTRATIONS, 20);

        www = add(POLICY_USER, WWW, "user:www");
        allow(www, POLICY_LISTEN, "tcp:*:8080-8090");
        allow(www, POLICY_LISTEN, "unix:/run/www/*");
        allow(www, POLICY_CONNECT, "tcp:*.example.org:443");
        allow(www, POLICY_BIND, "udp:127.0.0.0/8:*");
        allow(www, POLICY_SERVE, "web");
        allow(www, POLICY_HOLD, "www-*");
        policy_rule_set_limit(www, POLICY_SESSIONS, 3);
        policy_rule_set_limit(www, POLICY_LISTENERS, 5);

        web = add(POLICY_GROUP, WEB, "group:web");
        allow(web, POLICY_LISTEN, "tcp:127.0.0.1:0");
        allow(web, POLICY_CONNECT, "tcp:10.0.0.0/8:80");
        allow(web, POLICY_BIND, "udp:*:5353");
        allow(web, POLICY_SERVE, "api");
        allow(web, POLICY_HOLD, "shared");
        policy_rule_set_limit(web, POLICY_SESSIONS, 2);
        policy_rule_set_limit(web, POLICY_LISTENERS, 7);
        policy_rule_set_limit(web, POLICY_CONNECTS, 0);
}

static void tear_down(void)
{
        policy = policy_free(policy);
}

static int decide(const PolicySubject *subject, PolicyAction action, const char *object,
                  char rule[static POLICY_RULE_MAX])
{
        Address address;
        int r;

        if (policy_action_is_by_name(action))
                return policy_decide(policy, subject, action, NULL, object, rule);
        ck_assert_msg(address_parse(object, &address) == 0, "%s", error_text());
        r = policy_decide(policy, subject, action, &address, NULL, rule);
        if (r < 0)
                ck_assert_uint_le(strlen(error_text()), SENTENCE_MAX);
        return r;
}

/* ---- an allow and a deny of each kind ---- */

static const struct Case {
        uid_t uid;
        gid_t group; /* beside STAFF; 0: none */
        PolicyAction action;
        const char *object;
        int result;
        const char *says; /* the rule, or the sentence */
} cases[] = {
        {WWW, 0, POLICY_LISTEN, "tcp:*:8080", 0, "policy \"user:www\", listen \"tcp:*:8080-8090\""},
        {WWW, 0, POLICY_LISTEN, "tcp:*:8091", -EACCES,
         "uid 33 may not listen on tcp:*:8091: not in policy user:www"},
        {WWW, 0, POLICY_LISTEN, "unix:/run/www/s", 0,
         "policy \"user:www\", listen \"unix:/run/www/*\""},
        {WWW, 0, POLICY_LISTEN, "unix:/run/other", -EACCES,
         "uid 33 may not listen on unix:/run/other: not in policy user:www"},
        {WWW, 0, POLICY_CONNECT, "tcp:www.example.org:443", 0,
         "policy \"user:www\", connect \"tcp:*.example.org:443\""},
        {WWW, 0, POLICY_CONNECT, "tcp:192.0.2.1:443", -EACCES,
         "uid 33 may not connect to tcp:192.0.2.1:443: not in policy user:www"},
        {WWW, 0, POLICY_BIND, "udp:127.0.0.1:53", 0,
         "policy \"user:www\", bind \"udp:127.0.0.0/8:*\""},
        {WWW, 0, POLICY_BIND, "udp:*:53", -EACCES,
         "uid 33 may not bind udp:*:53: not in policy user:www"},
        {WWW, 0, POLICY_SERVE, "web", 0, "policy \"user:www\", serve \"web\""},
        {WWW, 0, POLICY_SERVE, "webs", -EACCES,
         "uid 33 may not serve webs: not in policy user:www"},
        {WWW, 0, POLICY_HOLD, "www-1", 0, "policy \"user:www\", hold \"www-*\""},
        {WWW, 0, POLICY_HOLD, "xwww-1", -EACCES,
         "uid 33 may not hold xwww-1: not in policy user:www"},

        {ALICE, WEB, POLICY_LISTEN, "tcp:127.0.0.1:0", 0,
         "policy \"group:web\", listen \"tcp:127.0.0.1:0\""},
        {ALICE, WEB, POLICY_LISTEN, "tcp:*:8080", -EACCES,
         "uid 1000 may not listen on tcp:*:8080: not in policy group:web"},
        {ALICE, WEB, POLICY_CONNECT, "tcp:10.1.2.3:80", 0,
         "policy \"group:web\", connect \"tcp:10.0.0.0/8:80\""},
        {ALICE, WEB, POLICY_CONNECT, "tcp:11.1.2.3:80", -EACCES,
         "uid 1000 may not connect to tcp:11.1.2.3:80: not in policy group:web"},
        {ALICE, WEB, POLICY_BIND, "udp:*:5353", 0, "policy \"group:web\", bind \"udp:*:5353\""},
        {ALICE, WEB, POLICY_BIND, "udp:*:5354", -EACCES,
         "uid 1000 may not bind udp:*:5354: not in policy group:web"},
        {ALICE, WEB, POLICY_SERVE, "api", 0, "policy \"group:web\", serve \"api\""},
        {ALICE, WEB, POLICY_SERVE, "web", -EACCES,
         "uid 1000 may not serve web: not in policy group:web"},
        {ALICE, WEB, POLICY_HOLD, "shared", 0, "policy \"group:web\", hold \"shared\""},
        {ALICE, WEB, POLICY_HOLD, "shared2", -EACCES,
         "uid 1000 may not hold shared2: not in policy group:web"},

        /* A user's and a group's together. */
        {WWW, WEB, POLICY_SERVE, "api", 0, "policy \"group:web\", serve \"api\""},
        {WWW, WEB, POLICY_SERVE, "web", 0, "policy \"user:www\", serve \"web\""},
        {WWW, WEB, POLICY_SERVE, "other", -EACCES,
         "uid 33 may not serve other: not in policy user:www, group:web"},

        /* No rule at all: nothing, for root neither. */
        {BOB, 0, POLICY_LISTEN, "tcp:*:8080", -EACCES,
         "uid 1001 may not listen on tcp:*:8080: no policy is for this user"},
        {BOB, 0, POLICY_CONNECT, "tcp:www.example.org:443", -EACCES,
         "uid 1001 may not connect to tcp:www.example.org:443: no policy is for this user"},
        {BOB, 0, POLICY_BIND, "udp:127.0.0.1:53", -EACCES,
         "uid 1001 may not bind udp:127.0.0.1:53: no policy is for this user"},
        {BOB, 0, POLICY_SERVE, "web", -EACCES,
         "uid 1001 may not serve web: no policy is for this user"},
        {BOB, 0, POLICY_HOLD, "www-1", -EACCES,
         "uid 1001 may not hold www-1: no policy is for this user"},
        {0, 0, POLICY_LISTEN, "tcp:*:8080", -EACCES,
         "uid 0 may not listen on tcp:*:8080: no policy is for this user"},
        /* A uid is no gid. */
        {WEB, 0, POLICY_SERVE, "api", -EACCES,
         "uid 50 may not serve api: no policy is for this user"},
        {BOB, WWW, POLICY_SERVE, "web", -EACCES,
         "uid 1001 may not serve web: no policy is for this user"},
        /* Listening is not connecting. */
        {WWW, 0, POLICY_CONNECT, "tcp:127.0.0.1:8080", -EACCES,
         "uid 33 may not connect to tcp:127.0.0.1:8080: not in policy user:www"},
        /* What cannot be printed is not. */
        {BOB, 0, POLICY_HOLD, "a\nb\x80", -EACCES,
         "uid 1001 may not hold a?b?: no policy is for this user"},
};

START_TEST(each_kind_of_rule_allows_what_it_names_and_a_refusal_says_why)
{
        const struct Case *c = &cases[_i];
        gid_t groups[] = {STAFF, c->group};
        PolicySubject subject = {c->uid, groups, c->group ? 2 : 1};
        char rule[POLICY_RULE_MAX];

        ck_assert_int_eq(decide(&subject, c->action, c->object, rule), c->result);
        ck_assert_str_eq(c->result == 0 ? rule : error_text(), c->says);
}
END_TEST

START_TEST(a_rule_for_everyone_is_everyones)
{
        PolicySubject subject = {BOB, NULL, 0};
        char rule[POLICY_RULE_MAX];

        allow(add(POLICY_EVERYONE, 0, "user:*"), POLICY_CONNECT, "tcp:*:443");
        ck_assert_int_eq(decide(&subject, POLICY_CONNECT, "tcp:a.example:443", rule), 0);
        ck_assert_str_eq(rule, "policy \"user:*\", connect \"tcp:*:443\"");
        ck_assert_int_eq(decide(&subject, POLICY_CONNECT, "tcp:a.example:80", rule), -EACCES);
        ck_assert_str_eq(error_text(),
                         "uid 1001 may not connect to tcp:a.example:80: not in policy user:*");
}
END_TEST

/* ---- sentences and their room ---- */

#define X32 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X64 X32 X32

START_TEST(a_long_object_is_cut_and_the_rule_is_not)
{
        PolicySubject subject = {UINT32_MAX - 1, NULL, 0};
        char rule[POLICY_RULE_MAX], name[300] = "tcp:" X32 "." X64;

        strcpy(name + 60, ".example.org:65535");
        ck_assert_int_eq(decide(&subject, POLICY_CONNECT, name, rule), -EACCES);
        ck_assert_str_eq(error_text(), "uid 4294967294 may not connect to tcp:xxxxxxxxxxxxxxxxxxxxx"
                                       "xxxxx...: no policy is for this user");
        ck_assert_uint_eq(strlen(error_text()), SENTENCE_MAX);

        add(POLICY_USER, UINT32_MAX - 1, "user:" X32);
        ck_assert_int_eq(decide(&subject, POLICY_CONNECT, name, rule), -EACCES);
        ck_assert_str_eq(error_text(),
                         "uid 4294967294 may not connect to tcp:x...: not in policy user:" X32);
        ck_assert_uint_eq(strlen(error_text()), SENTENCE_MAX);
}
END_TEST

START_TEST(rules_that_do_not_fit_are_counted)
{
        PolicySubject subject = {BOB, NULL, 0};
        char rule[POLICY_RULE_MAX];

        for (int i = 0; i < 1000; i++) {
                char title[64];

                snprintf(title, sizeof(title), "user:%d" X32, i);
                add(POLICY_EVERYONE, 0, title);
        }
        ck_assert_int_eq(decide(&subject, POLICY_CONNECT, "tcp:www.example.org:80", rule), -EACCES);
        ck_assert_str_eq(error_text(), "uid 1001 may not connect to tcp:w...: not in policy "
                                       "user:0xxxxxxxxxxxxxxxxxxxxx... and 999 more");
        ck_assert_uint_eq(strlen(error_text()), SENTENCE_MAX);
}
END_TEST

START_TEST(the_rule_that_allows_is_cut_where_it_has_to_be)
{
        PolicySubject subject = {BOB, NULL, 0};
        char rule[POLICY_RULE_MAX], pattern[ADDRESS_TEXT_MAX] = "tcp:" X32 "." X32 "." X32 ":80";

        allow(add(POLICY_EVERYONE, 0, "user:*"), POLICY_CONNECT, pattern);
        ck_assert_int_eq(decide(&subject, POLICY_CONNECT, pattern, rule), 0);
        ck_assert_uint_eq(strlen(rule), POLICY_RULE_MAX - 1);
        ck_assert_ptr_eq(strstr(rule, "policy \"user:*\", connect \"tcp:xxx"), rule);
}
END_TEST

/* ---- limits ---- */

static const struct Limit {
        uid_t uid;
        gid_t group;
        PolicyLimit limit;
        uint32_t value;
} limits[] = {
        {BOB, 0, POLICY_SESSIONS, 10},
        {BOB, 0, POLICY_REGISTRATIONS, 20},
        {BOB, 0, POLICY_LISTENERS, 64},
        {BOB, 0, POLICY_HOLDS, 1024},
        {BOB, 0, POLICY_CONNECTS, 256},
        /* A rule's limit is also one that is less than the default. */
        {WWW, 0, POLICY_SESSIONS, 3},
        {WWW, 0, POLICY_REGISTRATIONS, 20},
        {WWW, 0, POLICY_LISTENERS, 5},
        {BOB, WEB, POLICY_CONNECTS, 0},
        {BOB, WEB, POLICY_LISTENERS, 7},
        /* The largest of theirs. */
        {WWW, WEB, POLICY_LISTENERS, 7},
        {WWW, WEB, POLICY_SESSIONS, 3},
};

START_TEST(a_limit_is_the_largest_of_their_rules_or_the_default)
{
        gid_t groups[] = {STAFF, limits[_i].group};
        PolicySubject subject = {limits[_i].uid, groups, limits[_i].group ? 2 : 1};

        ck_assert_uint_eq(policy_limit(policy, &subject, limits[_i].limit), limits[_i].value);
}
END_TEST

START_TEST(every_limit_can_be_set_by_itself)
{
        PolicyRule *rule = add(POLICY_USER, BOB, "user:bob");
        PolicySubject subject = {BOB, NULL, 0};

        for (uint32_t i = 0; i < POLICY_LIMIT_COUNT; i++)
                policy_rule_set_limit(rule, (PolicyLimit)i, 100 + i);
        for (uint32_t i = 0; i < POLICY_LIMIT_COUNT; i++)
                ck_assert_uint_eq(policy_limit(policy, &subject, (PolicyLimit)i), 100 + i);
}
END_TEST

/* ---- names, mistakes, audit ---- */

START_TEST(actions_have_the_names_of_their_keys)
{
        static const char *const names[] = {"listen", "connect", "bind",
                                            "serve",  "hold",    "delivery"};
        PolicyAction action;

        for (int i = 0; i < POLICY_ACTION_COUNT; i++) {
                ck_assert_str_eq(policy_action_name((PolicyAction)i), names[i]);
                ck_assert(policy_action_from_name(names[i], &action));
                ck_assert_int_eq(action, i);
        }
        ck_assert(!policy_action_from_name("Listen", &action));
        ck_assert(!policy_action_from_name("", &action));
}
END_TEST

static int decide_delivery(uid_t uid, gid_t group, const char *delivery)
{
        const gid_t groups[] = {group};
        const PolicySubject subject = {.uid = uid, .groups = groups, .n_groups = 1};
        static char rule[POLICY_RULE_MAX];
        int r = decide(&subject, POLICY_DELIVERY, delivery, rule);

        if (r == 0)
                error_set(1, "%s", rule);
        return r;
}

START_TEST(each_delivery_is_theirs_until_a_rule_of_theirs_names_one)
{
        PolicyRule *bob = add(POLICY_USER, BOB, "user:bob");

        ck_assert_int_eq(decide_delivery(BOB, STAFF, "relayed"), 0);
        ck_assert_int_eq(decide_delivery(BOB, STAFF, "direct"), 0);
        ck_assert_str_eq(error_text(), "no policy of theirs names a delivery");
        allow(bob, POLICY_DELIVERY, "relayed");
        ck_assert_int_eq(decide_delivery(BOB, STAFF, "relayed"), 0);
        ck_assert_str_eq(error_text(), "policy \"user:bob\", delivery \"relayed\"");
        ck_assert_int_eq(decide_delivery(BOB, STAFF, "direct"), -EACCES);
        ck_assert_str_eq(error_text(),
                         "uid 1001 may not have delivery direct: not in policy user:bob");
        /* Others are asked for theirs. */
        ck_assert_int_eq(decide_delivery(WWW, STAFF, "direct"), 0);
        /* And what one of several allows is allowed. */
        allow(add(POLICY_GROUP, WEB, "group:web"), POLICY_DELIVERY, "direct");
        ck_assert_int_eq(decide_delivery(BOB, WEB, "direct"), 0);
        ck_assert_int_eq(decide_delivery(BOB, WEB, "relayed"), 0);
        ck_assert_int_eq(decide_delivery(WWW, WEB, "relayed"), -EACCES);
}
END_TEST

static const struct Mistake {
        PolicyAction action;
        const char *pattern, *sentence;
} mistakes[] = {
        {POLICY_LISTEN, "web", "pattern \"web\": it begins with tcp:, udp: or unix:"},
        {POLICY_SERVE, "", "a name has 1 to 64 bytes"},
        {POLICY_SERVE, X64 "x", "a name has 1 to 64 bytes"},
        {POLICY_HOLD, "a b", "a name is printable ASCII without blanks"},
        {POLICY_HOLD, "a*b", "\"a*b\": * stands at the end of a name only"},
        {POLICY_DELIVERY, "auto", "delivery takes relayed and direct, not \"auto\""},
        {POLICY_DELIVERY, "*", "delivery takes relayed and direct, not \"*\""},
};

START_TEST(a_pattern_that_is_none_is_refused)
{
        PolicyRule *rule = add(POLICY_USER, BOB, "user:bob");

        ck_assert_int_eq(policy_rule_allow(rule, mistakes[_i].action, mistakes[_i].pattern),
                         -EINVAL);
        ck_assert_str_eq(error_text(), mistakes[_i].sentence);
}
END_TEST

START_TEST(an_audit_is_asked_for_and_suggests_the_rule)
{
        PolicySubject web = {33, NULL, 0}, nobody = {4000000000, NULL, 0};
        Address address;
        PolicyRule *rule;
        char text[512];

        ck_assert(!policy_is_audit(policy));
        policy_set_audit(policy, true);
        ck_assert(policy_is_audit(policy));

        /* The user is called what the configuration calls it. Nobody is asked. */
        ck_assert_int_eq(policy_add_rule(policy, POLICY_USER, 33, "user:web", &rule), 0);
        ck_assert_int_eq(policy_add_rule(policy, POLICY_GROUP, 33, "group:web", &rule), 0);
        ck_assert_int_eq(address_parse("tcp:example.org:443", &address), 0);
        policy_suggest(policy, &web, POLICY_CONNECT, &address, NULL, text, sizeof(text));
        ck_assert_str_eq(text, "policy \"user:web\" { connect = {\"tcp:example.org:443\"} }");
        policy_suggest(policy, &nobody, POLICY_HOLD, NULL, "a\"b\\c${d", text, sizeof(text));
        ck_assert_str_eq(text, "policy \"user:4000000000\" { hold = {\"a\\\"b\\\\c\\${d\"} }");
        policy_suggest(policy, &nobody, POLICY_HOLD, NULL, "name", text, 10);
        ck_assert_str_eq(text, "policy \"u");
}
END_TEST

static char told[1024];

static void tell(void *data, const char *sentence)
{
        (void)data;
        strcat(strcat(told, sentence), "\n");
}

START_TEST(a_comparison_tells_each_difference)
{
        Policy *before = policy;
        PolicyRule *rule;

        policy_compare(before, before, tell, NULL);
        ck_assert_str_eq(told, "");

        ck_assert_int_eq(policy_new(&policy), 0);
        allow(add(POLICY_USER, BOB, "user:bob"), POLICY_SERVE, "web");
        rule = add(POLICY_USER, WWW + 1, "user:www");
        allow(rule, POLICY_LISTEN, "tcp:*:8080-8090");
        allow(rule, POLICY_LISTEN, "unix:/run/www/*");
        allow(rule, POLICY_CONNECT, "tcp:*.example.org:444");
        allow(rule, POLICY_BIND, "udp:127.0.0.0/8:*");
        allow(rule, POLICY_SERVE, "web");
        policy_rule_set_limit(rule, POLICY_SESSIONS, 4);
        policy_rule_set_limit(rule, POLICY_HOLDS, 6);
        policy_rule_set_limit(rule, POLICY_LISTENERS, 5);
        policy_compare(before, policy, tell, NULL);
        ck_assert_str_eq(told, "policy user:www: is for id 34, was for 33\n"
                               "policy user:www: connect changed\n"
                               "policy user:www: hold changed\n"
                               "policy user:www: sessions 4, was 3\n"
                               "policy user:www: holds 6, was the default\n"
                               "policy group:web: removed\n"
                               "policy user:bob: added\n");
        policy_free(before);
}
END_TEST

START_TEST(a_paths_directory_is_that_of_the_longest_rule)
{
        static const struct {
                const char *pattern, *address;
                uint32_t bytes;
        } paths[] = {
                {"unix:/run/bob/*", "unix:/run/bob/deep/x", 9},
                {"unix:/run/bob/de*", "unix:/run/bob/deep/x", 9},
                {"unix:/run/bob/deep/x", "unix:/run/bob/deep/x", 14},
                {"unix:*", "unix:/run/bob/deep/x", 1},
                {"unix:/*", "unix:/run/bob/deep/x", 1},
                {"unix:/x", "unix:/x", 1},
                {"unix:/none/*", "unix:/run/bob/deep/x", 1},
        };
        const PolicySubject bob = {.uid = BOB};
        const PolicySubject alice = {.uid = ALICE};
        PolicyRule *rule;
        Address address;

        for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
                Policy *one;

                ck_assert_int_eq(policy_new(&one), 0);
                ck_assert_int_eq(policy_add_rule(one, POLICY_USER, BOB, "user:bob", &rule), 0);
                allow(rule, POLICY_LISTEN, paths[i].pattern);
                ck_assert_int_eq(address_parse(paths[i].address, &address), 0);
                ck_assert_uint_eq(policy_directory(one, &bob, &address), paths[i].bytes);
                ck_assert_uint_eq(policy_directory(one, &alice, &address), 1);
                policy_free(one);
        }
        /* In whatever order they are. */
        allow(add(POLICY_USER, BOB, "user:bob"), POLICY_LISTEN, "unix:/run/*");
        allow(add(POLICY_EVERYONE, 0, "user:*"), POLICY_LISTEN, "unix:/run/bob/*");
        allow(add(POLICY_EVERYONE, 0, "user:*"), POLICY_LISTEN, "unix:/*");
        ck_assert_int_eq(address_parse("unix:/run/bob/deep/x", &address), 0);
        ck_assert_uint_eq(policy_directory(policy, &bob, &address), strlen("/run/bob/"));
}
END_TEST

TEST_SUITE(test_policy)
{
        TCase *rules = tcase_create("rules");

        tcase_add_checked_fixture(rules, set_up, tear_down);
        tcase_add_loop_test(rules, each_kind_of_rule_allows_what_it_names_and_a_refusal_says_why, 0,
                            (int)(sizeof(cases) / sizeof(cases[0])));
        tcase_add_test(rules, a_rule_for_everyone_is_everyones);
        tcase_add_test(rules, a_long_object_is_cut_and_the_rule_is_not);
        tcase_add_test(rules, rules_that_do_not_fit_are_counted);
        tcase_add_test(rules, the_rule_that_allows_is_cut_where_it_has_to_be);
        tcase_add_loop_test(rules, a_limit_is_the_largest_of_their_rules_or_the_default, 0,
                            (int)(sizeof(limits) / sizeof(limits[0])));
        tcase_add_test(rules, a_paths_directory_is_that_of_the_longest_rule);
        tcase_add_test(rules, every_limit_can_be_set_by_itself);
        tcase_add_test(rules, actions_have_the_names_of_their_keys);
        tcase_add_test(rules, each_delivery_is_theirs_until_a_rule_of_theirs_names_one);
        tcase_add_loop_test(rules, a_pattern_that_is_none_is_refused, 0,
                            (int)(sizeof(mistakes) / sizeof(mistakes[0])));
        tcase_add_test(rules, an_audit_is_asked_for_and_suggests_the_rule);
        tcase_add_test(rules, a_comparison_tells_each_difference);
        suite_add_tcase(suite, rules);
}
