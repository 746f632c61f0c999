/* Telling what happens to a listener. See listener_tell.h. */
#include "daemon/listen/listener_tell.h"

void listener_tell(const Listener *listener, Iod__What what, int error, const char *text)
{
        Teller *teller = listener->group.listeners->teller;
        const Happening happening = {
                .what = what,
                .owner = listener->configured ? HAPPENING_OF_DAEMON : HAPPENING_OF_USER,
                .uid = listener->uid,
                .listener = listener->group.number,
                .name = listener->config.name,
                .address = listener->address,
                .error = error,
                .text = text,
        };

        if (teller_is_heard(teller))
                teller_tell(teller, &happening);
}
