/* Telling what happens to a listener, to who hears of it (daemon/tell/): its user, or who sees
 * everybody's. */
#pragma once

#include "daemon/listen/listener.h"

/* error is a positive errno, or 0; text may be NULL. */
void listener_tell(const Listener *listener, Iod__What what, int error, const char *text);
