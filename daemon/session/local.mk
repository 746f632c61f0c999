libdaemon_la_SOURCES += \
	daemon/session/answer.c \
	daemon/session/answer.h \
	daemon/session/daemon_socket.c \
	daemon/session/daemon_socket.h \
	daemon/session/delivery.c \
	daemon/session/delivery.h \
	daemon/session/outgoing.h \
	daemon/session/service.h \
	daemon/session/session.c \
	daemon/session/session.h \
	daemon/session/session_accept.c \
	daemon/session/session_arming.c \
	daemon/session/session_arming.h \
	daemon/session/session_batch.c \
	daemon/session/session_batch.h \
	daemon/session/session_closed.c \
	daemon/session/session_closed.h \
	daemon/session/session_events.c \
	daemon/session/session_events.h \
	daemon/session/session_life.c \
	daemon/session/session_life.h \
	daemon/session/session_source.c \
	daemon/session/session_source.h \
	daemon/session/session_unread.c \
	daemon/session/session_unread.h \
	daemon/session/sessions.c \
	daemon/session/sessions.h
