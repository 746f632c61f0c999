/*
 * Operating: the requests of operators (SetListener, Drain, Reload, TestPolicy), and Cancel.
 */
#pragma once

#include "daemon/session/session.h"

/* Each serves one request. 0, a positive errno with error_text() to refuse it, or -errno: the
 * session has to end. */
int operating_cancel(Session *session, const Iod__Frame *request);
int operating_set_listener(Session *session, const Iod__Frame *request);
int operating_drain(Session *session, const Iod__Frame *request);
int operating_reload(Session *session, const Iod__Frame *request);
int operating_test_policy(Session *session, const Iod__Frame *request);
