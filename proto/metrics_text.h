/*
 * Metrics as text: the families of what the daemon counts, for kyronctl and for who scrapes the
 * daemon. Every name begins with kyron_iod_; a label is never a process or a session.
 */
#pragma once

#include "core/exposition.h"
#include "proto/iod.pb-c.h"

/* Whether what came over the wire has all that is written of it. */
bool metrics_text_is_whole(const Iod__Metrics *metrics);
/* Writes it; without the end. */
void metrics_text_write(Exposition *exposition, const Iod__Metrics *metrics);
