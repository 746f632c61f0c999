/* kyronctl policy: policy_list.h, and test: what a user may have the daemon do, and which rule says
 * so. */
#include "core/address_service.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "ctl/output.h"
#include "ctl/policy_list.h"
#include "ctl/query.h"
#include "ctl/user_name.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Behind the word "test". */
enum { ARGUMENT_USER = 1, ARGUMENT_OBJECT, ARGUMENT_ACTION };

enum { QUESTIONS_MAX = 2 };

/* One action, and the answer when there is one. */
typedef struct Question {
        const char *action;
        bool allowed;
        char rule[ERROR_TEXT_MAX];
} Question;

typedef struct PolicyTest {
        uint32_t uid;
        const char *object;
        char numbered[ADDRESS_TEXT_MAX]; /* the object, if it is an address with a service's name */
        Question questions[QUESTIONS_MAX];
        size_t count;
} PolicyTest;

static void add_question(PolicyTest *test, const char *action)
{
        test->questions[test->count++] = (Question){.action = action};
}

/* What an address is for, where nobody says. */
static void choose_questions(PolicyTest *test)
{
        if (strncmp(test->object, "udp:", 4) == 0) {
                add_question(test, "bind");
        } else if (strncmp(test->object, "unix:", 5) == 0) {
                add_question(test, "listen");
        } else if (strchr(test->object, ':')) {
                /* tcp, or something that the daemon will call a mistake. */
                add_question(test, "listen");
                add_question(test, "connect");
        } else {
                add_question(test, "serve");
                add_question(test, "hold");
        }
}

static bool is_action(const char *word)
{
        static const char *const actions[] = {"listen", "connect", "bind",
                                              "serve",  "hold",    "delivery"};

        for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
                if (strcmp(word, actions[i]) == 0)
                        return true;
        }
        return false;
}

/* The daemon takes a port as a number. What else is wrong with an address is said by it. */
static int number_port(PolicyTest *test)
{
        int port;

        if (strcmp(test->questions[0].action, "serve") == 0 ||
            strcmp(test->questions[0].action, "hold") == 0 ||
            strcmp(test->questions[0].action, "delivery") == 0)
                return 0;
        port = address_service_port(test->object);
        if (port > 0) {
                address_replace_service(test->object, (unsigned)port, test->numbered);
                test->object = test->numbered;
        }
        return port < 0 ? port : 0;
}

static ExitCode read_arguments(PolicyTest *test, const CommandLine *command_line)
{
        char **arguments = command_line->arguments;
        int r;

        if (strcmp(arguments[0], "test") != 0) {
                error_set(EINVAL,
                          "policy is followed by test or list, not by \"%s\": see kyronctl --help",
                          arguments[0]);
                return EXIT_CODE_USAGE;
        }
        if (command_line->argument_count <= ARGUMENT_OBJECT) {
                error_set(EINVAL, "policy test takes USER ADDRESS [ACTION]: see kyronctl --help");
                return EXIT_CODE_USAGE;
        }
        test->object = arguments[ARGUMENT_OBJECT];
        if (command_line->argument_count <= ARGUMENT_ACTION) {
                choose_questions(test);
        } else if (is_action(arguments[ARGUMENT_ACTION])) {
                add_question(test, arguments[ARGUMENT_ACTION]);
        } else {
                error_set(EINVAL,
                          "an action is listen, connect, bind, serve, hold or delivery, not \"%s\"",
                          arguments[ARGUMENT_ACTION]);
                return EXIT_CODE_USAGE;
        }
        if (number_port(test) < 0)
                return EXIT_CODE_FAILED;
        r = user_name_find(arguments[ARGUMENT_USER], &test->uid);
        if (r < 0)
                return r == -ENOENT ? EXIT_CODE_NOT_FOUND : EXIT_CODE_FAILED;
        return EXIT_CODE_OK;
}

static ExitCode ask(Query *query, const PolicyTest *test, Question *question)
{
        Iod__Frame request = IOD__FRAME__INIT;
        Iod__TestPolicy body = IOD__TEST_POLICY__INIT;
        Iod__Frame *reply;
        ExitCode code;

        body.uid = test->uid;
        body.action = (char *)question->action;
        body.object = (char *)test->object;
        request.body_case = IOD__FRAME__BODY_TEST_POLICY;
        request.test_policy = &body;
        code = query_ask(query, &request, IOD__FRAME__BODY_POLICY_TESTED, &reply);
        if (code != EXIT_CODE_OK)
                return code;
        question->allowed = reply->policy_tested->allowed;
        snprintf(question->rule, sizeof(question->rule), "%s", reply->policy_tested->rule);
        output_make_printable(question->rule);
        return EXIT_CODE_OK;
}

static ExitCode print_json(const PolicyTest *test)
{
        UserName user = {.text = ""};
        json_t *array = json_array();

        for (size_t i = 0; i < test->count && array; i++) {
                json_t *object = json_object();

                output_add_number(&object, "uid", test->uid);
                output_add_text(&object, "user", user_name_of(&user, test->uid));
                output_add_text(&object, "action", test->questions[i].action);
                output_add_text(&object, "object", test->object);
                output_add(&object, "allowed", json_boolean(test->questions[i].allowed));
                output_add_text(&object, "rule", test->questions[i].rule);
                if (json_array_append_new(array, object) < 0) {
                        json_decref(array);
                        array = NULL;
                }
        }
        return output_json(array);
}

/* No table: a rule is not to be cut, and long ones do not fit a line with the rest. */
static ExitCode print_text(const PolicyTest *test)
{
        for (size_t i = 0; i < test->count; i++)
                printf("%s: %s\n  %s\n", test->questions[i].action,
                       test->questions[i].allowed ? "allowed" : "denied", test->questions[i].rule);
        return EXIT_CODE_OK;
}

ExitCode verb_policy(const CommandLine *command_line)
{
        CLEANUP(query_close) Query query = {.connection = {.fd = -1}};
        PolicyTest test = {.count = 0};
        bool allowed = true;
        ExitCode code;

        if (strcmp(command_line->arguments[0], "list") == 0 && command_line->argument_count == 1)
                return policy_list(command_line);
        code = read_arguments(&test, command_line);
        if (code == EXIT_CODE_OK)
                code = query_open(&query, command_line->socket_path);
        for (size_t i = 0; i < test.count && code == EXIT_CODE_OK; i++) {
                code = ask(&query, &test, &test.questions[i]);
                allowed = allowed && test.questions[i].allowed;
        }
        if (code != EXIT_CODE_OK)
                return code;
        code = command_line->json ? print_json(&test) : print_text(&test);
        if (code != EXIT_CODE_OK || allowed)
                return code;
        /* The output has said why. */
        error_set(EACCES, "%s", "");
        return EXIT_CODE_DENIED;
}
