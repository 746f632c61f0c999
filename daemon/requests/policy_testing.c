/* TestPolicy. See policy_testing.h. */
#include "daemon/requests/policy_testing.h"

#include "core/error.h"
#include "daemon/config/accounts.h"
#include "daemon/config/authorise.h"
#include "daemon/daemon.h"
#include "daemon/requests/late_request.h"
#include "daemon/session/answer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct GroupsLookup GroupsLookup;

/* A test that waits for the groups. */
typedef struct PolicyTest {
        LateRequest late; /* first */
        Daemon *daemon;
        GroupsLookup *lookup;
        PolicyAction action;
        char object[ADDRESS_TEXT_MAX];
} PolicyTest;

/* The user's groups being looked up; outlives the test if that is forgotten. */
struct GroupsLookup {
        BlockingTask task; /* first */
        PolicyTest *test;  /* NULL: nobody waits any more */
        uid_t uid;
        int n; /* groups, or -errno */
        gid_t groups[PEER_GROUPS_MAX];
};

static int answer(const Daemon *daemon, Session *session, uint32_t sequence,
                  const PolicySubject *subject, PolicyAction action, const char *object)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__PolicyTested tested = IOD__POLICY_TESTED__INIT;
        char rule[POLICY_RULE_MAX], sentence[FRAME_TEXT_MAX];
        int r = authorise_test(daemon->config->policy, subject, action, object, rule);

        if (r < 0 && r != -EACCES)
                return -r;
        tested.allowed = r == 0;
        snprintf(sentence, sizeof(sentence), "%s", r == 0 ? rule : error_text());
        tested.rule = sentence;
        frame.body_case = IOD__FRAME__BODY_POLICY_TESTED;
        frame.policy_tested = &tested;
        return session_reply(session, sequence, &frame);
}

/* On a thread. */
static void look_up(BlockingTask *task)
{
        GroupsLookup *lookup = (GroupsLookup *)task;

        lookup->n = accounts_find_groups_of(lookup->uid, lookup->groups, PEER_GROUPS_MAX);
}

static int answer_late(const PolicyTest *test, const GroupsLookup *lookup)
{
        const PolicySubject subject = {
                .uid = lookup->uid,
                .groups = lookup->groups,
                .n_groups = (size_t)lookup->n,
        };

        if (lookup->n < 0)
                return -error_set(-lookup->n, "cannot look up user %u: %s", lookup->uid,
                                  strerror(-lookup->n));
        return answer(test->daemon, test->late.session, test->late.sequence, &subject, test->action,
                      test->object);
}

static void on_looked_up(BlockingTask *task, int error)
{
        GroupsLookup *lookup = (GroupsLookup *)task;
        PolicyTest *test = lookup->test;
        int r;

        (void)error; /* the sessions end before the pool closes */
        if (test) {
                Session *session = late_request_answer(&test->late);
                uint32_t sequence = test->late.sequence;

                r = answer_late(test, lookup);
                if (r > 0)
                        r = answer_refused(session, sequence, IOD__FRAME__BODY_TEST_POLICY, -r);
                late_request_answered(session);
                if (r < 0)
                        session_fail(session, sequence, r);
                free(test);
        }
        free(lookup);
}

static void forget(LateRequest *late)
{
        PolicyTest *test = (PolicyTest *)late;

        test->lookup->test = NULL;
        if (blocking_pool_withdraw(test->daemon->blocking, &test->lookup->task))
                free(test->lookup);
        free(test);
}

static int begin(Daemon *daemon, Session *session, const Iod__Frame *request, PolicyAction action)
{
        PolicyTest *test = calloc(1, sizeof(*test));
        GroupsLookup *lookup = calloc(1, sizeof(*lookup));
        int r = test && lookup ? late_request_begin(&test->late, session, request->sequence, forget)
                               : error_set(ENOMEM, "no memory to go on");

        if (r == 0) {
                test->daemon = daemon;
                test->lookup = lookup;
                test->action = action;
                snprintf(test->object, sizeof(test->object), "%s", request->test_policy->object);
                lookup->task = (BlockingTask){.run = look_up, .done = on_looked_up};
                lookup->test = test;
                lookup->uid = request->test_policy->uid;
                r = blocking_pool_spawn(daemon->blocking, session->peer.uid, &lookup->task);
                if (r == 0)
                        return 0;
                late_request_end(&test->late);
        }
        free(test);
        free(lookup);
        return -r;
}

int policy_testing_serve(Daemon *daemon, Session *session, const Iod__Frame *request)
{
        const Iod__TestPolicy *test = request->test_policy;
        const PolicySubject oneself = authorise_subject(&session->peer);
        char rule[POLICY_RULE_MAX];
        PolicyAction action;
        int r;

        if (!session->sees_all && test->uid != session->peer.uid)
                return -error_set(EACCES, "only root and the group %s may ask about others",
                                  daemon->config->admin_group);
        if (!policy_action_from_name(test->action, &action))
                return -error_set(EINVAL,
                                  "\"%.20s\" is not listen, connect, bind, serve, hold or delivery",
                                  test->action);
        if (test->uid == session->peer.uid)
                return answer(daemon, session, request->sequence, &oneself, action, test->object);
        /* What is no address need not be looked up for. */
        r = authorise_test(daemon->config->policy, &oneself, action, test->object, rule);
        return r < 0 && r != -EACCES ? -r : begin(daemon, session, request, action);
}
