/* What a refused request asked for. See asked.h. */
#include "daemon/requests/asked.h"

#include "daemon/session/session_tell.h"
#include "daemon/session/sessions.h"

/* The names and addresses are the request's. */
static Asked find_asked(const Iod__Frame *request)
{
        Asked asked = {.request = request->body_case};

        switch (request->body_case) {
        case IOD__FRAME__BODY_CONNECT:
                asked.address = request->connect->address;
                break;
        case IOD__FRAME__BODY_BIND:
                asked.address = request->bind->address;
                break;
        case IOD__FRAME__BODY_TAKE_LISTENER:
                asked.name = request->take_listener->name;
                asked.address = request->take_listener->address;
                break;
        case IOD__FRAME__BODY_JOIN:
                asked.name = request->join->name;
                asked.address = request->join->address;
                break;
        case IOD__FRAME__BODY_HOLD:
                asked.name = request->hold->name;
                break;
        case IOD__FRAME__BODY_TAKE_HELD:
                asked.name = request->take_held->name;
                break;
        case IOD__FRAME__BODY_SET_LISTENER:
                asked.name = request->set_listener->name;
                break;
        case IOD__FRAME__BODY_TEST_POLICY:
                asked.name = request->test_policy->action;
                asked.address = request->test_policy->object;
                break;
        default:
                break;
        }
        return asked;
}

void asked_tell_refused(const Session *session, const Iod__Frame *request, int error,
                        const char *text)
{
        Asked asked;

        if (!teller_is_heard(session->sessions->teller))
                return;
        asked = find_asked(request);
        session_tell_refused(session, &asked, 0, error, text);
}
