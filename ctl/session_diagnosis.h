/* What is wrong with a process's sessions: what the daemon tells twice. */
#pragma once

#include "ctl/session_view.h"
#include "waits/diagnosis.h"

typedef struct SessionMoments {
        const SessionView *first; /* beside this sample's sockets, */
        const SocketTable *first_sockets;
        const SessionView *second; /* and later */
        const SocketTable *second_sockets;
} SessionMoments;

/* Calls visit for each; the diagnosis is lent for the call. */
void session_diagnose(const SessionMoments *moments, pid_t pid, DiagnosisVisit visit, void *data);
