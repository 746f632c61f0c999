/* Telling what happens to a session. See session_tell.h. */
#include "daemon/session/session_tell.h"

#include "daemon/session/sessions.h"

void session_tell(const Session *session, Iod__What what, int error, const char *text)
{
        Teller *teller = session->sessions->teller;
        Happening happening;

        if (!teller_is_heard(teller))
                return;
        happening = happening_of(what, &session->peer);
        happening.error = error;
        happening.text = text;
        teller_tell(teller, &happening);
}

void session_tell_refused(const Session *session, const Asked *asked, uint32_t sources, int error,
                          const char *text)
{
        Teller *teller = session->sessions->teller;
        Happening happening;

        if (!teller_is_heard(teller))
                return;
        happening = happening_of(IOD__WHAT__REQUEST_REFUSED, &session->peer);
        happening.error = error;
        happening.count = sources;
        if (asked->request != IOD__FRAME__BODY__NOT_SET)
                happening.request = frame_body_name(asked->request);
        happening.name = asked->name;
        happening.address = asked->address;
        happening.text = text;
        teller_tell(teller, &happening);
}
