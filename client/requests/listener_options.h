/* A listener's options, as they are asked of the daemon. */
#pragma once

#include "client/kyron.h"
#include "proto/iod.pb-c.h"

/* The options on the wire; options may be NULL. */
void listener_options_fill(Iod__ListenerOptions *out, const KyronListenerOptions *options);
